// SPDX-License-Identifier: Apache-2.0
#include "cli/load/curl.h"
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

// Of either library of TLS; programs are the same to both.
static const char *const files[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};

static const struct {
  const char *name;
  size_t at;
} symbols[] = {
#define LOAD_CURL_SYMBOL(name) {"curl_" #name, offsetof(load_curl, name)},
    LOAD_CURL(LOAD_CURL_SYMBOL)
#undef LOAD_CURL_SYMBOL
};

static void *open_any(void) {
  void *library = NULL;
  for (size_t i = 0; i < sizeof files / sizeof *files && library == NULL; i++)
    library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
  return library;
}

nf_status load_curl_open(load_curl *out) {
  void *library = open_any();
  if (library == NULL)
    return nf_error(NF_UNAVAILABLE, "servers are asked by libcurl (Debian: libcurl3-gnutls): %s", dlerror());
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *symbol = dlsym(library, symbols[i].name);
    if (symbol == NULL) return nf_error(NF_UNAVAILABLE, "libcurl has no %s", symbols[i].name);
    memcpy((char *)out + symbols[i].at, &symbol, sizeof symbol);
  }
  return nf_ok();
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/load/curl.h"
#include "base/library.h"
#include <dlfcn.h>

// Of either library of TLS; programs are the same to both.
static const char *const files[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};

static const nf_symbol symbols[] = {
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
  return nf_library_find(library, "libcurl", symbols, sizeof symbols / sizeof *symbols, out);
}

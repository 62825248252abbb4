// SPDX-License-Identifier: Apache-2.0
#include "base/library.h"
#include <dlfcn.h>
#include <string.h>

nf_status nf_library_find(void *library, const char *name, const nf_symbol *symbols, size_t n, void *table) {
  for (size_t i = 0; i < n; i++) {
    void *symbol = dlsym(library, symbols[i].name);
    if (symbol == NULL) return nf_error(NF_UNAVAILABLE, "%s has no %s", name, symbols[i].name);
    memcpy((char *)table + symbols[i].at, &symbol, sizeof symbol);
  }
  return nf_ok();
}

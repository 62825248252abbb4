// SPDX-License-Identifier: Apache-2.0
// Functions of a library that is opened when it is asked for.
#pragma once
#include "base/status.h"
#include <stddef.h>

typedef struct nf_symbol {
  const char *name;
  size_t at; // where in a table its pointer is: bytes
} nf_symbol;

// Fills a table's pointers with those of a library that dlopen has opened, and that stays open as long as
// they are called. NF_UNAVAILABLE: `name`, as messages call it, has not all of them.
nf_status nf_library_find(void *library, const char *name, const nf_symbol *symbols, size_t n, void *table);

// SPDX-License-Identifier: Apache-2.0
// What public functions do with their arguments: handles must be there, and structs grow without breaking
// callers, as each comes with its size.
#include "engine/engine.h"
#include <string.h>

nf_status nf_handles_given(const nf_handle *h, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!h[i].given) return nf_error(NF_USAGE, "the %s is NULL", h[i].what);
  return nf_ok();
}

nf_status nf_options_copy(void *ours, size_t our_size, const void *theirs, const char *name) {
  if (theirs == NULL) return nf_ok();
  size_t size;
  memcpy(&size, theirs, sizeof size);
  if (size < sizeof size) return nf_error(NF_USAGE, "%s: set .size to its sizeof, not %zu", name, size);
  for (size_t i = our_size; i < size; i++)
    if (((const char *)theirs)[i] != 0)
      return nf_error(NF_USAGE, "%s: byte %zu is set, but this library knows only %zu", name, i, our_size);
  memcpy(ours, theirs, size < our_size ? size : our_size);
  return nf_ok();
}

void nf_result_copy(void *theirs, size_t size, const void *ours, size_t our_size) {
  if (theirs == NULL) return;
  memset(theirs, 0, size);
  memcpy(theirs, ours, size < our_size ? size : our_size);
}

// SPDX-License-Identifier: Apache-2.0
// Options structs that grow without breaking callers: each starts with its size.
#include "engine/engine.h"
#include <string.h>

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

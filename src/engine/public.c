// SPDX-License-Identifier: Apache-2.0
// The public face of status: an infuse_error is what an nf_status holds. And what public functions do with
// their arguments: handles must be there, and structs grow without breaking callers, as each comes with its
// size.
#include "engine/engine.h"
#include <string.h>

_Static_assert((int)INFUSE_INTERNAL == (int)NF_INTERNAL && (int)INFUSE_USAGE == (int)NF_USAGE,
               "infuse_code and nf_code must name the same things in the same order");

infuse_code infuse_error_code(const infuse_error *e) {
  return (infuse_code)nf_status_code((nf_status){(infuse_error *)e});
}
const char *infuse_error_message(const infuse_error *e) {
  return nf_status_message((nf_status){(infuse_error *)e});
}
infuse_error *infuse_error_copy(const infuse_error *e) {
  return nf_status_copy((nf_status){(infuse_error *)e}).error;
}
void infuse_error_free(infuse_error *e) { nf_status_free((nf_status){e}); }
const char *infuse_version(void) { return INFUSE_VERSION; }

nf_status nf_handles_given(const nf_handle *h, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!h[i].given) return nf_error(NF_USAGE, "the %s is NULL", h[i].what);
  return nf_ok();
}

nf_status nf_struct_copy(void *ours, size_t our_size, size_t first_size, const void *theirs, size_t size,
                         const char *name) {
  if (size < first_size || size > NF_MOST_STRUCT)
    return nf_error(NF_USAGE, "%s of %zu bytes: set .size to its sizeof, %zu", name, size, our_size);
  for (size_t i = our_size; i < size; i++)
    if (((const char *)theirs)[i] != 0)
      return nf_error(NF_USAGE, "%s: byte %zu is set, but this library knows only %zu", name, i, our_size);
  memcpy(ours, theirs, size < our_size ? size : our_size);
  return nf_ok();
}

nf_status nf_options_copy(void *ours, size_t our_size, size_t first_size, const void *theirs,
                          const char *name) {
  size_t size;
  if (theirs == NULL) return nf_ok();
  memcpy(&size, theirs, sizeof size);
  return nf_struct_copy(ours, our_size, first_size, theirs, size, name);
}

void nf_result_copy(void *theirs, size_t size, const void *ours, size_t our_size) {
  if (theirs == NULL) return;
  memset(theirs, 0, size);
  memcpy(theirs, ours, size < our_size ? size : our_size);
}

// SPDX-License-Identifier: Apache-2.0
// The public face of status: an infuse_error is what an nf_status holds.
#include "base/status.h"
#include <infuse/infuse.h>

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

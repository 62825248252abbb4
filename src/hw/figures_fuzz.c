// SPDX-License-Identifier: Apache-2.0
// Any bytes as a kept file of the host's figures.
#include "hw/figures.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nf_speeds s;
  const nf_status st = nf_figures_parse((const char *)data, size, "fuzz", "key", &s);
  if (nf_is_ok(st) && (s.threads < 1 || !(s.one.bandwidth >= 0) || !(s.all.peak[0] >= 0))) abort();
  nf_status_free(st);
  return 0;
}

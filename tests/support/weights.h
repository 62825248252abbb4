// SPDX-License-Identifier: Apache-2.0
// Loading weights for tests.
#pragma once
#include "checkpoint/weights.h"

// One weight into memory, on one thread; files NULL: made up.
static inline nf_status load_weight(const nf_checkpoint *files, const nf_value *v, int rank, void *data) {
  nf_weight_loader loader = {.files = files};
  const nf_weight_sink sink = nf_weight_memory(data);
  const nf_status st = nf_weight_load(&loader, v, rank, INT64_MAX, &sink);
  nf_weight_loader_deinit(&loader);
  return st;
}

nf_status load_every_weight(const nf_checkpoint *files,
                            const nf_graph *g); // keeps none; the first error ends it

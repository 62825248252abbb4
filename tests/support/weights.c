// SPDX-License-Identifier: Apache-2.0
#include "tests/support/weights.h"
#include "base/memory.h"

nf_status load_every_weight(const nf_checkpoint *files, const nf_graph *g) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  for (size_t i = 1; i < g->n_values; i++) {
    if (g->value[i].kind != NF_VALUE_WEIGHT) continue;
    size_t n;
    NF_TRY(nf_type_bytes(&g->value[i].type, &none, &n));
    void *data = nf_alloc_aligned(n);
    if (data == NULL) return nf_error(NF_NO_MEMORY, "no memory for a weight");
    const nf_status st = load_weight(files, &g->value[i], 0, data);
    nf_free_aligned(data);
    NF_TRY(st);
  }
  return nf_ok();
}

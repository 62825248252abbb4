// SPDX-License-Identifier: Apache-2.0
#include "select/memo.h"

typedef struct known {
  nf_op_desc d; // first, as nf_desc_map wants it
  nf_selection selection;
} known;

nf_status nf_memo_select(nf_memo *m, const nf_op_desc *d, nf_selection *out) {
  known *k = nf_desc_map_find(&m->known, d);
  if (k == NULL) {
    k = nf_arena_alloc(&m->arena, 1, sizeof *k);
    if (k == NULL) return nf_error(NF_NO_MEMORY, "no memory for a selection");
    k->d = *d;
    nf_select(m->hw, d, m->options, &k->selection);
    NF_TRY(nf_desc_map_add(&m->known, &k->d));
  }
  *out = k->selection;
  return nf_ok();
}

void nf_memo_deinit(nf_memo *m) {
  nf_desc_map_deinit(&m->known);
  nf_arena_deinit(&m->arena);
}

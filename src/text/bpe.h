// SPDX-License-Identifier: Apache-2.0
// Byte-pair merging of one piece: the pair with the lowest rank first, the leftmost of equals.
#pragma once
#include "text/vocab.h"

// Room for pieces of any size; one for each running encode. A zeroed one is empty.
typedef struct nf_bpe_work {
  struct nf_bpe_node *node;
  uint64_t *heap;
  size_t node_cap, heap_cap;
} nf_bpe_work;
void nf_bpe_work_deinit(nf_bpe_work *w);

nf_status nf_bpe_piece(const nf_vocab *v, nf_bpe_work *w, nf_view piece, nf_ids *out);

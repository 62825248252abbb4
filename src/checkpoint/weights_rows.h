// SPDX-License-Identifier: Apache-2.0
// A rank's weight from rows of the uncut one, wherever these come from. Private to the room.
#pragma once
#include "graph/graph.h"

// Rows are the flattened leading dimensions of the uncut weight; a call does not go beyond one part of a
// stack.
typedef struct nf_weight_source {
  void *self;
  // Bytes [at, at + n) of `rows` rows of codes from `row` on, one row after the other.
  nf_status (*codes)(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out);
  // Scales [at, at + n) of `rows` rows of scales: E8M0 bytes of MXFP4, float32 of FP8.
  nf_status (*scales)(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out);
} nf_weight_source;

enum { NF_WEIGHT_PIECE = 4 << 20 }; // bytes that are read at once, unless a row is longer

// Fills the rows of `whole` from row `first` on with what v is, which is `whole` itself or one that it joins.
// `data`: storage of whole->type. Memory beyond it: NF_WEIGHT_PIECE, or twice a row. NF_INTERNAL for types
// that no recipe fills (padded plain ones, symbolic ones) and ranks that the cut does not have.
nf_status nf_weight_fill(const nf_value *v, const nf_value *whole, int64_t first, int rank,
                         const nf_weight_source *from, void *data);

// SPDX-License-Identifier: Apache-2.0
// What kernels of experts share whatever the order of their weights: the experts that tokens chose, and the
// tensors of a tile of them.
#pragma once
#include "base/checked.h"
#include "tensor/tensor.h"
#include <string.h>

// (token, choice) pairs: pair i is choice i % J of token i / J.
static inline int64_t nf_count_pairs(const nf_tensor *ids) { return nf_tensor_rows(ids) * ids->dim[1]; }

static inline int32_t nf_id_of(const nf_tensor *ids, int64_t pair) {
  return ((const int32_t *)nf_tensor_row(ids, pair / ids->dim[1]))[pair % ids->dim[1]];
}

// Blocks of an expert: as many as it would have tiles of `most` pairs if all had the same.
static inline int64_t nf_blocks_of_expert(const nf_tensor *ids, int64_t experts, int64_t most) {
  return nf_max(1, nf_ceil_div(nf_count_pairs(ids), experts * most));
}

static inline int64_t nf_blocks_of_experts(const nf_tensor *ids, const nf_tensor *w, int64_t most) {
  return nf_count_pairs(ids) == 0 ? 0 : w->dim[0] * nf_blocks_of_expert(ids, w->dim[0], most);
}

// Rows of pairs without an expert are zeros.
static inline void nf_clear_unchosen(const nf_tensor *ids, const nf_tensor *y) {
  const size_t bytes = (size_t)(y->padded * nf_dtype_of(y->dtype)->bits / 8);
  for (int64_t r = 0; r < nf_tensor_rows(y); r++)
    if (nf_id_of(ids, r) < 0) memset(nf_tensor_row(y, r), 0, bytes);
}

// A tile's own tensor, [rows, cols] at `room`.
static inline nf_tensor nf_local_tensor(nf_dtype dtype, int rows, int64_t cols, void *room, float *scale) {
  return (nf_tensor){.data = room,
                     .scale = scale,
                     .dtype = dtype,
                     .rank = 2,
                     .dim = {rows, cols},
                     .stride = {cols, 1},
                     .padded = cols,
                     .scale_stride = scale == NULL ? 0 : nf_scale_cols(dtype, cols)};
}

// SPDX-License-Identifier: Apache-2.0
// quantise: the reference's codes and scales, bit by bit. A block is a few rows, by their length alone. Rows
// are read twice where one scale is for all of them.
#include "kernels/cpu/generic/fp8.h"

int64_t NF_BLOCKS(quantise_rows)(const nf_quantise_args *a) { return nf_row_blocks(&a->y); }

// Columns [k, k + n) with one scale. x: room for a piece, which holds them where they are one.
static void codes(const nf_quantise_args *a, const void *row, int64_t k, int64_t n, float scale, float *x,
                  uint8_t *out) {
  for (int64_t from = 0; from < n; from += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, n - from);
    if (n > NF_PIECE) nf_padded(&a->x, row, k + from, count, x); // else it is there still
    nf_codes(x, count, scale, out + from);
  }
}

void NF_KERNEL(quantise_rows)(const nf_quantise_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), group = nf_dtype_of(a->y.dtype)->group_cols;
  float x[NF_PIECE];
  NF_FOR_ROWS(r, block, &a->y) {
    const void *row = nf_tensor_row(&a->x, r);
    float *scale = nf_tensor_scales(&a->y, r);
    for (int64_t k = 0; k < cols; k += group) {
      const int64_t n = nf_min(group, cols - k);
      v8 most = v8_splat(0);
      for (int64_t from = 0; from < n; from += NF_PIECE) {
        const int64_t all = nf_padded(&a->x, row, k + from, nf_min(NF_PIECE, n - from), x);
        for (int64_t i = 0; i < all; i += 8) most = nf_highest(most, v8_load(x + i));
      }
      *scale = nf_fp8_scale(most);
      codes(a, row, k, n, *scale++, x, (uint8_t *)nf_tensor_row(&a->y, r) + k);
    }
  }
}

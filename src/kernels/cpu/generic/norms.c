// SPDX-License-Identifier: Apache-2.0
// rms_norm_gated. A block is a few rows, by their length alone. The sum of squares has sixteen
// running sums, added pairwise at the end: its order depends on the length alone.
#include "kernels/cpu/generic/row.h"
#include <math.h>

static float scale_of(const nf_tensor *x, const void *row, int64_t cols, float eps) {
  float piece[NF_PIECE];
  v8 sum[2] = {v8_splat(0), v8_splat(0)};
  for (int64_t k = 0; k < cols; k += NF_PIECE) {
    const int64_t n = nf_padded(x, row, k, nf_min(NF_PIECE, cols - k), piece);
    for (int64_t i = 0; i < n; i += 8) {
      const v8 v = v8_load(piece + i);
      sum[i / 8 % 2] = v8_fma(v, v, sum[i / 8 % 2]);
    }
  }
  return 1 / sqrtf(v8_sum(sum[0] + sum[1]) / (float)cols + eps);
}

int64_t NF_BLOCKS(rms_norm_gated_rows)(const nf_rms_norm_gated_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(rms_norm_gated_rows)(const nf_rms_norm_gated_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float x[NF_PIECE], w[NF_PIECE], z[NF_PIECE];
  NF_FOR_ROWS(r, block, &a->y) {
    const void *from = nf_tensor_row(&a->x, r);
    const v8 scale = v8_splat(scale_of(&a->x, from, cols, a->attr.eps));
    for (int64_t k = 0; k < cols; k += NF_PIECE) {
      const int64_t count = nf_min(NF_PIECE, cols - k), n = nf_padded(&a->x, from, k, count, x);
      nf_padded(&a->w, a->w.data, k, count, w);
      nf_padded(&a->z, nf_tensor_row(&a->z, r), k, count, z);
      for (int64_t i = 0; i < n; i += 8) {
        const v8 gate = v8_load(z + i);
        v8_store(x + i, v8_load(x + i) * scale * v8_load(w + i) * (gate * v8_sigmoid(gate)));
      }
      nf_round(&a->y, nf_tensor_row(&a->y, r), k, count, x);
    }
  }
}

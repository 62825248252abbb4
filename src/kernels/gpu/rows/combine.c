// SPDX-License-Identifier: Apache-2.0
// combine and combine_shared: a lane has 8 columns of a token.
#include "kernels/gpu/rows/rows.h"

// The shared expert's columns times the gate, both rounded, are added to the rounded sum.
INLINE eight add_shared(const nf_gpu_combine *a, int row, int p, eight sum) {
  const float gate = lane_sigmoid(number_at(row_of(&a->gate, row), 0, a->gate_f32));
  const float by = a->gate_f32 ? gate : rounded(gate);
  eight x = unpacked(row_load(row_of(&a->shared, row) + (int64_t)p * 16));
  UNROLL for (int i = 0; i < 8; i++) x.v[i] *= by;
  sum = rounded8(sum), x = rounded8(x);
  UNROLL for (int i = 0; i < 8; i++) sum.v[i] += x.v[i];
  return sum;
}

KERNEL(nf_combine, nf_gpu_combine, 128, 1) {
  const int packs = a->columns / 8, places = (a->padded + 7) / 8;
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * places) return;
  const int row = (int)(at / places), p = (int)(at % places);
  const float *weights = (const float *)row_of(&a->weights, row);
  eight sum = {0};
  if (p < packs) {
#pragma GCC unroll 4
    for (int j = 0; j < a->k; j++) {
      const eight x = unpacked(row_load(row_of(&a->x, (int64_t)row * a->k + j) + (int64_t)p * 16));
      UNROLL for (int i = 0; i < 8; i++) sum.v[i] = __builtin_fmaf(weights[j], x.v[i], sum.v[i]);
    }
    if (a->shared.data != NULL) sum = add_shared(a, row, p, sum);
  }
  row_store_padded(row_of(&a->y, row), p, a->padded, packed(sum));
}

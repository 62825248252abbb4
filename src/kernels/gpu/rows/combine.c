// SPDX-License-Identifier: Apache-2.0
// combine and combine_shared: a lane has 8 columns of a token.
#include "kernels/gpu/rows/rows.h"

INLINE float number(const char *row, bool f32) {
  return f32 ? *(const float *)row : bf16_to_f32(*(const uint16_t *)row);
}

// The shared expert's columns times the gate, both rounded, are added to the rounded sum.
INLINE void add_shared(const nf_gpu_combine *a, int row, int p, float *sum) {
  const float gate = lane_sigmoid(number(row_of(&a->gate, row), a->gate_f32));
  const float by = a->gate_f32 ? gate : bf16_to_f32(f32_to_bf16(gate));
  const u32x4 x = row_load(row_of(&a->shared, row) + (int64_t)p * 16);
  UNROLL for (int i = 0; i < 8; i++) {
    const float v = i % 2 ? bf16x2_hi(x[i / 2]) : bf16x2_lo(x[i / 2]);
    sum[i] = bf16_to_f32(f32_to_bf16(sum[i])) + bf16_to_f32(f32_to_bf16(v * by));
  }
}

INLINE void store(const nf_gpu_combine *a, char *row, int p, const float *sum) {
  u32x4 y;
  UNROLL for (int i = 0; i < 4; i++) y[i] = f32x2_to_bf16x2(sum[2 * i], sum[2 * i + 1]);
  if (8 * p + 8 <= a->padded) {
    row_store(row + (int64_t)p * 16, y);
    return;
  }
  for (int k = 8 * p; k < a->padded; k++) ((uint16_t *)row)[k] = 0; // behind whole packs
}

KERNEL(nf_combine, nf_gpu_combine, 128, 1) {
  const int packs = a->columns / 8, places = (a->padded + 7) / 8;
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * places) return;
  const int row = (int)(at / places), p = (int)(at % places);
  const float *weights = (const float *)row_of(&a->weights, row);
  float sum[8] = {0};
  if (p < packs) {
#pragma GCC unroll 4
    for (int j = 0; j < a->k; j++) {
      const u32x4 x = row_load(row_of(&a->x, (int64_t)row * a->k + j) + (int64_t)p * 16);
      UNROLL for (int i = 0; i < 4; i++) {
        sum[2 * i] = __builtin_fmaf(weights[j], bf16x2_lo(x[i]), sum[2 * i]);
        sum[2 * i + 1] = __builtin_fmaf(weights[j], bf16x2_hi(x[i]), sum[2 * i + 1]);
      }
    }
    if (a->shared.data != NULL) add_shared(a, row, p, sum);
  }
  store(a, row_of(&a->y, row), p, sum);
}

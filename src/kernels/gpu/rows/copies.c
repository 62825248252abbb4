// SPDX-License-Identifier: Apache-2.0
// Rows of bf16 that are copied: embedding, gather_rows, pad, unpad, concat, reshape.
#include "kernels/gpu/rows/rows.h"

INLINE void copy_pack(const nf_gpu_copy *a, int row, int k) {
  const int from = a->from != NULL ? a->from[row] : row, n = a->columns - k;
  const uint16_t *x = (const uint16_t *)row_of(&a->x, from < 0 ? 0 : from) + k;
  uint16_t *y = (uint16_t *)row_of(&a->y, row) + k;
  if (n >= 8) {
    row_store((char *)y, from < 0 ? (u32x4){0} : row_load((const char *)x));
    return;
  }
  UNROLL for (int i = 0; i < 8; i++) if (k + i < a->padded) y[i] = i < n && from >= 0 ? x[i] : 0;
}

KERNEL(nf_copy_rows, nf_gpu_copy, 256, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  const int packs = (a->padded + 7) / 8;
  lane_release();
  lane_wait();
  if (at < (int64_t)a->rows * packs) copy_pack(a, (int)(at / packs), (int)(at % packs) * 8);
}

// Where lengths don't share packs: an element a lane.
KERNEL(nf_reshape, nf_gpu_reshape, 256, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= a->n) return;
  const uint16_t *x = (const uint16_t *)row_of(&a->x, at / a->x_columns);
  ((uint16_t *)row_of(&a->y, at / a->y_columns))[at % a->y_columns] = x[at % a->x_columns];
}

KERNEL(nf_concat, nf_gpu_concat, 256, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * a->columns) return;
  const int64_t row = at / a->columns;
  const int column = (int)(at % a->columns);
  int begin = 0;
  UNROLL for (int i = 0; i < NF_GPU_CONCATS; i++) {
    if (column >= begin && column < a->ends[i])
      ((uint16_t *)row_of(&a->y, row))[column] = ((const uint16_t *)row_of(&a->x[i], row))[column - begin];
    begin = a->ends[i];
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rows that are copied: embedding, gather_rows, pad, unpad, concat, reshape, all of bf16; and rank_ids.
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

// A pack, or one element where lengths don't share packs.
INLINE void copy_each(uint16_t *y, const uint16_t *x, int each) {
  if (each == NF_GPU_PACK)
    row_store((char *)y, row_load((const char *)x));
  else
    *y = *x;
}

KERNEL(nf_reshape, nf_gpu_reshape, 256, 1) {
  const int64_t at = ((int64_t)lane_block() * lane_threads() + lane_thread()) * a->each;
  lane_release();
  lane_wait();
  if (at >= a->n) return;
  const uint16_t *x = (const uint16_t *)row_of(&a->x, at / a->x_columns);
  copy_each((uint16_t *)row_of(&a->y, at / a->y_columns) + at % a->y_columns, x + at % a->x_columns, a->each);
}

KERNEL(nf_concat, nf_gpu_concat, 256, 1) {
  const int64_t at = ((int64_t)lane_block() * lane_threads() + lane_thread()) * a->each;
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * a->columns) return;
  const int64_t row = at / a->columns;
  const int column = (int)(at % a->columns);
  const uint16_t *x = NULL;
  int begin = 0;
  UNROLL for (int i = 0; i < NF_GPU_CONCATS; i++) {
    if (column >= begin && column < a->ends[i])
      x = (const uint16_t *)row_of(&a->x[i], row) + (column - begin);
    begin = a->ends[i];
  }
  copy_each((uint16_t *)row_of(&a->y, row) + column, x, a->each);
}

KERNEL(nf_rank_ids, nf_gpu_rank_ids, 256, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * a->columns) return;
  const int64_t row = at / a->columns, column = at % a->columns;
  const int64_t first = a->rank != NULL ? a->size * *a->rank : 0;
  const int64_t id = ((const int32_t *)row_of(&a->x, row))[column] - first;
  ((int32_t *)row_of(&a->y, row))[column] = id >= 0 && id < a->size ? (int32_t)id : -1;
}

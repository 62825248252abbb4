// SPDX-License-Identifier: Apache-2.0
// Pieces of rows of f32 and bf16 tensors as float32, and back, rounded to nearest even.
#pragma once
#include "base/checked.h"
#include "kernels/contract/args.h"
#include "kernels/cpu/generic/vec.h"
#include "tensor/scalar.h"

// Columns [k, k + n) of the row of x that begins at `row`.
NF_INLINE void nf_widen(const nf_tensor *x, const void *row, int64_t k, int64_t n, float *out) {
  if (x->dtype == NF_F32) {
    memcpy(out, (const float *)row + k, (size_t)n * sizeof *out);
    return;
  }
  const uint16_t *h = (const uint16_t *)row + k;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) v8_store(out + i, v8_load_bf16(h + i));
  for (; i < n; i++) out[i] = nf_bf16_decode(h[i]);
}

// Zeros behind the columns of a padded row, once the last of them, up to `end`, are there.
NF_INLINE void nf_clear_padding(const nf_tensor *y, void *row, int64_t end) {
  const size_t size = y->dtype == NF_F32 ? sizeof(float) : sizeof(uint16_t);
  if (y->padded > end && end == nf_tensor_cols(y))
    memset((char *)row + (size_t)end * size, 0, (size_t)(y->padded - end) * size);
}

// Columns [k, k + n) of the row of y that begins at `row`.
NF_INLINE void nf_round(const nf_tensor *y, void *row, int64_t k, int64_t n, const float *in) {
  nf_clear_padding(y, row, k + n);
  if (y->dtype == NF_F32) {
    memcpy((float *)row + k, in, (size_t)n * sizeof *in);
    return;
  }
  uint16_t *h = (uint16_t *)row + k;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) v8_store_bf16(h + i, v8_load(in + i));
  for (; i < n; i++) h[i] = nf_bf16_encode(in[i]);
}

// ---- kernels that take rows piece by piece ----

enum { NF_PIECE = 512, NF_BLOCK_COLUMNS = 4096 };

// nf_widen, with zeros up to a multiple of 8 columns, which is returned. out has room for NF_PIECE.
NF_INLINE int64_t nf_padded(const nf_tensor *x, const void *row, int64_t k, int64_t n, float *out) {
  const int64_t all = (n + 7) / 8 * 8;
  if (all != n) v8_store(out + all - 8, v8_splat(0));
  nf_widen(x, row, k, n, out);
  return all;
}

// Rows of a block: of short ones several. From shapes alone, and never from the number of rows.
NF_INLINE int64_t nf_rows_of_block(const nf_tensor *y) {
  const int64_t cols = nf_tensor_cols(y);
  return cols >= NF_BLOCK_COLUMNS || cols == 0 ? 1 : NF_BLOCK_COLUMNS / cols;
}
NF_INLINE int64_t nf_row_blocks(const nf_tensor *y) {
  return nf_ceil_div(nf_tensor_rows(y), nf_rows_of_block(y));
}
#define NF_FOR_ROWS(r, block, y)                                                                           \
  for (int64_t r = (block)*nf_rows_of_block(y), end_ = nf_min(r + nf_rows_of_block(y), nf_tensor_rows(y)); \
       r < end_; r++)

// ---- kernels that hold whole rows, eight columns at a time ----

// Columns [k, k + 8) of a row of f32 or bf16 with `cols` of them; zeros behind the last.
NF_INLINE v8 nf_load8(nf_dtype t, const void *row, int64_t k, int64_t cols) {
  if (k + 8 <= cols)
    return t == NF_F32 ? v8_load((const float *)row + k) : v8_load_bf16((const uint16_t *)row + k);
  float x[8] = {0};
  for (int64_t i = k; i < cols; i++)
    x[i - k] = t == NF_F32 ? ((const float *)row)[i] : nf_bf16_decode(((const uint16_t *)row)[i]);
  return v8_load(x);
}

NF_INLINE void nf_store8(nf_dtype t, void *row, int64_t k, int64_t cols, v8 x) {
  if (k + 8 > cols) {
    for (int64_t i = k; i < cols; i++)
      if (t == NF_F32)
        ((float *)row)[i] = x[i - k];
      else
        ((uint16_t *)row)[i] = nf_bf16_encode(x[i - k]);
  } else if (t == NF_F32)
    v8_store((float *)row + k, x);
  else
    v8_store_bf16((uint16_t *)row + k, x);
}

NF_INLINE v8 nf_as_stored(nf_dtype t, v8 x) { return t == NF_F32 ? x : v8_round_bf16(x); }

// Room for a row as float32, up to a multiple of 8 columns.
NF_INLINE int64_t nf_row_room(int64_t cols) { return (nf_max(1, cols) + 7) / 8 * 8; }

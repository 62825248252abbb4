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

// The ends of rows, apart: what is rare need not be fast, but small.
static __attribute__((noinline, unused)) void nf_load_end(nf_dtype t, const void *row, int64_t k, int64_t n,
                                                          float out[8]) {
  for (int64_t i = 0; i < 8; i++)
    out[i] = i >= n        ? 0
             : t == NF_F32 ? ((const float *)row)[k + i]
                           : nf_bf16_decode(((const uint16_t *)row)[k + i]);
}
static __attribute__((noinline, unused)) void nf_store_end(nf_dtype t, void *row, int64_t k, int64_t n,
                                                           const float x[8]) {
  for (int64_t i = 0; i < n; i++)
    if (t == NF_F32)
      ((float *)row)[k + i] = x[i];
    else
      ((uint16_t *)row)[k + i] = nf_bf16_encode(x[i]);
}

// Columns [k, k + 8) of a row of f32 or bf16; with n below 8, a constant otherwise, zeros from the n-th on.
NF_INLINE v8 nf_load8(nf_dtype t, const void *row, int64_t k, int64_t n) {
  if (n >= 8) return t == NF_F32 ? v8_load((const float *)row + k) : v8_load_bf16((const uint16_t *)row + k);
  float x[8];
  nf_load_end(t, row, k, n, x);
  return v8_load(x);
}

// The first n of them.
NF_INLINE void nf_store8(nf_dtype t, void *row, int64_t k, int64_t n, v8 x) {
  float end[8];
  if (n >= 8 && t == NF_F32) {
    v8_store((float *)row + k, x);
  } else if (n >= 8) {
    v8_store_bf16((uint16_t *)row + k, x);
  } else {
    v8_store(end, x);
    nf_store_end(t, row, k, n, end);
  }
}

// The same columns over all ranks, in their order. own: this rank's row.
NF_INLINE v8 nf_reduced(const nf_comm *c, nf_dtype t, const char *own, int64_t k, int64_t n) {
  const int64_t at = own - c->base[c->rank];
  v8 sum = nf_load8(t, c->base[0] + at, k, n);
  for (int rank = 1; rank < c->world; rank++) sum += nf_load8(t, c->base[rank] + at, k, n);
  return sum;
}

// `step(k, n)` for columns [from, to), eight at a time, and then for those that are left: whole steps get a
// constant, so that nothing in them branches.
#define NF_FOR_COLUMNS(from, to, step)          \
  do {                                          \
    int64_t k_ = (from);                        \
    const int64_t to_ = (to);                   \
    for (; k_ + 8 <= to_; k_ += 8) step(k_, 8); \
    if (k_ < to_) step(k_, to_ - k_);           \
  } while (0)

NF_INLINE v8 nf_as_stored(nf_dtype t, v8 x) { return t == NF_F32 ? x : v8_round_bf16(x); }

// Room for a row as float32, up to a multiple of 8 columns.
NF_INLINE int64_t nf_row_room(int64_t cols) { return (nf_max(1, cols) + 7) / 8 * 8; }

// SPDX-License-Identifier: Apache-2.0
// Gated products, perhaps quantised, and gated norms of heads that are quantised. A block is a few rows, by
// their length alone; what is quantised is held as float32. Sums and roundings are those of the parts'
// kernels.
#include "kernels/cpu/generic/fp8.h"
#include <math.h>

// ---- products ----

enum { SILU_OF_A, SIGMOID_OF_B };

// Columns [k, k + 8) of b's row; one column is repeated.
NF_INLINE v8 factors(nf_dtype t, const void *row, int64_t k, int64_t cols, bool one) {
  return one ? v8_splat(nf_load8(t, row, 0, 1)[0]) : nf_load8(t, row, k, cols);
}

NF_INLINE v8 product(int f, nf_dtype a, nf_dtype b, v8 u, v8 v) {
  return f == SILU_OF_A ? nf_as_stored(a, u * v8_sigmoid(u)) * v : u * nf_as_stored(b, v8_sigmoid(v));
}

// Columns [from, to) of row r into y, or rounded into h; returns the largest.
NF_INLINE v8 columns(int f, nf_dtype t, const nf_tensor *a, const nf_tensor *b, int64_t r, int64_t from,
                     int64_t to, void *y, float *h) {
  const int64_t cols = nf_tensor_cols(a);
  const bool one = nf_tensor_cols(b) != cols;
  const void *u = nf_tensor_row(a, r), *v = nf_tensor_row(b, r);
  v8 most = v8_splat(0);
  for (int64_t k = from; k < to; k += 8) {
    const v8 x = product(f, t, b->dtype, nf_load8(t, u, k, cols), factors(b->dtype, v, k, cols, one));
    if (y) {
      nf_store8(t, y, k, cols, x);
      continue;
    }
    const v8 rounded = nf_as_stored(t, x);
    v8_store(h + k, rounded);
    most = nf_highest(most, rounded);
  }
  return most;
}

NF_INLINE void rows_of(int f, nf_dtype t, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y,
                       int64_t block) {
  const int64_t cols = nf_tensor_cols(a);
  if (!nf_is_quantised(y->dtype)) {
    NF_FOR_ROWS(r, block, y) columns(f, t, a, b, r, 0, cols, nf_tensor_row(y, r), NULL);
    return;
  }
  const int64_t group = nf_dtype_of(y->dtype)->group_cols;
  float h[nf_row_room(cols)];
  NF_FOR_ROWS(r, block, y) {
    float *scale = nf_tensor_scales(y, r);
    for (int64_t k = 0; k < cols; k += group) {
      const int64_t n = nf_min(group, cols - k);
      *scale = nf_fp8_scale(columns(f, t, a, b, r, k, k + n, NULL, h));
      nf_codes(h + k, n, *scale++, (uint8_t *)nf_tensor_row(y, r) + k);
    }
  }
}

NF_INLINE void rows(int f, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t block) {
  if (a->dtype == NF_F32)
    rows_of(f, NF_F32, a, b, y, block);
  else
    rows_of(f, NF_BF16, a, b, y, block);
}

int64_t NF_BLOCKS(silu_mul_rows)(const nf_silu_mul_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(silu_mul_rows)(const nf_silu_mul_args *a, int64_t block) {
  rows(SILU_OF_A, &a->gate, &a->up, &a->y, block);
}

int64_t NF_BLOCKS(sigmoid_mul_rows)(const nf_sigmoid_mul_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(sigmoid_mul_rows)(const nf_sigmoid_mul_args *a, int64_t block) {
  rows(SIGMOID_OF_B, &a->x, &a->gate, &a->y, block);
}

// ---- norms of heads ----

int64_t NF_BLOCKS(rms_norm_gated_quantise_rows)(const nf_rms_norm_gated_quantise_args *a) {
  return nf_row_blocks(&a->y);
}

// Columns [from, to), a head, of rows x and z. What lies behind `to` in h belongs to the next one.
NF_INLINE void head(const nf_rms_norm_gated_quantise_args *a, nf_dtype t, const void *x, const void *z,
                    int64_t from, int64_t to, float *h) {
  v8 square[2] = {v8_splat(0), v8_splat(0)};
  for (int64_t k = from; k < to; k += 8) {
    const v8 v = nf_load8(t, x, k, to);
    square[(k - from) / 8 % 2] = v8_fma(v, v, square[(k - from) / 8 % 2]);
  }
  const v8 scale = v8_splat(1 / sqrtf(v8_sum(square[0] + square[1]) / (float)(to - from) + a->attr.eps));
  for (int64_t k = from; k < to; k += 8) {
    const v8 gate = nf_load8(t, z, k, to), w = nf_load8(a->w.dtype, a->w.data, k - from, to - from);
    v8_store(h + k, nf_as_stored(t, nf_load8(t, x, k, to) * scale * w * (gate * v8_sigmoid(gate))));
  }
}

NF_INLINE void heads_of(const nf_rms_norm_gated_quantise_args *a, nf_dtype t, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), size = nf_tensor_cols(&a->w),
                group = nf_dtype_of(a->y.dtype)->group_cols;
  float h[nf_row_room(cols) + 8];
  NF_FOR_ROWS(r, block, &a->y) {
    float *scale = nf_tensor_scales(&a->y, r);
    const void *x = nf_tensor_row(&a->x, r), *z = nf_tensor_row(&a->z, r);
    for (int64_t k = 0; k < cols; k += size) head(a, t, x, z, k, k + size, h);
    v8_store(h + cols, v8_splat(0));
    for (int64_t k = 0; k < cols; k += group) {
      const int64_t n = nf_min(group, cols - k);
      v8 most = v8_splat(0);
      for (int64_t i = k; i < k + n; i += 8) most = nf_highest(most, v8_load(h + i));
      *scale = nf_fp8_scale(most);
      nf_codes(h + k, n, *scale++, (uint8_t *)nf_tensor_row(&a->y, r) + k);
    }
  }
}

void NF_KERNEL(rms_norm_gated_quantise_rows)(const nf_rms_norm_gated_quantise_args *a, int64_t block) {
  if (a->x.dtype == NF_F32)
    heads_of(a, NF_F32, block);
  else
    heads_of(a, NF_BF16, block);
}

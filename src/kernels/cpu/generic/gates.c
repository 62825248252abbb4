// SPDX-License-Identifier: Apache-2.0
// Gated products, perhaps quantised, and gated norms of heads that are quantised. A block is a few rows, by
// their length alone; what is quantised is held as float32. Sums and roundings are those of the parts'
// kernels.
#include "kernels/cpu/generic/fp8.h"
#include <math.h>

// ---- products ----

// Constants of each kernel, so that its loops have no branches.
typedef struct kind {
  bool sigmoid; // of b; else SiLU of a
  nf_dtype a, b;
  bool one; // column of b, for all of a's
} kind;

NF_INLINE v8 function(kind kd, nf_dtype t, v8 x) {
  return nf_as_stored(t, kd.sigmoid ? v8_sigmoid(x) : x * v8_sigmoid(x));
}

// Columns [k, k + n) of a b, not rounded. first: b's only column, through its function.
NF_INLINE v8 product(kind kd, const void *a, const void *b, v8 first, int64_t k, int64_t n) {
  v8 u = nf_load8(kd.a, a, k, n), v = first;
  if (!kd.one) v = nf_load8(kd.b, b, k, n);
  if (!kd.sigmoid) return function(kd, kd.a, u) * v;
  return u * (kd.one ? v : function(kd, kd.b, v));
}

NF_INLINE v8 only_column(kind kd, const void *b) {
  const v8 x = v8_splat(kd.one ? nf_load8(kd.b, b, 0, 1)[0] : 0);
  return kd.sigmoid ? function(kd, kd.b, x) : x;
}

NF_INLINE void plain(kind kd, const void *a, const void *b, int64_t cols, void *y) {
  const v8 first = only_column(kd, b);
#define STEP(k, n) nf_store8(kd.a, y, k, n, product(kd, a, b, first, k, n))
  NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
}

NF_INLINE void quantised(kind kd, const void *a, const void *b, const nf_tensor *y, int64_t r, float *h) {
  const int64_t cols = nf_tensor_cols(y), group = nf_dtype_of(y->dtype)->group_cols;
  float *scale = nf_tensor_scales(y, r);
  const v8 first = only_column(kd, b);
  for (int64_t from = 0; from < cols; from += group) {
    const int64_t count = nf_min(group, cols - from);
    v8 most = v8_splat(0);
#define STEP(k, n)                                                   \
  do {                                                               \
    const v8 x = nf_as_stored(kd.a, product(kd, a, b, first, k, n)); \
    v8_store(h + (k), x);                                            \
    most = nf_highest(most, x);                                      \
  } while (0)
    NF_FOR_COLUMNS(from, from + count, STEP);
#undef STEP
    *scale = nf_fp8_scale(most);
    nf_codes(h + from, count, *scale++, (uint8_t *)nf_tensor_row(y, r) + from);
  }
}

NF_INLINE void rows_of(kind kd, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t block) {
  float h[nf_row_room(nf_is_quantised(y->dtype) ? nf_tensor_cols(y) : 0)];
  NF_FOR_ROWS(r, block, y) {
    const void *u = nf_tensor_row(a, r), *v = nf_tensor_row(b, r);
    if (nf_is_quantised(y->dtype))
      quantised(kd, u, v, y, r, h);
    else
      plain(kd, u, v, nf_tensor_cols(y), nf_tensor_row(y, r));
  }
}

NF_INLINE void rows_of_types(bool sigmoid, nf_dtype t, const nf_tensor *a, const nf_tensor *b,
                             const nf_tensor *y, int64_t block) {
  const bool one = nf_tensor_cols(b) != nf_tensor_cols(a);
  if (one && b->dtype == NF_F32)
    rows_of((kind){sigmoid, t, NF_F32, true}, a, b, y, block);
  else if (one)
    rows_of((kind){sigmoid, t, NF_BF16, true}, a, b, y, block);
  else if (b->dtype == NF_F32)
    rows_of((kind){sigmoid, t, NF_F32, false}, a, b, y, block);
  else
    rows_of((kind){sigmoid, t, NF_BF16, false}, a, b, y, block);
}

NF_INLINE void rows(bool sigmoid, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t block) {
  if (a->dtype == NF_F32)
    rows_of_types(sigmoid, NF_F32, a, b, y, block);
  else
    rows_of_types(sigmoid, NF_BF16, a, b, y, block);
}

int64_t NF_BLOCKS(silu_mul_rows)(const nf_silu_mul_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(silu_mul_rows)(const nf_silu_mul_args *a, int64_t block) {
  rows(false, &a->gate, &a->up, &a->y, block);
}

int64_t NF_BLOCKS(sigmoid_mul_rows)(const nf_sigmoid_mul_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(sigmoid_mul_rows)(const nf_sigmoid_mul_args *a, int64_t block) {
  rows(true, &a->x, &a->gate, &a->y, block);
}

// ---- norms of heads ----

int64_t NF_BLOCKS(rms_norm_gated_quantise_rows)(const nf_rms_norm_gated_quantise_args *a) {
  return nf_row_blocks(&a->y);
}

// A head of n columns: h is to have it rounded. What lies behind it in h is of no account.
NF_INLINE void head(const nf_rms_norm_gated_quantise_args *a, nf_dtype t, const void *x, const void *z,
                    int64_t n, float *h) {
  const nf_dtype of_w = a->w.dtype;
  v8 square = v8_splat(0), other = square; // in turns
#define STEP(k, count)                     \
  do {                                     \
    const v8 v = nf_load8(t, x, k, count); \
    const v8 more = v8_fma(v, v, square);  \
    square = other;                        \
    other = more;                          \
  } while (0)
  NF_FOR_COLUMNS(0, n, STEP);
#undef STEP
  const v8 scale = v8_splat(1 / sqrtf(v8_sum(square + other) / (float)n + a->attr.eps));
#define STEP(k, count)                                                                                    \
  do {                                                                                                    \
    const v8 gate = nf_load8(t, z, k, count), w = nf_load8(of_w, a->w.data, k, count);                    \
    v8_store(h + (k), nf_as_stored(t, nf_load8(t, x, k, count) * scale * w * (gate * v8_sigmoid(gate)))); \
  } while (0)
  NF_FOR_COLUMNS(0, n, STEP);
#undef STEP
}

// The row h, with zeros behind it, as codes and scales.
NF_INLINE void row_codes(const nf_tensor *y, int64_t r, const float *h) {
  const int64_t cols = nf_tensor_cols(y), group = nf_dtype_of(y->dtype)->group_cols;
  float *scale = nf_tensor_scales(y, r);
  for (int64_t k = 0; k < cols; k += group) {
    const int64_t n = nf_min(group, cols - k);
    v8 most = v8_splat(0);
    for (int64_t i = k; i < k + n; i += 8) most = nf_highest(most, v8_load(h + i));
    *scale = nf_fp8_scale(most);
    nf_codes(h + k, n, *scale++, (uint8_t *)nf_tensor_row(y, r) + k);
  }
}

NF_INLINE void heads_of(const nf_rms_norm_gated_quantise_args *a, nf_dtype t, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), n = nf_tensor_cols(&a->w), size = nf_dtype_of(t)->bits / 8;
  float h[nf_row_room(cols) + 8];
  NF_FOR_ROWS(r, block, &a->y) {
    const char *x = nf_tensor_row(&a->x, r), *z = nf_tensor_row(&a->z, r);
    for (int64_t k = 0; k < cols; k += n) head(a, t, x + k * size, z + k * size, n, h + k);
    v8_store(h + cols, v8_splat(0));
    row_codes(&a->y, r, h);
  }
}

void NF_KERNEL(rms_norm_gated_quantise_rows)(const nf_rms_norm_gated_quantise_args *a, int64_t block) {
  if (a->x.dtype == NF_F32)
    heads_of(a, NF_F32, block);
  else
    heads_of(a, NF_BF16, block);
}

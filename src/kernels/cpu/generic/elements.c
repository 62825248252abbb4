// SPDX-License-Identifier: Apache-2.0
// Ops that treat each element alone: add, mul, silu, sigmoid, swiglu; and columns side by side: concat.
// A block is a few rows, by their length alone.
#include "kernels/cpu/generic/row.h"

int64_t NF_BLOCKS(add_rows)(const nf_add_args *a) { return nf_row_blocks(&a->y); }

NF_INLINE void add_of(nf_dtype t, const nf_add_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->y);
  NF_FOR_ROWS(r, block, &a->y) {
    const void *u = nf_tensor_row(&a->a, r), *v = nf_tensor_row(&a->b, r);
    void *y = nf_tensor_row(&a->y, r);
#define STEP(k, n) nf_store8(t, y, k, n, nf_load8(t, u, k, n) + nf_load8(t, v, k, n))
    NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
    nf_clear_padding(&a->y, y, cols);
  }
}

void NF_KERNEL(add_rows)(const nf_add_args *a, int64_t block) {
  if (a->y.dtype == NF_F32)
    add_of(NF_F32, a, block);
  else
    add_of(NF_BF16, a, block);
}

int64_t NF_BLOCKS(mul_rows)(const nf_mul_args *a) { return nf_row_blocks(&a->y); }

// Columns [k, k + count) of b's row r; one column is repeated.
static void factors(const nf_mul_args *a, int64_t r, int64_t k, int64_t count, float *out) {
  const void *row = nf_tensor_row(&a->b, r);
  float one;
  if (nf_tensor_cols(&a->b) == nf_tensor_cols(&a->y)) {
    nf_padded(&a->b, row, k, count, out);
    return;
  }
  nf_widen(&a->b, row, 0, 1, &one);
  for (int64_t i = 0; i < count; i += 8) v8_store(out + i, v8_splat(one));
}

void NF_KERNEL(mul_rows)(const nf_mul_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float u[NF_PIECE], v[NF_PIECE];
  NF_FOR_ROWS(r, block, &a->y)
  for (int64_t k = 0; k < cols; k += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, cols - k),
                  n = nf_padded(&a->a, nf_tensor_row(&a->a, r), k, count, u);
    factors(a, r, k, count, v);
    for (int64_t i = 0; i < n; i += 8) v8_store(u + i, v8_load(u + i) * v8_load(v + i));
    nf_round(&a->y, nf_tensor_row(&a->y, r), k, count, u);
  }
}

// y = f(x) of a block's rows; f is a constant at every call.
NF_INLINE void each(v8 (*f)(v8), const nf_tensor *x, const nf_tensor *y, int64_t block) {
  const int64_t cols = nf_tensor_cols(y);
  float v[NF_PIECE];
  NF_FOR_ROWS(r, block, y)
  for (int64_t k = 0; k < cols; k += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, cols - k), n = nf_padded(x, nf_tensor_row(x, r), k, count, v);
    for (int64_t i = 0; i < n; i += 8) v8_store(v + i, f(v8_load(v + i)));
    nf_round(y, nf_tensor_row(y, r), k, count, v);
  }
}

NF_INLINE v8 silu(v8 x) { return x * v8_sigmoid(x); }

int64_t NF_BLOCKS(silu_rows)(const nf_silu_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(silu_rows)(const nf_silu_args *a, int64_t block) { each(silu, &a->x, &a->y, block); }

int64_t NF_BLOCKS(sigmoid_rows)(const nf_sigmoid_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(sigmoid_rows)(const nf_sigmoid_args *a, int64_t block) {
  each(v8_sigmoid, &a->x, &a->y, block);
}

// ---- swiglu ----

int64_t NF_BLOCKS(swiglu_rows)(const nf_swiglu_args *a) { return nf_row_blocks(&a->y); }

// Columns [k, k + n), n <= 8, of gate and up of x's row, of which each has `cols`.
NF_INLINE void gate_and_up(nf_dtype t, bool interleaved, const void *row, int64_t cols, int64_t k, int64_t n,
                           v8 *g, v8 *u) {
  if (!interleaved) {
    *g = nf_load8(t, row, k, n);
    *u = nf_load8(t, row, cols + k, n);
    return;
  }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (t == NF_BF16 && n >= 8) {
    v8u pair;
    memcpy(&pair, (const uint16_t *)row + 2 * k, sizeof pair);
    *g = (v8)(pair << 16);
    *u = (v8)(pair & 0xffff0000);
    return;
  }
#endif
  const v8 low = nf_load8(t, row, 2 * k, 2 * n), high = nf_load8(t, row, 2 * k + 8, 2 * n - 8);
  *g = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
  *u = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
}

NF_INLINE v8 swiglu(const nf_swiglu_attrs *at, v8 g, v8 u) {
  if (at->limit > 0) {
    const v8 most = v8_splat(at->limit);
    g = v8_min(most, g);
    u = v8_max(-most, v8_min(most, u));
  }
  return g * v8_sigmoid(v8_splat(at->alpha) * g) * (u + v8_splat(at->beta));
}

NF_INLINE void swiglu_of(nf_dtype t, bool interleaved, const nf_swiglu_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->y);
  NF_FOR_ROWS(r, block, &a->y) {
    const void *x = nf_tensor_row(&a->x, r);
    void *y = nf_tensor_row(&a->y, r);
    v8 g, u;
#define STEP(k, n)                                      \
  do {                                                  \
    gate_and_up(t, interleaved, x, cols, k, n, &g, &u); \
    nf_store8(t, y, k, n, swiglu(&a->attr, g, u));      \
  } while (0)
    NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
    nf_clear_padding(&a->y, y, cols);
  }
}

void NF_KERNEL(swiglu_rows)(const nf_swiglu_args *a, int64_t block) {
  if (a->y.dtype == NF_F32)
    swiglu_of(NF_F32, a->attr.interleaved, a, block);
  else if (a->attr.interleaved)
    swiglu_of(NF_BF16, true, a, block);
  else
    swiglu_of(NF_BF16, false, a, block);
}

// ---- columns ----

int64_t NF_BLOCKS(concat_rows)(const nf_concat_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(concat_rows)(const nf_concat_args *a, int64_t block) {
  const nf_tensor *in[] = {&a->a, &a->b, &a->c, &a->d};
  NF_FOR_ROWS(r, block, &a->y) {
    char *to = nf_tensor_row(&a->y, r);
    for (int i = 0; i < 4; i++) {
      if (in[i]->dtype == NF_NONE) continue;
      const size_t bytes = (size_t)(nf_tensor_cols(in[i]) * nf_dtype_of(a->y.dtype)->bits / 8);
      memcpy(to, nf_tensor_row(in[i], r), bytes);
      to += bytes;
    }
  }
}

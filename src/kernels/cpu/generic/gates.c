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

NF_INLINE v8 function(kind kd, v8 x) { return kd.sigmoid ? v8_sigmoid(x) : x * v8_sigmoid(x); }

// Columns [k, k + count) of a row's product: into y, or rounded into h. f: room for a piece. The function has
// a loop of its own, whose constants so stay in registers. only: b's only column, after its function.
NF_INLINE void piece(kind kd, const void *a, const void *b, v8 only, int64_t k, int64_t count, float *f,
                     void *y, float *h) {
  const void *inner = kd.sigmoid ? b : a, *other = kd.sigmoid ? a : b;
  const nf_dtype of_inner = kd.sigmoid ? kd.b : kd.a, of_other = kd.sigmoid ? kd.a : kd.b;
  const bool constant = kd.sigmoid && kd.one;
  const int64_t size = of_other == NF_F32 ? 4 : 2, y_size = kd.a == NF_F32 ? 4 : 2;
#define STEP(i, n)                                                          \
  do {                                                                      \
    __builtin_prefetch((const char *)other + (k + (i)) * size);             \
    if (y) __builtin_prefetch((const char *)y + (k + (i)) * y_size, 1);     \
    v8_store(f + (i), function(kd, nf_load8(of_inner, inner, k + (i), n))); \
  } while (0)
  if (!constant) NF_FOR_COLUMNS(0, count, STEP);
#undef STEP
#define STEP(i, n)                                                                         \
  do {                                                                                     \
    const v8 u = constant ? only : nf_as_stored(of_inner, v8_load(f + (i)));               \
    const v8 x = u * (kd.one && !constant ? only : nf_load8(of_other, other, k + (i), n)); \
    if (y)                                                                                 \
      nf_store8(kd.a, y, k + (i), n, x);                                                   \
    else                                                                                   \
      v8_store(h + k + (i), nf_as_stored(kd.a, x));                                        \
  } while (0)
  NF_FOR_COLUMNS(0, count, STEP);
#undef STEP
}

NF_INLINE void row(kind kd, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t r, float *h) {
  const int64_t cols = nf_tensor_cols(a);
  const void *u = nf_tensor_row(a, r), *v = nf_tensor_row(b, r);
  void *to = h ? NULL : nf_tensor_row(y, r);
  v8 only = v8_splat(kd.one ? nf_load8(kd.b, v, 0, 1)[0] : 0);
  if (kd.sigmoid) only = nf_as_stored(kd.b, function(kd, only));
  float f[NF_PIECE];
  for (int64_t k = 0; k < cols; k += NF_PIECE) piece(kd, u, v, only, k, nf_min(NF_PIECE, cols - k), f, to, h);
  if (h) nf_quantise_row(y, r, h);
}

NF_INLINE void rows_of(kind kd, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t block) {
  if (nf_is_quantised(y->dtype)) {
    float h[nf_row_room(nf_tensor_cols(y))];
    NF_FOR_ROWS(r, block, y) row(kd, a, b, y, r, h);
  } else {
    NF_FOR_ROWS(r, block, y) row(kd, a, b, y, r, NULL);
  }
}

// Of one type, code of its own; of two the loops look at them.
NF_INLINE void rows(bool sigmoid, const nf_tensor *a, const nf_tensor *b, const nf_tensor *y, int64_t block) {
  const bool one = nf_tensor_cols(b) != nf_tensor_cols(a);
  if (one && a->dtype == NF_BF16)
    rows_of((kind){sigmoid, NF_BF16, b->dtype, true}, a, b, y, block);
  else if (!one && a->dtype == NF_BF16 && b->dtype == NF_BF16)
    rows_of((kind){sigmoid, NF_BF16, NF_BF16, false}, a, b, y, block);
  else if (!one && a->dtype == NF_F32 && b->dtype == NF_F32)
    rows_of((kind){sigmoid, NF_F32, NF_F32, false}, a, b, y, block);
  else
    rows_of((kind){sigmoid, a->dtype, b->dtype, one}, a, b, y, block);
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
  const int64_t size = t == NF_F32 ? 4 : 2, next = n * size; // head, which is fetched meanwhile
  v8 square = v8_splat(0), other = square;                   // in turns
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
    __builtin_prefetch((const char *)x + next + (k)*size);                                                \
    __builtin_prefetch((const char *)z + next + (k)*size);                                                \
    const v8 gate = nf_load8(t, z, k, count), w = nf_load8(of_w, a->w.data, k, count);                    \
    v8_store(h + (k), nf_as_stored(t, nf_load8(t, x, k, count) * scale * w * (gate * v8_sigmoid(gate)))); \
  } while (0)
  NF_FOR_COLUMNS(0, n, STEP);
#undef STEP
}

NF_INLINE void heads_of(const nf_rms_norm_gated_quantise_args *a, nf_dtype t, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), n = nf_tensor_cols(&a->w), size = nf_dtype_of(t)->bits / 8;
  float h[nf_row_room(cols) + 8];
  NF_FOR_ROWS(r, block, &a->y) {
    const char *x = nf_tensor_row(&a->x, r), *z = nf_tensor_row(&a->z, r);
    for (int64_t k = 0; k < cols; k += n) head(a, t, x + k * size, z + k * size, n, h + k);
    v8_store(h + cols, v8_splat(0));
    nf_quantise_row(&a->y, r, h);
  }
}

void NF_KERNEL(rms_norm_gated_quantise_rows)(const nf_rms_norm_gated_quantise_args *a, int64_t block) {
  if (a->x.dtype == NF_F32)
    heads_of(a, NF_F32, block);
  else
    heads_of(a, NF_BF16, block);
}

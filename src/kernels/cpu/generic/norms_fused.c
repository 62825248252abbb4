// SPDX-License-Identifier: Apache-2.0
// Norms with what stands around them: sums over ranks and with the residual before, padding or quantise
// behind. A block is a few rows, by their length alone; a row is held as float32 from the sum to the codes.
// Sums and roundings are those of the parts' kernels, in their order.
#include "kernels/cpu/generic/fp8.h"
#include <math.h>

// What a kernel is made of; NULL: absent.
typedef struct norm {
  const nf_comm *comm;           // of ranks whose x are summed
  const nf_tensor *x, *residual; // h is x, or its sum over ranks, rounded; plus the residual
  const nf_tensor *sum;          // h, stored
  const nf_tensor *w, *y, *kept; // y: padded or quantised; kept: the norm as it is
  float eps;
  bool one_plus;
} norm;

// Columns [k, k + 8) of row r of x over all ranks, in their order.
NF_INLINE v8 reduced(const norm *n, nf_dtype t, int64_t r, int64_t k, int64_t cols) {
  const char *own = nf_tensor_row(n->x, r);
  const nf_comm *c = n->comm;
  v8 sum = nf_load8(t, c->base[0] + (own - c->base[c->rank]), k, cols);
  for (int rank = 1; rank < c->world; rank++)
    sum += nf_load8(t, c->base[rank] + (own - c->base[c->rank]), k, cols);
  return nf_as_stored(t, sum);
}

// Row r as h, with zeros behind it; returns what it is to be multiplied with.
NF_INLINE float gather(const norm *n, nf_dtype t, bool over_ranks, bool add, int64_t r, float *h) {
  const int64_t cols = nf_tensor_cols(n->x);
  const void *x = nf_tensor_row(n->x, r), *residual = add ? nf_tensor_row(n->residual, r) : NULL;
  void *out = n->sum ? nf_tensor_row(n->sum, r) : NULL;
  v8 square[2] = {v8_splat(0), v8_splat(0)};
  for (int64_t k = 0; k < cols; k += 8) {
    v8 v = over_ranks ? reduced(n, t, r, k, cols) : nf_load8(t, x, k, cols);
    if (add) v += nf_load8(t, residual, k, cols);
    if (out) nf_store8(t, out, k, cols, v);
    v8_store(h + k, v);
    square[k / 8 % 2] = v8_fma(v, v, square[k / 8 % 2]);
  }
  return 1 / sqrtf(v8_sum(square[0] + square[1]) / (float)cols + n->eps);
}

// The norm of columns [from, to) of h, rounded, in its place and where it is kept; returns the largest.
NF_INLINE v8 normalise(const norm *n, nf_dtype t, int64_t from, int64_t to, float by, void *kept, float *h) {
  const int64_t cols = nf_tensor_cols(n->x);
  const v8 scale = v8_splat(by), plus = v8_splat(n->one_plus ? 1 : 0);
  v8 most = v8_splat(0);
  for (int64_t k = from; k < to; k += 8) {
    const v8 y =
        nf_as_stored(t, v8_load(h + k) * scale * (plus + nf_load8(n->w->dtype, n->w->data, k, cols)));
    if (kept) nf_store8(t, kept, k, cols, y);
    v8_store(h + k, y);
    most = nf_highest(most, y);
  }
  return most;
}

NF_INLINE void quantised(const norm *n, nf_dtype t, int64_t r, float by, float *h) {
  const int64_t cols = nf_tensor_cols(n->x), group = nf_dtype_of(n->y->dtype)->group_cols;
  void *kept = n->kept ? nf_tensor_row(n->kept, r) : NULL;
  float *scale = nf_tensor_scales(n->y, r);
  for (int64_t k = 0; k < cols; k += group) {
    const int64_t count = nf_min(group, cols - k);
    *scale = nf_fp8_scale(normalise(n, t, k, k + count, by, kept, h));
    nf_codes(h + k, count, *scale++, (uint8_t *)nf_tensor_row(n->y, r) + k);
  }
}

NF_INLINE void plain(const norm *n, nf_dtype t, int64_t r, float by, float *h) {
  const int64_t cols = nf_tensor_cols(n->x), size = nf_dtype_of(t)->bits / 8;
  char *y = nf_tensor_row(n->y, r);
  const v8 scale = v8_splat(by), plus = v8_splat(n->one_plus ? 1 : 0);
  for (int64_t k = 0; k < cols; k += 8)
    nf_store8(t, y, k, cols, v8_load(h + k) * scale * (plus + nf_load8(n->w->dtype, n->w->data, k, cols)));
  if (n->y->padded > cols) memset(y + cols * size, 0, (size_t)((n->y->padded - cols) * size));
}

NF_INLINE void rows_of(const norm *n, nf_dtype t, bool over_ranks, bool add, bool codes, int64_t block) {
  float h[nf_row_room(nf_tensor_cols(n->x))];
  NF_FOR_ROWS(r, block, n->y) {
    const float by = gather(n, t, over_ranks, add, r, h);
    if (codes)
      quantised(n, t, r, by, h);
    else
      plain(n, t, r, by, h);
  }
}

// With constants for the flags: code for each.
NF_INLINE void rows(const norm *n, bool over_ranks, bool add, bool codes, int64_t block) {
  if (n->x->dtype == NF_F32)
    rows_of(n, NF_F32, over_ranks, add, codes, block);
  else
    rows_of(n, NF_BF16, over_ranks, add, codes, block);
}

// Without ranks that it could be summed over, x is its sum.
NF_INLINE void rows_of_ranks(const norm *n, bool add, bool codes, int64_t block) {
  if (n->comm)
    rows(n, true, add, codes, block);
  else
    rows(n, false, add, codes, block);
}

#define NORM(a) .x = &(a)->x, .w = &(a)->w, .y = &(a)->y, .eps = (a)->attr.eps, .one_plus = (a)->attr.one_plus
#define KEPT(a) .kept = (a)->norm.dtype == NF_NONE ? NULL : &(a)->norm

int64_t NF_BLOCKS(add_rms_norm_rows)(const nf_add_rms_norm_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(add_rms_norm_rows)(const nf_add_rms_norm_args *a, int64_t block) {
  rows(&(const norm){NORM(a), .residual = &a->residual, .sum = &a->sum}, false, true, false, block);
}

int64_t NF_BLOCKS(all_reduce_rms_norm_rows)(const nf_all_reduce_rms_norm_args *a) {
  return nf_row_blocks(&a->y);
}
void NF_KERNEL(all_reduce_rms_norm_rows)(const nf_all_reduce_rms_norm_args *a, int64_t block) {
  rows_of_ranks(&(const norm){NORM(a), .comm = a->batch->comm, .sum = &a->reduced}, false, false, block);
}

int64_t NF_BLOCKS(all_reduce_add_rms_norm_rows)(const nf_all_reduce_add_rms_norm_args *a) {
  return nf_row_blocks(&a->y);
}
void NF_KERNEL(all_reduce_add_rms_norm_rows)(const nf_all_reduce_add_rms_norm_args *a, int64_t block) {
  rows_of_ranks(&(const norm){NORM(a), .comm = a->batch->comm, .residual = &a->residual, .sum = &a->sum},
                true, false, block);
}

int64_t NF_BLOCKS(rms_norm_quantise_rows)(const nf_rms_norm_quantise_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(rms_norm_quantise_rows)(const nf_rms_norm_quantise_args *a, int64_t block) {
  rows(&(const norm){NORM(a), KEPT(a)}, false, false, true, block);
}

int64_t NF_BLOCKS(add_rms_norm_quantise_rows)(const nf_add_rms_norm_quantise_args *a) {
  return nf_row_blocks(&a->y);
}
void NF_KERNEL(add_rms_norm_quantise_rows)(const nf_add_rms_norm_quantise_args *a, int64_t block) {
  rows(&(const norm){NORM(a), KEPT(a), .residual = &a->residual, .sum = &a->sum}, false, true, true, block);
}

int64_t NF_BLOCKS(all_reduce_rms_norm_quantise_rows)(const nf_all_reduce_rms_norm_quantise_args *a) {
  return nf_row_blocks(&a->y);
}
void NF_KERNEL(all_reduce_rms_norm_quantise_rows)(const nf_all_reduce_rms_norm_quantise_args *a,
                                                  int64_t block) {
  rows_of_ranks(&(const norm){NORM(a), KEPT(a), .comm = a->batch->comm, .sum = &a->reduced}, false, true,
                block);
}

int64_t NF_BLOCKS(all_reduce_add_rms_norm_quantise_rows)(const nf_all_reduce_add_rms_norm_quantise_args *a) {
  return nf_row_blocks(&a->y);
}
void NF_KERNEL(all_reduce_add_rms_norm_quantise_rows)(const nf_all_reduce_add_rms_norm_quantise_args *a,
                                                      int64_t block) {
  const norm n = {NORM(a), KEPT(a), .comm = a->batch->comm, .residual = &a->residual, .sum = &a->sum};
  rows_of_ranks(&n, true, true, block);
}

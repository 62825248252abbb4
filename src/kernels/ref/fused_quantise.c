// SPDX-License-Identifier: Apache-2.0
// Activations as FP8, norms with what stands around them and gated products, from the references of their
// parts, rounded where those would store. A block is one row.
#include "kernels/ref/ref.h"
#include "tensor/scalar.h"

// ---- FP8 ----

// n columns under one scale, which is returned.
static float encode(const float *x, int64_t n, uint8_t *code) {
  float most = 0;
  for (int64_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
  const float part = most / 448, scale = part == 0 ? 1 : part;
  for (int64_t i = 0; i < n; i++) code[i] = nf_e4m3_encode(x[i] / scale);
  return scale;
}

void nf_ref_quantise(const nf_tensor *y, int64_t r, const float *x) {
  const int64_t cols = nf_tensor_cols(y), group = nf_dtype_of(y->dtype)->group_cols;
  float *scale = nf_tensor_scales(y, r);
  uint8_t *code = nf_tensor_row(y, r);
  for (int64_t from = 0; from < cols; from += group)
    *scale++ = encode(x + from, nf_min(group, cols - from), code + from);
}

void nf_quantise_ref(const nf_quantise_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)];
  nf_ref_quantise(&a->y, r, nf_ref_row(&a->x, r, room));
}

// Row r of y: quantised, as a store into `dtype` would leave it, or as it is.
static void store(const nf_tensor *y, nf_dtype dtype, int64_t r, float *row) {
  if (!nf_is_quantised(y->dtype)) {
    nf_row_encode(y, r, row);
    return;
  }
  nf_ref_round(dtype, row, nf_tensor_cols(y));
  nf_ref_quantise(y, r, row);
}

// ---- norms ----

void nf_rms_norm_ref(const nf_rms_norm_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->x);
  float h[nf_max(1, cols)], y[nf_max(1, cols)], room[nf_max(1, cols)];
  if (a->attr.reduce) {
    nf_ref_reduce(a->batch, &a->x, r, h);
    nf_ref_round(a->x.dtype, h, cols);
  } else {
    nf_row_decode(&a->x, r, h);
  }
  if (a->residual.dtype != NF_NONE) nf_row_decode(&a->residual, r, room);
  for (int64_t i = 0; a->residual.dtype != NF_NONE && i < cols; i++) h[i] += room[i];
  if (a->sum.dtype != NF_NONE) nf_row_encode(&a->sum, r, h);
  nf_ref_norm(h, &a->w, a->attr.eps, a->attr.one_plus, cols, y);
  if (a->norm.dtype != NF_NONE) nf_row_encode(&a->norm, r, y);
  store(&a->y, a->x.dtype, r, y);
}

static void norm_gated(const nf_tensor *x, const nf_tensor *z, const nf_tensor *w, float eps, int64_t r,
                       const nf_tensor *y) {
  const int64_t cols = nf_tensor_cols(y), head = nf_tensor_cols(w);
  float x_room[nf_ref_room(x)], z_room[nf_ref_room(z)], row[nf_max(1, cols)];
  const float *from = nf_ref_row(x, r, x_room), *gate = nf_ref_row(z, r, z_room);
  for (int64_t i = 0; i < cols; i += head) nf_ref_norm(from + i, w, eps, false, head, row + i);
  for (int64_t i = 0; i < cols; i++) row[i] *= nf_ref_silu(gate[i]);
  store(y, x->dtype, r, row);
}

void nf_rms_norm_gated_ref(const nf_rms_norm_gated_args *a, int64_t r) {
  norm_gated(&a->x, &a->z, &a->w, a->attr.eps, r, &a->y);
}

void nf_rms_norm_gated_quantise_ref(const nf_rms_norm_gated_quantise_args *a, int64_t r) {
  norm_gated(&a->x, &a->z, &a->w, a->attr.eps, r, &a->y);
}

// ---- gated products ----

// Row r of `gate` through f, as its own op stores it; one column, where there is one.
static void open_gate(const nf_tensor *gate, int64_t r, float (*f)(float), float *out) {
  const int64_t n = nf_tensor_cols(gate);
  nf_row_decode(gate, r, out);
  for (int64_t i = 0; i < n; i++) out[i] = f(out[i]);
  nf_ref_round(gate->dtype, out, n);
}

// y = a b, of a's dtype or quantised; b has one column or all.
static void product(const nf_tensor *y, nf_dtype dtype, int64_t r, float *a, const float *b, int64_t step) {
  for (int64_t i = 0; i < nf_tensor_cols(y); i++) a[i] *= b[i * step];
  store(y, dtype, r, a);
}

void nf_mul_ref(const nf_mul_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float x[nf_max(1, cols)], room[nf_ref_room(&a->b)];
  nf_row_decode(&a->a, r, x);
  product(&a->y, a->a.dtype, r, x, nf_ref_row(&a->b, r, room), nf_tensor_cols(&a->b) == cols);
}

void nf_silu_mul_ref(const nf_silu_mul_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float open[nf_max(1, cols)], room[nf_ref_room(&a->up)];
  open_gate(&a->gate, r, nf_ref_silu, open);
  product(&a->y, a->gate.dtype, r, open, nf_ref_row(&a->up, r, room), nf_tensor_cols(&a->up) == cols);
}

void nf_sigmoid_mul_ref(const nf_sigmoid_mul_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float x[nf_max(1, cols)], open[nf_max(1, nf_tensor_cols(&a->gate))];
  nf_row_decode(&a->x, r, x);
  open_gate(&a->gate, r, nf_ref_sigmoid, open);
  product(&a->y, a->x.dtype, r, x, open, nf_tensor_cols(&a->gate) == cols);
}

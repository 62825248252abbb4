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
  if (a->attr.to == NF_NONE) {
    nf_row_encode(&a->y, r, y);
    return;
  }
  nf_ref_round(a->x.dtype, y, cols);
  if (a->norm.dtype != NF_NONE) nf_row_encode(&a->norm, r, y);
  nf_ref_quantise(&a->y, r, y);
}

void nf_rms_norm_gated_quantise_ref(const nf_rms_norm_gated_quantise_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y), head = nf_tensor_cols(&a->w);
  float x_room[nf_ref_room(&a->x)], z_room[nf_ref_room(&a->z)], y[nf_max(1, cols)];
  const float *x = nf_ref_row(&a->x, r, x_room), *z = nf_ref_row(&a->z, r, z_room);
  for (int64_t i = 0; i < cols; i += head) nf_ref_norm(x + i, &a->w, a->attr.eps, false, head, y + i);
  for (int64_t i = 0; i < cols; i++) y[i] *= nf_ref_silu(z[i]);
  nf_ref_round(a->x.dtype, y, cols);
  nf_ref_quantise(&a->y, r, y);
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
  const int64_t cols = nf_tensor_cols(y);
  for (int64_t i = 0; i < cols; i++) a[i] *= b[i * step];
  if (!nf_is_quantised(y->dtype)) {
    nf_row_encode(y, r, a);
    return;
  }
  nf_ref_round(dtype, a, cols);
  nf_ref_quantise(y, r, a);
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

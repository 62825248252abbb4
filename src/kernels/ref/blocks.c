// SPDX-License-Identifier: Apache-2.0
// A model's blocks: the references of their parts, one after the other, a token or a row at a time; what lies
// between is rounded as the parts round it. A block is one token of qk_rope_write, one (token, choice) of
// experts.
#include "kernels/ref/ref.h"

// A tensor of one row of `rank` dimensions, the leading ones 1 but for `rows`.
static nf_tensor local(nf_dtype dtype, int64_t rows, int64_t cols, void *data, float *scale) {
  return (nf_tensor){.data = data,
                     .scale = scale,
                     .dtype = dtype,
                     .rank = 3,
                     .dim = {1, rows, cols},
                     .stride = {rows * cols, cols, 1},
                     .padded = cols,
                     .scale_stride = nf_is_quantised(dtype) ? nf_scale_cols(dtype, cols) : 0};
}

// Index t of the first dimension alone.
static nf_tensor slice(const nf_tensor *t, int64_t i) {
  nf_tensor one = *t;
  one.data = (char *)t->data + i * t->stride[0] * (nf_dtype_of(t->dtype)->bits / 8);
  one.dim[0] = 1;
  return one;
}

// ---- heads ----

int64_t nf_qk_rope_write_ref_blocks(const nf_qk_rope_write_args *a) { return a->q.dim[0]; }

// The heads of token t, perhaps normalised, rotated into y.
static void turn(const nf_qk_rope_write_args *a, const nf_tensor *x, const nf_tensor *norm, int64_t t,
                 const nf_tensor *y) {
  const int64_t heads = x->dim[1], head = nf_tensor_cols(x);
  float room[nf_max(1, heads * head)];
  nf_rope_args rope = {.x = slice(x, t), .table = slice(&a->table, t), .y = *y};
  if (norm->data) {
    const nf_rms_norm_args n = {.attr = {.eps = a->attr.eps, .one_plus = a->attr.one_plus},
                                .x = rope.x,
                                .w = *norm,
                                .y = local(x->dtype, heads, head, room, NULL)};
    for (int64_t h = 0; h < heads; h++) nf_rms_norm_ref(&n, h);
    rope.x = n.y;
  }
  nf_rope_ref(&rope, 0);
}

void nf_qk_rope_write_ref(const nf_qk_rope_write_args *a, int64_t t) {
  const int64_t heads = a->kv.dim[2], head = nf_tensor_cols(&a->kv);
  float room[nf_max(1, heads * head)];
  const nf_tensor y = slice(&a->y, t), k = local(a->kv.dtype, heads, head, room, NULL);
  turn(a, &a->q, &a->q_norm, t, &y);
  turn(a, &a->k, &a->k_norm, t, &k);
  nf_batch batch = *a->batch; // the token is the first of a step of one
  batch.group[a->kv.cache].write_slot += t;
  nf_kv_write_ref(&(nf_kv_write_args){.batch = &batch, .k = k, .v = slice(&a->v, t), .kv = a->kv}, 0);
}

// ---- experts ----

// Row r of x, or that of its token, of which so many are chosen, times expert e's weights.
static void product(const nf_tensor *x, int64_t r, int64_t choices, int32_t e, const nf_tensor *w,
                    const nf_tensor *bias, nf_tensor y) {
  nf_grouped_linear_args a = {.x = *x, .w = *w, .bias = *bias, .y = y};
  if (x->rank == 2) r /= choices;
  a.x.data = nf_tensor_row(x, r);
  a.x.scale = nf_is_quantised(x->dtype) ? nf_tensor_scales(x, r) : NULL;
  a.x.rank = 2;
  a.x.dim[0] = 1;
  a.x.dim[1] = nf_tensor_cols(x);
  a.ids = (nf_tensor){.data = &e, .dtype = NF_I32, .rank = 2, .dim = {1, 1}, .stride = {1, 1}};
  const int64_t blocks = nf_grouped_linear_ref_blocks(&a) / w->dim[0];
  for (int64_t b = 0; b < blocks; b++) nf_grouped_linear_ref(&a, e * blocks + b);
}

// Row r of y as a tensor of its own; false, and zeros there, where there is no expert.
static bool open_row(const nf_tensor *ids, const nf_tensor *y, int64_t r, int32_t *e, nf_tensor *row) {
  const int64_t choices = ids->dim[1], cols = nf_tensor_cols(y);
  *e = nf_ref_int(ids, r / choices, r % choices);
  *row = local(y->dtype, 1, cols, nf_tensor_row(y, r), NULL);
  row->padded = y->padded;
  if (*e < 0) nf_ref_zero_row(y, r);
  return *e >= 0;
}

void nf_experts_swiglu_ref(const nf_experts_swiglu_args *a, int64_t r) {
  const int64_t inner = nf_tensor_cols(&a->w_down);
  float h_room[nf_max(1, 2 * inner)], act_room[nf_max(1, inner)];
  nf_tensor y, h = local(a->y.dtype, 1, 2 * inner, h_room, NULL),
               act = local(a->y.dtype, 1, inner, act_room, NULL);
  int32_t e;
  if (!open_row(&a->ids, &a->y, r, &e, &y)) return;
  product(&a->x, r, a->ids.dim[1], e, &a->w_up, &a->up_bias, h);
  const nf_swiglu_attrs attr = {a->attr.alpha, a->attr.beta, a->attr.limit, a->attr.interleaved, 0};
  nf_swiglu_ref(&(nf_swiglu_args){.attr = attr, .x = h, .y = act}, 0);
  product(&act, 0, 1, e, &a->w_down, &a->down_bias, y);
}

void nf_experts_silu_ref(const nf_experts_silu_args *a, int64_t r) {
  const int64_t inner = nf_tensor_cols(&a->w_down), choices = a->ids.dim[1];
  const nf_dtype t = a->y.dtype;
  const nf_tensor none = {0};
  float room[3][nf_max(1, inner)], scale[nf_max(1, inner)];
  nf_tensor y, g = local(t, 1, inner, room[0], NULL), u = local(t, 1, inner, room[1], NULL),
               act = local(a->attr.to != NF_NONE ? a->attr.to : t, 1, inner, room[2], scale);
  int32_t e;
  if (!open_row(&a->ids, &a->y, r, &e, &y)) return;
  product(&a->x, r, choices, e, &a->w_gate, &none, g);
  product(&a->x, r, choices, e, &a->w_up, &none, u);
  nf_silu_mul_ref(&(nf_silu_mul_args){.gate = g, .up = u, .y = act}, 0);
  product(&act, 0, 1, e, &a->w_down, &none, y);
}

// SPDX-License-Identifier: Apache-2.0
// qk_rope_write: heads normalised, turned, and written, each read once. A block is one token.
#include "kernels/cpu/generic/rotate.h"
#include "kernels/cpu/generic/row.h"
#include <math.h>

enum { MAX_HEAD = 1024 };

int64_t NF_BLOCKS(qk_rope_write_rows)(const nf_qk_rope_write_args *a) { return a->q.dim[0]; }

// What is the same for all heads of a token.
typedef struct turn {
  const nf_tensor *x;
  int64_t head, half;
  const float *cos, *sin;
  bool norms;
  float eps, w[MAX_HEAD]; // the norm's factors
} turn;

static void open_turn(const nf_qk_rope_write_args *a, int64_t t, const nf_tensor *x, const nf_tensor *norm,
                      turn *out) {
  out->x = x;
  out->head = nf_tensor_cols(&a->kv);
  out->half = nf_tensor_cols(&a->table) / 2;
  out->cos = nf_tensor_row(&a->table, t);
  out->sin = out->cos + out->half;
  out->norms = norm->data != NULL;
  out->eps = a->attr.eps;
  if (!out->norms) return;
  const v8 plus = v8_splat(a->attr.one_plus ? 1 : 0);
  const int64_t n = nf_padded(norm, norm->data, 0, out->head, out->w);
  for (int64_t i = 0; i < n; i += 8) v8_store(out->w + i, plus + v8_load(out->w + i));
}

// x[n] as rms_norm leaves it, rounded; n is padded with zeros to whole vectors. The sums are those of
// rms_norm_rows.
static void normalise(const turn *r, int64_t n, float *x) {
  uint16_t half[MAX_HEAD];
  v8 sum[2] = {v8_splat(0), v8_splat(0)};
  for (int64_t i = 0; i < n; i += 8) sum[i / 8 % 2] = v8_fma(v8_load(x + i), v8_load(x + i), sum[i / 8 % 2]);
  const v8 scale = v8_splat(1 / sqrtf(v8_sum(sum[0] + sum[1]) / (float)r->head + r->eps));
  for (int64_t i = 0; i < n; i += 8) v8_store(x + i, v8_load(x + i) * scale * v8_load(r->w + i));
  if (r->x->dtype == NF_F32) return;
  nf_round(r->x, half, 0, n, x);
  nf_widen(r->x, half, 0, n, x);
}

// Columns [from, from + head) of a row of x into the row `to` of y.
static void turn_head(const turn *r, const void *row, int64_t from, const nf_tensor *y, void *to) {
  float x[MAX_HEAD], turned[MAX_HEAD];
  const int64_t n = nf_padded(r->x, row, from, r->head, x);
  if (r->norms) normalise(r, n, x);
  nf_rotate(x, r->cos, r->sin, r->half, r->head, turned);
  nf_round(y, to, 0, r->head, turned);
}

// Token t's row of the pool: its keys (0) or values (1), head h.
static void *pool_row(const nf_qk_rope_write_args *a, int64_t slot, int64_t which, int64_t h) {
  const int64_t heads = a->kv.dim[2], page = a->kv.dim[3];
  return nf_tensor_row(&a->kv, ((slot / page * 2 + which) * heads + h) * page + slot % page);
}

// Heads from `first` on of x, which is the operand itself, or the queries where there is none.
typedef struct heads {
  const nf_tensor *x;
  int64_t of_token, first; // heads of a token's rows
} heads;

static heads heads_of(const nf_qk_rope_write_args *a, const nf_tensor *x, int64_t behind) {
  if (x->data != NULL) return (heads){x, x->dim[1], 0};
  return (heads){&a->q, a->q.dim[1], a->y.dim[1] + behind};
}

static void *row_of(const heads *h, int64_t t, int64_t i) {
  return nf_tensor_row(h->x, t * h->of_token + h->first + i);
}

void NF_KERNEL(qk_rope_write_rows)(const nf_qk_rope_write_args *a, int64_t t) {
  const int64_t kv_heads = a->kv.dim[2], slot = a->batch->group[a->kv.cache].write_slot[t];
  const heads q = {&a->q, a->q.dim[1], 0}, k = heads_of(a, &a->k, 0), v = heads_of(a, &a->v, kv_heads);
  turn r;
  open_turn(a, t, q.x, &a->q_norm, &r);
  for (int64_t h = 0; h < a->y.dim[1]; h++)
    turn_head(&r, row_of(&q, t, h), a->attr.start, &a->y, nf_tensor_row(&a->y, t * a->y.dim[1] + h));
  if (slot < 0) return;
  open_turn(a, t, k.x, &a->k_norm, &r);
  for (int64_t h = 0; h < kv_heads; h++) {
    turn_head(&r, row_of(&k, t, h), 0, &a->kv, pool_row(a, slot, 0, h));
    memcpy(pool_row(a, slot, 1, h), row_of(&v, t, h), (size_t)(r.head * nf_dtype_of(a->kv.dtype)->bits / 8));
  }
}

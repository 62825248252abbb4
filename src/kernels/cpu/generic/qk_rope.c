// SPDX-License-Identifier: Apache-2.0
// qk_rope_write: heads normalised, rotated, and written, each read once. A block is one token.
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

// Row i of x, a head, into the row `to` of y.
static void turn_head(const turn *r, int64_t i, const nf_tensor *y, void *to) {
  float x[MAX_HEAD], rotated[MAX_HEAD];
  const int64_t n = nf_padded(r->x, nf_tensor_row(r->x, i), 0, r->head, x);
  if (r->norms) normalise(r, n, x);
  nf_rotate(x, r->cos, r->sin, r->half, r->head, rotated);
  nf_round(y, to, 0, r->head, rotated);
}

// Token t's row of the pool: its keys (0) or values (1), head h.
static void *pool_row(const nf_qk_rope_write_args *a, int64_t slot, int64_t which, int64_t h) {
  const int64_t heads = a->kv.dim[2], page = a->kv.dim[3];
  return nf_tensor_row(&a->kv, ((slot / page * 2 + which) * heads + h) * page + slot % page);
}

void NF_KERNEL(qk_rope_write_rows)(const nf_qk_rope_write_args *a, int64_t t) {
  const int64_t heads = a->y.dim[1], kv_heads = a->kv.dim[2];
  const int64_t slot = a->batch->group[a->kv.cache].write_slot[t];
  turn r;
  open_turn(a, t, &a->q, &a->q_norm, &r);
  for (int64_t h = 0; h < heads; h++)
    turn_head(&r, t * heads + h, &a->y, nf_tensor_row(&a->y, t * heads + h));
  if (slot < 0) return;
  open_turn(a, t, &a->k, &a->k_norm, &r);
  for (int64_t h = 0; h < kv_heads; h++) {
    turn_head(&r, t * kv_heads + h, &a->kv, pool_row(a, slot, 0, h));
    memcpy(pool_row(a, slot, 1, h), nf_tensor_row(&a->v, t * kv_heads + h),
           (size_t)(r.head * nf_dtype_of(a->kv.dtype)->bits / 8));
  }
}

// SPDX-License-Identifier: Apache-2.0
// rope, kv_write and qk_rope_write: a few lanes take a head. Each holds packs that are turned together, one
// from each half of the columns that are turned; of those behind, which are copied, two that are neighbours.
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/rows/rows.h"

typedef struct head_row {
  const uint16_t *x;
  uint16_t *y; // NULL: nowhere
  const void *norm;
  const float *table;
  bool norm_f32, turned;
  float times; // what the norm multiplies with
} head_row;

// Columns of x and y at `at`: n of 8 or 1.
INLINE void columns_load(const uint16_t *x, int at, int n, float *to) {
  if (n == 1) {
    to[0] = bf16_to_f32(x[at]);
    return;
  }
  const eight e = unpacked(row_load((const char *)(x + at)));
  UNROLL for (int i = 0; i < 8; i++) to[i] = e.v[i];
}
INLINE void columns_store(uint16_t *y, int at, int n, const float *from) {
  if (n == 1) {
    y[at] = f32_to_bf16(from[0]);
    return;
  }
  eight e;
  UNROLL for (int i = 0; i < 8; i++) e.v[i] = from[i];
  row_store((char *)(y + at), packed(e));
}
// Of the table and of weights, whose rows begin at any number.
INLINE void floats_load(const float *x, int n, float *to) {
  if (n == 8 && (uintptr_t)x % 16 == 0) {
    UNROLL for (int i = 0; i < 8; i += 4) {
      const u32x4 v = lane_load16(x + i);
      UNROLL for (int k = 0; k < 4; k++) to[i + k] = lane_as_f32(v[k]);
    }
    return;
  }
  UNROLL for (int i = 0; i < n; i++) to[i] = x[i];
}
INLINE void weights_load(const nf_gpu_heads *a, const head_row *r, int at, int n, float *to) {
  if (r->norm_f32)
    floats_load((const float *)r->norm + at, n, to);
  else
    columns_load(r->norm, at, n, to);
  if (a->one_plus) UNROLL for (int i = 0; i < n; i++) to[i] = 1 + to[i];
}
INLINE void normalise(const head_row *r, int n, const float *w, float *x) {
  UNROLL for (int i = 0; i < n; i++) x[i] = rounded(x[i] * r->times * w[i]);
}

// Where the two packs of pair u begin. There may be no second one.
INLINE int pair_low(const nf_gpu_heads *a, int u, int n) {
  const int half = a->turned / 2;
  return u * n < half ? u * n : half + u * n + (u * n - half);
}
INLINE int pair_high(const nf_gpu_heads *a, int u, int n) {
  const int half = a->turned / 2;
  return u * n < half ? half + u * n : pair_low(a, u, n) + n;
}
typedef struct pair {
  float x[8], z[8];
} pair;
INLINE pair pair_load(const nf_gpu_heads *a, const head_row *r, int u, int n) {
  pair p = {0};
  columns_load(r->x, pair_low(a, u, n), n, p.x);
  if (pair_high(a, u, n) < a->head) columns_load(r->x, pair_high(a, u, n), n, p.z);
  return p;
}
INLINE pair pair_weights(const nf_gpu_heads *a, const head_row *r, int u, int n) {
  pair p = {0};
  if (r->norm == NULL) return p;
  weights_load(a, r, pair_low(a, u, n), n, p.x);
  if (pair_high(a, u, n) < a->head) weights_load(a, r, pair_high(a, u, n), n, p.z);
  return p;
}
INLINE pair pair_angles(const nf_gpu_heads *a, const head_row *r, int u, int n) {
  pair p = {0};
  if (!r->turned || u * n >= a->turned / 2) return p;
  floats_load(r->table + u * n, n, p.x);
  floats_load(r->table + a->turned / 2 + u * n, n, p.z);
  return p;
}

INLINE float pair_squares(const pair *p, int n) {
  float sum = 0;
  UNROLL for (int i = 0; i < n; i++) sum = __builtin_fmaf(p->x[i], p->x[i], sum);
  UNROLL for (int i = 0; i < n; i++) sum = __builtin_fmaf(p->z[i], p->z[i], sum);
  return sum;
}

INLINE void pair_turn(const nf_gpu_heads *a, const head_row *r, int u, int n, const pair *w,
                      const pair *angles, pair v) {
  if (r->norm != NULL) normalise(r, n, w->x, v.x);
  if (r->norm != NULL) normalise(r, n, w->z, v.z);
  if (r->turned && u * n < a->turned / 2) UNROLL for (int i = 0; i < n; i++) {
      const float c = angles->x[i], s = angles->z[i], x = v.x[i];
      v.x[i] = x * c - v.z[i] * s;
      v.z[i] = v.z[i] * c + x * s;
    }
  columns_store(r->y, pair_low(a, u, n), n, v.x);
  if (pair_high(a, u, n) < a->head) columns_store(r->y, pair_high(a, u, n), n, v.z);
}

// All lanes of the wave, as the sums of squares are theirs together. What a lane has of its first pair it
// loads before anything waits for it, weights even before earlier kernels have ended.
INLINE void head_turn(const nf_gpu_heads *a, head_row *r, int n) {
  const int pairs = (a->turned / 2 + (a->head - a->turned + 1) / 2 + n - 1) / n, lane = lane_id() % a->lanes;
  const bool is = r->y != NULL && lane < pairs;
  pair w = {0}, angles = {0}, v = {0};
  if (is) w = pair_weights(a, r, lane, n);
  lane_wait();
  if (is) v = pair_load(a, r, lane, n);
  if (is) angles = pair_angles(a, r, lane, n);
  if (a->q_norm != NULL || a->k_norm != NULL) {
    float sum = pair_squares(&v, n);
    if (is && r->norm != NULL)
      for (int u = lane + a->lanes; u < pairs; u += a->lanes) {
        const pair more = pair_load(a, r, u, n);
        sum += pair_squares(&more, n);
      }
    sum = lane_sum_of(sum, a->lanes);
    r->times = lane_rsqrt(sum / (float)a->head + a->eps);
  }
  if (!is) return;
  pair_turn(a, r, lane, n, &w, &angles, v);
  for (int u = lane + a->lanes; u < pairs; u += a->lanes) {
    w = pair_weights(a, r, u, n);
    angles = pair_angles(a, r, u, n);
    pair_turn(a, r, u, n, &w, &angles, pair_load(a, r, u, n));
  }
}

INLINE head_row row_at(const nf_gpu_heads *a, int64_t row) {
  const int each = a->heads + 2 * a->kv_heads, t = (int)(row / each), h = (int)(row % each);
  if (t >= a->tokens) return (head_row){.x = NULL};
  const float *table = a->turned > 0 ? (const float *)row_of(&a->table, t) : NULL;
  if (h < a->heads) {
    const int64_t at = (int64_t)t * a->heads + h;
    return (head_row){(const uint16_t *)row_of(&a->q, at),
                      (uint16_t *)row_of(&a->y, at),
                      a->q_norm,
                      table,
                      a->q_norm_f32,
                      true,
                      0};
  }
  const bool value = h - a->heads >= a->kv_heads;
  const int g = h - a->heads - (value ? a->kv_heads : 0), slot = a->write_slot[t];
  if (slot < 0) return (head_row){.x = NULL};
  const int64_t key = ((int64_t)(slot / a->page * 2 + value) * a->kv_heads + g) * a->page + slot % a->page;
  return (head_row){(const uint16_t *)row_of(value ? &a->v : &a->k, (int64_t)t * a->kv_heads + g),
                    a->pool + key * a->head,
                    value ? NULL : a->k_norm,
                    table,
                    a->k_norm_f32,
                    !value,
                    0};
}

KERNEL(nf_heads, nf_gpu_heads, 128, 1) {
  lane_release();
  head_row r = row_at(a, ((int64_t)lane_block() * lane_threads() + lane_thread()) / a->lanes);
  if (a->pack == 8)
    head_turn(a, &r, 8);
  else
    head_turn(a, &r, 1);
}

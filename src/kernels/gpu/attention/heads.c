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
// Of weights and of the table, whose rows begin at any number.
INLINE void normalise(const nf_gpu_heads *a, const head_row *r, int at, int n, float *x) {
  UNROLL for (int i = 0; i < n; i++) {
    const float w = number_at(r->norm, at + i, r->norm_f32);
    x[i] = rounded(x[i] * r->times * (a->one_plus ? 1 + w : w));
  }
}

// Where the two packs of pair u begin.
INLINE int pair_low(const nf_gpu_heads *a, int u, int n) {
  const int half = a->turned / 2;
  return u * n < half ? u * n : half + u * n + (u * n - half);
}
INLINE int pair_high(const nf_gpu_heads *a, int u, int n) {
  const int half = a->turned / 2;
  return u * n < half ? half + u * n : pair_low(a, u, n) + n;
}

INLINE float pair_squares(const nf_gpu_heads *a, const head_row *r, int u, int n) {
  const int low = pair_low(a, u, n), high = pair_high(a, u, n);
  float x[8] = {0}, z[8] = {0}, sum = 0;
  columns_load(r->x, low, n, x);
  UNROLL for (int i = 0; i < n; i++) sum = __builtin_fmaf(x[i], x[i], sum);
  if (high >= a->head) return sum;
  columns_load(r->x, high, n, z);
  UNROLL for (int i = 0; i < n; i++) sum = __builtin_fmaf(z[i], z[i], sum);
  return sum;
}

INLINE void pair_turn(const nf_gpu_heads *a, const head_row *r, int u, int n) {
  const int low = pair_low(a, u, n), high = pair_high(a, u, n), half = a->turned / 2;
  const bool both = high < a->head;
  float x[8] = {0}, z[8] = {0};
  columns_load(r->x, low, n, x);
  if (both) columns_load(r->x, high, n, z);
  if (r->norm != NULL) normalise(a, r, low, n, x);
  if (r->norm != NULL && both) normalise(a, r, high, n, z);
  if (r->turned && u * n < half) UNROLL for (int i = 0; i < n; i++) {
      const float c = r->table[low + i], s = r->table[half + low + i], v = x[i];
      x[i] = v * c - z[i] * s;
      z[i] = z[i] * c + v * s;
    }
  columns_store(r->y, low, n, x);
  if (both) columns_store(r->y, high, n, z);
}

// All lanes of the wave, as the sums of squares are theirs together.
INLINE void head_turn(const nf_gpu_heads *a, head_row *r, int n) {
  const int pairs = (a->turned / 2 + (a->head - a->turned + 1) / 2 + n - 1) / n, lane = lane_id() % a->lanes;
  if (a->q_norm != NULL || a->k_norm != NULL) {
    float sum = 0;
    if (r->y != NULL && r->norm != NULL)
      for (int u = lane; u < pairs; u += a->lanes) sum += pair_squares(a, r, u, n);
    sum = lane_sum_of(sum, a->lanes);
    r->times = lane_rsqrt(sum / (float)a->head + a->eps);
  }
  if (r->y != NULL)
    for (int u = lane; u < pairs; u += a->lanes) pair_turn(a, r, u, n);
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
  lane_wait();
  head_row r = row_at(a, ((int64_t)lane_block() * lane_threads() + lane_thread()) / a->lanes);
  if (a->pack == 8)
    head_turn(a, &r, 8);
  else
    head_turn(a, &r, 1);
}

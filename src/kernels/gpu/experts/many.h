// SPDX-License-Identifier: Apache-2.0
// Products with experts that many pairs have chosen, on Hopper: a block has some strips of 32 rows of weights
// as the rows of products of four waves, and pairs of one expert as their columns. Steps of 128 bytes of the
// pairs' rows of x, and of the strips beside them, come through a ring in shared memory; each wave takes the
// weights of its 16 rows from there into registers, as numbers. Blocks stay and go from item to item; the
// first steps of the next one are on their way while results are written. Rows of x and of weights are whole
// steps.
#pragma once
#include "kernels/gpu/experts/many_ring.h"

#if TILE_WIDE
// ---- products ----

// Of a word of 8 codes of two rows the numbers that two products take.
INLINE void many_unpack(u32x2 v, uint32_t s, wide_a out[2]) {
  UNROLL for (int i = 0; i < 2; i++) {
    uint32_t pairs[4];
    mxfp4_pairs(v[i], mxfp4_factor(s >> 8 * i & 0xff), pairs);
    UNROLL for (int j = 0; j < 4; j++) out[j / 2].r[i + j % 2 * 2] = pairs[j];
  }
  if (lane_ballot((s & 0x8080) != 0) == 0) return;
  UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 4; j++) out[j / 2].r[i + j % 2 * 2] =
      mxfp4_beyond(out[j / 2].r[i + j % 2 * 2], s >> 8 * i & 0xff);
}

// Words of a lane: of MXFP4 those of a step, v[half] with scales; else of half of one, a word of FP8 or two
// of bf16 for each product.
typedef struct many_words {
  u32x2 v[4];
  uint32_t s[2];
} many_words;

INLINE many_words many_words_of(expert_format f, int stage, int half) {
  const int row = many_row(lane_thread()), t = lane_id() % 4, bytes = many_strip_bytes(f);
  const int n = f == EXPERT_MXFP4 ? 2 : bytes / 1024;
  SHARED char *from =
      many_w(f, stage) + row / 32 * bytes + t * 128 + (lane_id() / 4 ^ t * 2) * 16 + row % 4 * 4;
  many_words w = {0};
  UNROLL for (int i = 0; i < n; i++) w.v[i] = shared_get((SHARED u32x2 *)(from + (half * n + i) * 512));
  if (f != EXPERT_MXFP4) return w;
  SHARED char *scales = many_scales(f, stage) + row / 32 * 64 + row % 32;
  UNROLL for (int i = 0; i < 2; i++) w.s[i] = shared_get((SHARED uint16_t *)(scales + i * 32));
  return w;
}

// The weights of products 2 half and 2 half + 1 of a step.
INLINE void many_weights(expert_format f, const many_words *w, int half, wide_a out[2]) {
  if (f == EXPERT_MXFP4) many_unpack(w->v[half], w->s[half], out);
  if (f != EXPERT_MXFP4) UNROLL for (int k = 0; k < 2; k++) UNROLL for (int i = 0; i < 2; i++) {
      const bool fp8 = f == EXPERT_FP8;
      out[k].r[i] = fp8 ? e4m3x2_to_f16x2((uint16_t)w->v[k][i]) : w->v[2 * k][i];
      out[k].r[2 + i] = fp8 ? e4m3x2_to_f16x2((uint16_t)(w->v[k][i] >> 16)) : w->v[2 * k + 1][i];
    }
}

// Products 2 half and 2 half + 1 of a step; the first begins at 0 unless `add`.
#define MANY_CASE(n)                                                                             \
  case n:                                                                                        \
    if (n > many_most(f)) break;                                                                 \
    wide_begin();                                                                                \
    UNROLL for (int k = 0; k < 2; k++) {                                                         \
      if (f == EXPERT_FP8) wide_mma_f16(n, sum, w[k], wide_step(x, 2 * half + k), k > 0 || add); \
      if (f != EXPERT_FP8) wide_mma_bf16(n, sum, w[k], wide_step(x, 2 * half + k), true);        \
    }                                                                                            \
    wide_commit();                                                                               \
    break;
INLINE void many_multiply(expert_format f, int cols, float *sum, const wide_a w[2], wide_b x, int half,
                          bool add) {
  switch (cols) {
    MANY_CASE(16)
    MANY_CASE(32)
    MANY_CASE(48)
    MANY_CASE(64)
    MANY_CASE(80)
    MANY_CASE(96)
    MANY_CASE(112)
    MANY_CASE(128)
  }
}

// ---- sums: of FP8 by groups those of 128 of k, two steps, go to others with their scales ----

typedef struct many_sums {
  float all[MANY_MOST_COLS / 2], part[NF_GPU_MANY_COLS / 2];
} many_sums;
#define MANY_EACH(cols, i) WIDE_UNROLL for (int i = 0; i < many_most(f) / 8; i++) if (8 * i < cols)

INLINE bool many_is_grouped(const nf_gpu_experts *a, expert_format f) {
  return f == EXPERT_FP8 && a->x_groups != 0;
}
INLINE float many_scale_of_x(const nf_gpu_experts *a, expert_format f, const many_item *t, int step) {
  return a->x_scale[(int64_t)shared_get(many_line(f, t) + lane_thread()) * a->x_groups + step / 2];
}
INLINE void many_put_scale(expert_format f, int stage, float scale) {
  shared_put((SHARED float *)many_scales(f, stage) + lane_thread(), scale);
}
INLINE float many_scale_of_w(const nf_gpu_experts *a, const many_item *t, int step) {
  const many_strip s = many_strip_there(a, t, lane_wave() / 2);
  return ((const float *)a
              ->scale[s.matrix])[t->expert * a->scale_expert + (int64_t)(s.at / 4) * a->scale_row + step / 2];
}

INLINE void many_add(const nf_gpu_experts *a, expert_format f, int cols, int stage, float of_w,
                     many_sums *sums) {
  const SHARED float *scales = (SHARED float *)many_scales(f, stage) + wide_col(0);
  MANY_EACH(cols, i) {
    const f32x2 of_x = a->x_groups != 0 ? shared_get((const SHARED f32x2 *)(scales + 8 * i)) : (f32x2){1, 1};
    UNROLL for (int j = 0; j < 4; j++) sums->all[4 * i + j] =
        __builtin_fmaf(sums->part[4 * i + j], of_x[j % 2] * of_w, sums->all[4 * i + j]);
  }
}

INLINE void many_step(const nf_gpu_experts *a, expert_format f, const many_item *t, int cols, int step,
                      many_lane *l, many_sums *sums) {
  const int steps = many_steps(a, f), stage = step % many_stages(f), next = step + many_ahead(f);
  wide_a w[2][2];
  if (step % many_together(f) == 0) {
    lane_copy_wait(many_ahead(f) - many_together(f));
    wide_publish();
    block_sync();
  }
  if (next < steps) many_copy(f, cols, next % many_stages(f), l);
  lane_copy_commit();
  const float of_w = many_is_grouped(a, f) ? many_scale_of_w(a, t, step) : 1;
  if (many_is_grouped(a, f) && lane_thread() < cols) {
    if (step > 0) many_put_scale(f, (next - 1) % many_stages(f), l->scale);
    if (next < steps) l->scale = many_scale_of_x(a, f, t, next);
  }
  const bool grouped = many_is_grouped(a, f), ends = step + 1 == steps || (grouped && step % 2 == 1);
  many_words words = many_words_of(f, stage, 0);
  UNROLL for (int half = 0; half < 2; half++) {
    wide_wait(1, 0, sums->all);
    if (half == 1 && f != EXPERT_MXFP4) words = many_words_of(f, stage, 1);
    many_weights(f, &words, half, w[half]);
    many_multiply(f, cols, f == EXPERT_FP8 ? sums->part : sums->all, w[half], wide_tile(many_x(f, stage)),
                  half, half > 0 || (grouped ? step % 2 : step) > 0);
  }
  if (f != EXPERT_FP8 || !ends) return;
  wide_wait(0, NF_GPU_MANY_COLS, sums->part);
  many_add(a, f, cols, stage, of_w, sums);
}

INLINE void many_sum(const nf_gpu_experts *a, expert_format f, const many_item *t, int cols,
                     many_sums *sums) {
  const int steps = t->expert < 0 ? 0 : many_steps(a, f);
  many_lane l = many_lane_of(a, f, t, many_ahead(f));
  WIDE_UNROLL for (int i = 0; i < many_most(f) / 2; i++) sums->all[i] = 0;
  for (int step = 0; step < steps; step++) many_step(a, f, t, cols, step, &l, sums);
  wide_wait(0, many_most(f), sums->all);
}

// ---- results: of each pair MANY_ROWS numbers of bf16, as which gates and ups are rounded too ----

// What a row's sums have besides.
typedef struct many_rest {
  float bias, scale; // scale: of FP8 by rows
} many_rest;
INLINE many_rest many_rest_of(const nf_gpu_experts *a, expert_format f, const many_item *t, int row) {
  const many_strip s = many_strip_of(a, t, row / 32);
  const int at = s.at * 32 + row % 32;
  many_rest r = {0, 0};
  if (t->expert < 0 || at >= a->rows) return r;
  r.scale = 1;
  if (f == EXPERT_FP8 && a->x_groups == 0)
    r.scale = ((const float *)a->scale[s.matrix])[t->expert * a->scale_expert + (int64_t)at * a->scale_row];
  if (a->bias[s.matrix]) r.bias = number_at(a->bias[s.matrix], t->expert * a->bias_expert + at, a->bias_f32);
  return r;
}

INLINE void many_leave(const nf_gpu_experts *a, expert_format f, const many_item *t, int cols,
                       const many_sums *sums) {
  const int thread = many_thread(), row = many_row(thread), col = thread % 4 * 2;
  const many_rest first = many_rest_of(a, f, t, row), second = many_rest_of(a, f, t, row + 1);
  MANY_EACH(cols, i) UNROLL for (int j = 0; j < 2; j++) {
    const int c = 8 * i + col + j;
    float of_x = 1;
    if (f == EXPERT_FP8 && a->x_groups == 0 && t->expert >= 0)
      of_x = a->x_scale[shared_get(many_line(f, t) + c)];
    const float y = sums->all[4 * i + j] * of_x * first.scale + first.bias;
    const float z = sums->all[4 * i + 2 + j] * of_x * second.scale + second.bias;
    shared_put(many_results(f, 0) + row / 2 + c * MANY_PITCH, f32x2_to_bf16x2(y, z));
    if (!a->y_f32 || c >= t->count) continue;
    const int column = t->block * MANY_ROWS + row, pair = shared_get(many_pair(f, t) + c);
    if (column < a->padded) number_put(row_of(&a->y, pair), column, true, y);
    if (column + 1 < a->padded) number_put(row_of(&a->y, pair), column + 1, true, z);
  }
}

// Numbers j and j + 1 of what comes out of gates and ups.
INLINE uint32_t many_active(const nf_gpu_experts *a, const SHARED uint32_t *r, int j) {
  uint32_t gate, up;
  if (a->strips == 1) {
    const u32x2 v = shared_get((const SHARED u32x2 *)(r + j));
    gate = (v[0] & 0xffff) | v[1] << 16, up = v[0] >> 16 | (v[1] & 0xffff0000u);
  } else
    gate = shared_get(r + j / 2), up = shared_get(r + MANY_ROWS / 4 + j / 2);
  return f32x2_to_bf16x2(expert_activation(a, bf16x2_lo(gate), bf16x2_lo(up)),
                         expert_activation(a, bf16x2_hi(gate), bf16x2_hi(up)));
}

// Which number of a row is in word w of its pack p (NF_GPU_MANY_PLACE).
INLINE int many_number(expert_format f, int p, int w) {
  return f == EXPERT_MXFP4 ? p / 4 * 32 + 8 * w + p % 4 * 2 : 8 * p + 2 * w;
}

INLINE void many_store(const nf_gpu_experts *a, expert_format f, const many_item *t) {
  const bool then = a->then != NF_GPU_THEN_NOTHING;
  const int packs = (then ? MANY_ROWS / 2 : MANY_ROWS) / 8;
  if (a->y_f32) return;
  for (int i = many_thread(); i < packs * t->count; i += MANY_THREADS) {
    const int c = i / packs, p = i % packs, column = (t->block * packs + p) * 8;
    char *to = row_of(&a->y, shared_get(many_pair(f, t) + c)) + column * 2;
    const SHARED uint32_t *r = many_results(f, c);
    u32x4 v;
    if (then)
      UNROLL for (int w = 0; w < 4; w++) v[w] = many_active(a, r, many_number(f, p, w));
    else
      v = shared_get((const SHARED u32x4 *)(r + p * 4));
    if (column + 8 <= a->padded)
      row_store(to, v);
    else
      UNROLL for (int j = 0; j < 8; j++) if (column + j < a->padded)((uint16_t *)to)[j] =
          (uint16_t)(v[j / 2] >> j % 2 * 16);
  }
}

// ---- items ----

// Whether there is an item, with the lists of its pairs; they can be read behind a block_sync.
INLINE bool many_take(const nf_gpu_experts *a, expert_format f, int item, many_item *t) {
  const int each = a->then == NF_GPU_THEN_NOTHING ? MANY_ROWS : MANY_ROWS / 2, thread = many_thread();
  const int blocks = (a->padded + each - 1) / each;
  if (item >= blocks * a->tiles[a->most_tiles].expert) return false;
  const u32x4 v = lane_load16(a->tiles + item / blocks);
  t->expert = (int)v[0], t->count = (int)v[2], t->block = item % blocks;
  if (thread >= many_most(f)) return true;
  const int pair = a->order[(int)v[1] + (thread < t->count ? thread : 0)], line = pair / a->share;
  shared_put(many_pair(f, t) + thread, pair);
  shared_put(many_line(f, t) + thread, line);
  shared_put(many_place(f, t) + thread, (uint64_t)(uintptr_t)row_of(&a->x, line));
  return true;
}

INLINE int many_cols(const many_item *t) { return (t->count + 15) / 16 * 16; }

INLINE void many_begin(const nf_gpu_experts *a, expert_format f, const many_item *t) {
  if (t->expert < 0) return;
  many_lane l = many_lane_of(a, f, t, 0);
  const int cols = many_cols(t), steps = many_steps(a, f);
  _Pragma("GCC unroll 1") for (int i = 0; i < many_ahead(f); i++) {
    if (i < steps) many_copy(f, cols, i, &l);
    lane_copy_commit();
    if (many_is_grouped(a, f) && lane_thread() < cols && i < steps)
      many_put_scale(f, i, many_scale_of_x(a, f, t, i));
  }
}

INLINE void experts_many(const nf_gpu_experts *a, expert_format f) {
  lane_release();
  lane_wait();
  many_item t = {0}, next = {0};
  bool more = many_take(a, f, lane_block(), &t);
  block_sync();
  if (more) many_begin(a, f, &t);
  for (int item = lane_block() + lane_blocks(); more; item += lane_blocks()) {
    many_sums sums;
    many_sum(a, f, &t, many_cols(&t), &sums);
    if (t.expert < 0) block_sync(); // else steps have seen to it that results were stored
    many_leave(a, f, &t, many_cols(&t), &sums);
    next.lists = !t.lists;
    more = many_take(a, f, item, &next);
    block_sync();
    if (more) many_begin(a, f, &next);
    many_store(a, f, &t);
    t = next;
  }
}
#endif

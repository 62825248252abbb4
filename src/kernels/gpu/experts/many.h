// SPDX-License-Identifier: Apache-2.0
// Products with experts that many pairs have chosen, on Hopper: a block has some strips of 32 rows of weights
// as the rows of products of four waves, and pairs of one expert as their columns. Steps of 128 bytes of the
// pairs' rows of x, and of the strips beside them, come through a ring in shared memory; each wave takes the
// weights of its 16 rows from there into registers, as numbers. Blocks stay and go from item to item; the
// first steps of the next one are on their way while results are written. Rows of x and of weights are whole
// steps.
#pragma once
#include "kernels/gpu/experts/tile.h"
#include "kernels/gpu/tile/wide.h"

#if TILE_WIDE
enum {
  MANY_STRIPS = NF_GPU_MANY_STRIPS,
  MANY_ROWS = MANY_STRIPS * 32,
  MANY_THREADS = MANY_STRIPS * 64,
  MANY_MOST_COLS = NF_GPU_MANY_COLS_MXFP4,
  MANY_PITCH = MANY_ROWS / 2 + 4, // words of a pair's results
  MANY_LINES = MANY_THREADS / 8,  // of x that all lanes copy at once
};
INLINE int many_most(expert_format f) {
  return f == EXPERT_MXFP4 ? NF_GPU_MANY_COLS_MXFP4 : NF_GPU_MANY_COLS;
}
// Stages of the ring; steps that the block waits for at once; how far copies are ahead of products, of which
// a step's last are still under way when the next one begins.
INLINE int many_stages(expert_format f) {
  return f == EXPERT_MXFP4 ? NF_GPU_MANY_STAGES_MXFP4 : NF_GPU_MANY_STAGES;
}
INLINE int many_together(expert_format f) { return f == EXPERT_MXFP4 ? 2 : 1; }
INLINE int many_ahead(expert_format f) { return many_stages(f) - 1 - many_together(f); }
INLINE int many_strip_bytes(expert_format f) { // of a step of 64 of k
  return f == EXPERT_MXFP4 ? 1024 : f == EXPERT_FP8 ? 2048 : 4096;
}
INLINE int many_steps(const nf_gpu_experts *a, expert_format f) {
  return a->words / (many_strip_bytes(f) / 128);
}

// lane_thread, anew where it is called, so that what follows from it is not kept in registers meanwhile.
INLINE int many_thread(void) {
  int t = lane_thread();
  __asm__ volatile("" : "+r"(t));
  return t;
}

typedef struct many_item {
  int expert, count; // negative: rows of zeros; pairs
  int block, lists;  // of rows; which of two
} many_item;

// ---- shared memory: the ring, results, two sets of lists ----

INLINE SHARED char *many_at(int bytes) { return (SHARED char *)block_shared() + bytes; }
INLINE SHARED char *many_x(expert_format f, int stage) { return many_at(stage * many_most(f) * WIDE_LINE); }
INLINE SHARED char *many_w(expert_format f, int stage) {
  return many_x(f, many_stages(f)) + stage * MANY_STRIPS * many_strip_bytes(f);
}
// Scales of strips beside MXFP4, of columns beside FP8 by groups.
INLINE SHARED char *many_scales(expert_format f, int stage) {
  return many_w(f, many_stages(f)) + stage * MANY_ROWS * 2;
}
INLINE SHARED uint32_t *many_results(expert_format f, int c) {
  return (SHARED uint32_t *)many_scales(f, many_stages(f)) + c * MANY_PITCH;
}
// Of each column: where its row of x is, which row that is, which pair it is.
INLINE SHARED uint64_t *many_place(expert_format f, const many_item *t) {
  return (SHARED uint64_t *)many_results(f, many_most(f)) + t->lists * many_most(f) * 2;
}
INLINE SHARED int32_t *many_line(expert_format f, const many_item *t) {
  return (SHARED int32_t *)(many_place(f, t) + many_most(f));
}
INLINE SHARED int32_t *many_pair(expert_format f, const many_item *t) {
  return many_line(f, t) + many_most(f);
}

// ---- strips: where gates and ups are apart, those of gates first ----

typedef struct many_strip {
  int matrix, at; // of w[matrix]
} many_strip;
INLINE many_strip many_strip_of(const nf_gpu_experts *a, const many_item *t, int i) {
  const int each = MANY_STRIPS / a->strips;
  return (many_strip){i / each, t->block * each + i % each};
}
INLINE bool many_is_there(const nf_gpu_experts *a, const many_strip *s) { return s->at * 32 < a->rows; }

// The lane's two rows of the block, neighbours of a strip.
INLINE int many_row(int thread) { return thread / 64 * 32 + thread % 32 / 4 * 4 + thread / 32 % 2 * 2; }

// ---- copies ----

// Where a lane's packs of a step come from: of rows of x, of strips, and of MXFP4 of strips' scales. Of FP8
// by groups it has the scale of a column in a register for a step.
enum {
  MANY_MOST_PACKS = 4096 / 16 * MANY_STRIPS / MANY_THREADS,
  MANY_MOST_LINES = MANY_MOST_COLS / MANY_LINES
};
INLINE int many_packs(expert_format f) { return many_strip_bytes(f) / 16 * MANY_STRIPS / MANY_THREADS; }
typedef struct many_lane {
  const char *x[MANY_MOST_LINES], *w[MANY_MOST_PACKS], *scales;
  float scale;
} many_lane;

INLINE many_strip many_strip_there(const nf_gpu_experts *a, const many_item *t, int i) { // or the last
  many_strip s = many_strip_of(a, t, i);
  if (!many_is_there(a, &s)) s.at = (a->rows - 1) / 32;
  return s;
}

// At step `step`.
INLINE many_lane many_lane_of(const nf_gpu_experts *a, expert_format f, const many_item *t, int step) {
  many_lane l = {0};
  const int thread = many_thread(), chunks = many_strip_bytes(f) / 16;
  UNROLL for (int i = 0; i < many_most(f) / MANY_LINES; i++) l.x[i] =
      (const char *)(uintptr_t)shared_get(many_place(f, t) + thread / 8 + i * MANY_LINES) + step * WIDE_LINE +
      thread % 8 * 16;
  UNROLL for (int i = 0; i < many_packs(f); i++) {
    const int chunk = thread + i * MANY_THREADS;
    const many_strip s = many_strip_there(a, t, chunk / chunks);
    l.w[i] = (const char *)a->w[s.matrix] + t->expert * a->w_expert + s.at * a->w_strip +
             step * many_strip_bytes(f) + chunk % chunks * 16;
  }
  if (f == EXPERT_MXFP4 && thread < 4 * MANY_STRIPS) {
    const many_strip s = many_strip_there(a, t, thread / 4);
    l.scales = (const char *)a->scale[s.matrix] + t->expert * a->scale_expert + (int64_t)s.at * 8 * a->words +
               step * 64 + thread % 4 * 16;
  }
  return l;
}

// Packs of a line of 32 words change places so that lanes that read at once meet in few banks.
INLINE int many_turned(int chunk) { return chunk ^ chunk / 8 % 4 * 2; }

// The lane's next step, to stage `stage`.
INLINE void many_copy(expert_format f, int cols, int stage, many_lane *l) {
  const int thread = lane_thread(), line = thread / 8;
  UNROLL for (int i = 0; i < many_most(f) / MANY_LINES; i++) {
    if (line + i * MANY_LINES < cols)
      lane_copy_async16(many_x(f, stage) + wide_place(line, thread % 8) * 16 + i * MANY_LINES * WIDE_LINE,
                        l->x[i], true);
    l->x[i] += WIDE_LINE;
  }
  UNROLL for (int i = 0; i < many_packs(f); i++) {
    lane_copy_async16(many_w(f, stage) + many_turned(thread) * 16 + i * MANY_THREADS * 16, l->w[i], true);
    l->w[i] += many_strip_bytes(f);
  }
  if (f != EXPERT_MXFP4) return;
  if (thread < 4 * MANY_STRIPS) lane_copy_async16(many_scales(f, stage) + thread * 16, l->scales, true);
  l->scales += 64;
}

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

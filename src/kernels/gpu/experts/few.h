// SPDX-License-Identifier: Apache-2.0
// Products with experts that few pairs have chosen, where reading weights is all: blocks stay, and each goes
// through a run of units, a strip of 32 rows or a gate's and an up's. Its waves have steps of 2 KB of the
// strip by turns, and copies of the next ones always on their way, those of the next unit too. The pairs that
// chose the expert are the columns of products; their rows of x are in shared memory while the expert stays
// the same.
#pragma once
#include "kernels/gpu/experts/tile.h"

enum { FEW_MOST_COLUMNS = 2 }; // in tiles
enum { FEW_STEP = NF_GPU_EXPERTS_STEP, FEW_SCALES = FEW_STEP / 16, FEW_DEPTH = NF_GPU_EXPERTS_DEPTH };
enum { FEW_COPIES = FEW_STEP / 16 / LANES, FEW_WORDS = 4 }; // of a lane, of a row

// ---- whose are a step's bytes: word w of a strip's rows is at byte 128 w, chunk c has words 4 c to 4 c + 3
// ----

#if LANES == 32
// A lane copies what it multiplies: word j of four rows, by which a wave's 16 bytes lie side by side.
INLINE int few_from(int j) { return lane_id() % 4 * 512 + j * 128 + lane_id() / 4 * 16; }
INLINE int few_word(int j) { return (void)j, lane_id() % 4 * FEW_WORDS; }
typedef u32x4 few_rows;
INLINE int few_at(int j) { return j * 512 + lane_id() * 16; }
#else
INLINE int few_from(int j) { return j * 1024 + lane_id() * 16; }
INLINE int few_word(int j) { return j * 8 + lane_id() / 8; }
typedef u32x2 few_rows;
INLINE int few_at(int j) { return (tile_chunk() * FEW_WORDS + j) * 128 + tile_row(0) * 8; }
#endif

// Packs of 16 bytes of x beside a lane's 4 words, and where the pack's place is in a kept row: lanes of a
// wave read neighbours.
INLINE int few_packs(expert_format f) { return f == EXPERT_MXFP4 ? 4 : 1; }
INLINE int few_place(expert_format f, int pack) {
  return f == EXPERT_MXFP4 ? pack / 16 * 16 + pack % 4 * 4 + pack / 4 % 4 : pack;
}

// ---- weights on their way ----

// Where the next step to be copied is: addresses are the lane's own.
typedef struct few_cursor {
  int item, tile, unit, step, expert;
  const char *w, *scales;
} few_cursor;

typedef struct few_state {
  nf_gpu_experts_tile tile; // of the sums
  few_cursor next;
  int end, slot;               // of items; of the ring, in bytes
  int steps, first, by, strip; // of a strip; the wave's, and of which strip
  SHARED char *ring;           // the wave's
  const SHARED char *x[FEW_MOST_COLUMNS];
  f32x4 sum[2][FEW_MOST_COLUMNS], part[2][FEW_MOST_COLUMNS]; // part: of a group of 128 of k, before its scale
} few_state;

enum { FEW_SLOT = FEW_STEP + FEW_SCALES, FEW_RING = FEW_DEPTH * FEW_SLOT };

// Words of a row that are left for the lane's copies; none for a unit that has no weights.
INLINE void few_copy(const nf_gpu_experts *a, expert_format f, few_state *s, int slot) {
  const few_cursor *c = &s->next;
  SHARED char *to = s->ring + slot;
  const int words = c->w != NULL ? a->words - c->step * 16 : 0;
  UNROLL for (int j = 0; j < FEW_COPIES; j++)
      lane_copy_async16((SHARED u32x4 *)(to + (LANES == 32 ? few_at(j) : few_from(j))),
                        c->w + (LANES == 32 ? j * 128 : j * 1024), few_word(j) < words);
  if (f == EXPERT_MXFP4 && lane_id() < FEW_SCALES / 16) // 32 bytes beside 4 words
    lane_copy_async16((SHARED u32x4 *)(to + FEW_STEP + lane_id() * 16), c->scales, lane_id() / 2 * 4 < words);
  lane_copy_commit();
}

// The unit's addresses.
INLINE void few_aim(const nf_gpu_experts *a, few_state *s) {
  few_cursor *c = &s->next;
  c->w = NULL;
  if (c->item >= s->end || c->expert < 0 || c->unit * 32 >= a->rows) return;
  const int64_t strip = (int64_t)c->unit * a->w_strip;
  c->w = (const char *)a->w[s->strip] + c->expert * a->w_expert + strip + (int64_t)c->step * FEW_STEP +
         few_from(0);
  c->scales = (const char *)a->scale[s->strip] + c->expert * a->scale_expert + strip / 16 +
              (int64_t)c->step * FEW_SCALES + lane_id() * 16;
}

INLINE void few_advance(const nf_gpu_experts *a, few_state *s) {
  few_cursor *c = &s->next;
  c->step += s->by;
  if (c->step < s->steps + s->first) { // all waves have as many
    if (c->w != NULL) c->w += s->by * FEW_STEP, c->scales += s->by * FEW_SCALES;
    return;
  }
  c->step = s->first, c->item++;
  if (++c->unit == a->units && c->item < s->end) c->unit = 0, c->expert = expert_tile(a, ++c->tile).expert;
  few_aim(a, s);
}

// ---- products ----

// The pack of x beside word j of a lane's words, of a step.
INLINE u32x4 few_x(const nf_gpu_experts *a, expert_format f, const few_state *s, int c, int step, int j) {
  if (a->x_at != 0) return shared_get((const SHARED u32x4 *)(s->x[c] + step * 64 * few_packs(f) + j * 64));
  if (step * 16 + tile_chunk() * FEW_WORDS >= a->words) return (u32x4){0};
  const char *row = row_of(&a->x, expert_pair(&s->tile, c * TILE_COLS + tile_col()) / a->share);
  return lane_load16(row + (int64_t)((step * 4 + tile_chunk()) * few_packs(f) + j) * 16);
}

INLINE tile_b few_b(expert_format f, u32x4 x, int p) {
  return tile_b_of(f == EXPERT_FP8 ? part_fp8(x, p) : part_bf16(x, p));
}

// Word j of a lane's rows as what a product takes: MXFP4's are of two products, FP8's of one, bf16's with the
// next ones of one.
typedef struct few_factors {
  tile_a a[2][2]; // [half][product]
} few_factors;

INLINE few_factors few_mxfp4(few_rows w, const uint32_t factor[EXPERT_ROWS], uint32_t scales, bool beyond) {
  few_factors to;
  uint32_t n[EXPERT_ROWS][4];
  UNROLL for (int r = 0; r < EXPERT_ROWS; r++) mxfp4_pairs(w[r], factor[r], n[r]);
  if (beyond)
    UNROLL for (int r = 0; r < EXPERT_ROWS; r++) UNROLL for (int k = 0; k < 4; k++) n[r][k] =
        mxfp4_beyond(n[r][k], scales >> 8 * r & 0xff);
  UNROLL for (int r = 0; r < EXPERT_ROWS; r++) UNROLL for (int p = 0; p < 2; p++)
      tile_a_put(&to.a[r / TILE_ROWS][p], r % TILE_ROWS, (u32x2){n[r][2 * p], n[r][2 * p + 1]});
  return to;
}

INLINE few_factors few_others(expert_format f, few_rows w, few_rows next) {
  few_factors to;
  UNROLL for (int r = 0; r < EXPERT_ROWS; r++) {
    const u32x2 fp8 = {e4m3x2_to_f16x2((uint16_t)w[r]), e4m3x2_to_f16x2((uint16_t)(w[r] >> 16))};
    tile_a_put(&to.a[r / TILE_ROWS][0], r % TILE_ROWS, f == EXPERT_FP8 ? fp8 : (u32x2){w[r], next[r]});
  }
  return to;
}

INLINE void few_multiply(const nf_gpu_experts *a, expert_format f, int columns, const SHARED char *from,
                         few_state *s, int step) {
  uint32_t scales = 0, factor[EXPERT_ROWS];
  if (f == EXPERT_MXFP4) {
    const SHARED char *at = from + FEW_STEP + tile_chunk() * 32 + tile_row(0) * EXPERT_ROWS;
    scales = LANES == 32 ? shared_get((const SHARED uint32_t *)at) : shared_get((const SHARED uint16_t *)at);
  }
  UNROLL for (int r = 0; r < EXPERT_ROWS; r++) factor[r] = mxfp4_factor(scales >> 8 * r);
  const bool beyond = f == EXPERT_MXFP4 && lane_ballot((scales & 0x80808080u) != 0) != 0;
  const int each = f == EXPERT_MXFP4 ? 2 : 1, by = f == EXPERT_BF16 ? 2 : 1;
  u32x4 x[FEW_MOST_COLUMNS];
  UNROLL for (int j = 0; j < FEW_WORDS; j += by) {
    if (f == EXPERT_MXFP4 || j == 0)
      UNROLL for (int c = 0; c < columns; c++) x[c] = few_x(a, f, s, c, step, j);
    const few_rows w = shared_get((const SHARED few_rows *)(from + few_at(j)));
    const few_factors to =
        f == EXPERT_MXFP4 ? few_mxfp4(w, factor, scales, beyond)
        : f == EXPERT_FP8 ? few_others(f, w, w)
                          : few_others(f, w, shared_get((const SHARED few_rows *)(from + few_at(j + 1))));
    UNROLL for (int h = 0; h < 2; h++) UNROLL for (int p = 0; p < each; p++)
        UNROLL for (int c = 0; c < columns; c++) {
      const tile_b b = few_b(f, x[c], f == EXPERT_MXFP4 ? p : j / by);
      s->part[h][c] = f == EXPERT_FP8 ? tile_mma_f16(to.a[h][p], b, s->part[h][c])
                                      : tile_mma_bf16(to.a[h][p], b, s->part[h][c]);
    }
  }
}

// Scales of FP8 groups of 128, of both factors, for the sums of a lane.
typedef struct few_scales {
  float of[FEW_MOST_COLUMNS][4];
} few_scales;
INLINE few_scales few_scales_of(const nf_gpu_experts *a, int columns, const few_state *s, int unit,
                                int step) {
  few_scales v = {0};
  const int group = step / 2;
  if (s->tile.expert < 0 || group >= a->x_groups || unit * 32 >= a->rows) return v;
  const float *w =
      (const float *)a->scale[s->strip] + s->tile.expert * a->scale_expert + unit / 4 * a->scale_row;
  UNROLL for (int c = 0; c < columns; c++) UNROLL for (int i = 0; i < 4; i++) {
    const int pair = expert_pair(&s->tile, c * TILE_COLS + tile_sum_col(i));
    v.of[c][i] = w[group] * a->x_scale[(int64_t)(pair / a->share) * a->x_groups + group];
  }
  return v;
}

INLINE void few_step(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, int unit,
                     int step) {
  const bool groups = f == EXPERT_FP8 && a->x_groups != 0, mine = step < s->steps;
  const few_scales by = groups && mine ? few_scales_of(a, columns, s, unit, step) : (few_scales){0};
  const SHARED char *from = s->ring + s->slot;
  lane_copy_wait(FEW_DEPTH - 2);
  lane_sync();
  few_copy(a, f, s, s->slot == 0 ? FEW_RING - FEW_SLOT : s->slot - FEW_SLOT);
  few_advance(a, s);
  s->slot = s->slot == FEW_RING - FEW_SLOT ? 0 : s->slot + FEW_SLOT;
  if (!mine) return;
  few_multiply(a, f, columns, from, s, step);
  if (!groups) return;
  UNROLL for (int h = 0; h < 2; h++) UNROLL for (int c = 0; c < columns; c++) {
    UNROLL for (int i = 0; i < 4; i++) s->sum[h][c][i] += s->part[h][c][i] * by.of[c][i];
    s->part[h][c] = (f32x4){0};
  }
}

// ---- rows of x that are kept ----

// All lanes: the pairs of a tile, and their rows.
INLINE void few_keep(const nf_gpu_experts *a, expert_format f, int columns, few_state *s) {
  const nf_gpu_experts_tile *t = &s->tile;
  const int packs = s->steps * 4 * few_packs(f), there = a->words * few_packs(f) / 4;
  SHARED u32x4 *kept = (SHARED u32x4 *)((SHARED char *)block_shared() + a->x_at);
  block_sync(); // everybody is done with the tile before
  expert_take(a, t);
  block_sync();
  for (int i = lane_thread(); a->x_at && i < t->count * packs; i += lane_threads()) {
    const int column = i / packs, pack = i % packs;
    const char *row = row_of(&a->x, expert_pair(t, column) / a->share);
    lane_copy_async16(kept + column * a->x_pitch + few_place(f, pack), row + (int64_t)pack * 16,
                      pack < there);
  }
  lane_copy_commit();
  lane_copy_wait(0);
  UNROLL for (int c = 0; c < columns; c++) {
    const int column = c * TILE_COLS + tile_col(), last = t->count - 1;
    s->x[c] = (const SHARED char *)(kept + (column < last ? column : last) * a->x_pitch + tile_chunk());
  }
  block_sync();
}

// ---- results ----

// Sums of the block's waves: [waves][columns][NF_GPU_EXPERTS_SUMS].
INLINE SHARED float *few_sums(const nf_gpu_experts *a) {
  return (SHARED float *)((SHARED char *)block_shared() + a->sums_at);
}

INLINE void few_put(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, SHARED float *sums) {
  SHARED float *to = sums + lane_wave() * columns * TILE_COLS * NF_GPU_EXPERTS_SUMS;
  UNROLL for (int h = 0; h < 2; h++) UNROLL for (int c = 0; c < columns; c++) {
    const f32x4 v = f == EXPERT_FP8 && a->x_groups != 0 ? s->sum[h][c] : s->part[h][c];
    UNROLL for (int i = 0; i < 4; i++) {
      const int column = c * TILE_COLS + tile_sum_col(i);
      if (column < s->tile.count)
        shared_put(to + column * NF_GPU_EXPERTS_SUMS + expert_row(h, tile_sum_row(i)), v[i]);
    }
    s->sum[h][c] = s->part[h][c] = (f32x4){0};
  }
}

INLINE float few_sum(const nf_gpu_experts *a, int columns, const SHARED float *sums, int column, int r,
                     int second) {
  const int strip = a->strips == 2 ? second : 0;
  float sum = 0;
  for (int w = strip; w < lane_waves(); w += a->strips)
    sum += shared_get(sums + (w * columns * TILE_COLS + column) * NF_GPU_EXPERTS_SUMS +
                      expert_row_of(a, r, second));
  return sum;
}

INLINE void few_finish(const nf_gpu_experts *a, expert_format f, int columns, const nf_gpu_experts_tile *t,
                       int unit, const expert_rest *e, const SHARED float *sums) {
  const int each = expert_columns(a), r = lane_thread() % each, column = unit * each + r;
  for (int i = lane_thread() / each; i < t->count; i += lane_threads() / each) {
    const int pair = expert_pair(t, i);
    const float x_scale = f == EXPERT_FP8 && a->x_groups == 0 ? a->x_scale[pair / a->share] : 1;
    float v[2] = {0, 0};
    UNROLL for (int k = 0; k < 2; k++) if (k == 0 || a->then != NF_GPU_THEN_NOTHING) {
      v[k] = few_sum(a, columns, sums, i, r, k);
      if (f == EXPERT_FP8) v[k] = v[k] * x_scale * e->scale[k];
      v[k] += e->bias[k];
    }
    if (a->then != NF_GPU_THEN_NOTHING) v[0] = expert_activation(a, v[0], v[1]);
    if (column < a->padded)
      number_put(row_of(&a->y, pair), column, a->y_f32,
                 t->expert < 0 || unit * 32 + expert_row_of(a, r, 0) >= a->rows ? 0 : v[0]);
  }
}

// ---- a block ----

// Blocks have runs of all tiles' units.
INLINE void few_begin(const nf_gpu_experts *a, int tiles, few_state *s) {
  const int items = tiles * a->units, each = items / lane_blocks(), more = items % lane_blocks();
  const int first = each * lane_block() + (lane_block() < more ? lane_block() : more),
            tile = first / a->units;
  s->end = first + each + (lane_block() < more);
  s->steps = (a->words + 15) / 16;
  s->strip = lane_wave() % a->strips, s->by = lane_waves() / a->strips, s->first = lane_wave() / a->strips;
  s->ring = (SHARED char *)block_shared() + a->ring_at + lane_wave() * FEW_RING;
  s->next = (few_cursor){first, tile, first - tile * a->units, s->first, -1, NULL, NULL};
  if (first < s->end) s->next.expert = expert_tile(a, tile).expert;
  few_aim(a, s);
}

// columns: tiles of them.
INLINE void experts_few(const nf_gpu_experts *a, expert_format f, int columns) {
  few_state s = {0};
  if (!a->ids_before) lane_wait();
  few_begin(a, expert_tiles(a, columns * TILE_COLS), &s);
  int tile = s.next.tile - 1, unit = a->units, next = s.next.unit;
  const int items = s.end - s.next.item;
  for (int slot = 0; slot < FEW_RING - FEW_SLOT; slot += FEW_SLOT) {
    few_copy(a, f, &s, slot);
    few_advance(a, &s);
  }
  if (a->ids_before) lane_wait();
  lane_release();
  for (int item = 0; item < items; item++) {
    if (++unit >= a->units) {
      s.tile = expert_tile(a, ++tile), unit = next, next = 0;
      few_keep(a, f, columns, &s);
    }
    const expert_rest rest = expert_rest_of(a, f, s.tile.expert, unit, lane_thread() % expert_columns(a));
    for (int step = s.first; step < s.steps + s.first; step += s.by) few_step(a, f, columns, &s, unit, step);
    SHARED float *sums = few_sums(a);
    block_sync(); // those of the unit before have been read
    few_put(a, f, columns, &s, sums);
    block_sync();
    few_finish(a, f, columns, &s.tile, unit, &rest, sums);
  }
}

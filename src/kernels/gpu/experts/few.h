// SPDX-License-Identifier: Apache-2.0
// Products with experts that few pairs have chosen, where reading weights is all: blocks stay, and each goes
// through a run of units, a strip of 32 rows or a gate's and an up's. Its waves have steps of 2 KB of the
// strip by turns, or where there are many units each its own, and copies of the next ones always on their
// way, those of the next unit too. The pairs that chose the expert are the columns of products; their rows of
// x are in shared memory while the expert stays the same.
#pragma once
#include "kernels/gpu/experts/tile.h"

enum { FEW_MOST_COLUMNS = 2, FEW_MOST_WAVES = NF_GPU_EXPERTS_THREADS_2 / LANES }; // columns: in tiles
enum { FEW_STEP = NF_GPU_EXPERTS_STEP, FEW_SCALES = FEW_STEP / 16 };
enum { FEW_COPIES = FEW_STEP / 16 / LANES, FEW_WORDS = 4 }; // of a lane, of a row

// ---- a step: word w of a strip's rows is at byte 128 w. Chunk c multiplies words 4 c to 4 c + 3, of MXFP4
// words c, c + 4, c + 8 and c + 12, so that a product's four words of a row are those of one block of 32 ----

// Each 8 lanes copy 128 bytes that lie together: where a lane copied what it multiplies, 32 bytes of each of
// four lines by 8 lanes, experts of 32 tokens took 534 µs instead of 380 (H200, 2026-11-29). In shared memory
// the packs of 16 bytes of a line are swapped by chunk, so that lanes read them from banks of their own.
INLINE int few_from(int copy) { return (copy * LANES + lane_id()) * 16; }
INLINE int few_word(int copy) { return copy * (LANES / 8) + lane_id() / 8; }
INLINE int few_to(expert_format f, int copy) {
  const int line = few_word(copy), pack = lane_id() % 8;
  return line * 128 + (pack ^ (f == EXPERT_MXFP4 ? line % FEW_WORDS : line / FEW_WORDS) * 2) * 16;
}
#if LANES == 32
typedef u32x4 few_rows;
#else
typedef u32x2 few_rows;
#endif
INLINE few_rows few_words(expert_format f, const SHARED char *from, int j) { // those of the lane's word j
  const int chunk = tile_chunk(), at = tile_row(0) * (int)sizeof(few_rows);
  const int line = f == EXPERT_MXFP4 ? j * FEW_WORDS + chunk : chunk * FEW_WORDS + j;
  return shared_get((const SHARED few_rows *)(from + line * 128 + ((at / 16) ^ (chunk * 2)) * 16 + at % 16));
}

// Packs of 16 bytes of x beside a lane's 4 words: lanes of a wave read neighbours.
INLINE int few_packs(expert_format f) { return f == EXPERT_MXFP4 ? 4 : 1; }

// ---- weights on their way ----

// Where the next step to be copied is: addresses are the lane's own.
typedef struct few_cursor {
  int tile, unit, end, strip, step, expert; // end: of the run's units of the tile
  const char *w, *scales;
} few_cursor;

typedef struct few_state {
  nf_gpu_experts_tile tile; // of the sums
  few_cursor next;
  int rounds;    // of a tile: each wave has a unit, or all have one
  int run, last; // of the block's rounds, counted over all tiles: the first, and where they end
  int last_tile;
  int slot;             // of the ring, in bytes
  int steps, first, by; // of a strip; the wave's
  SHARED char *ring;    // the wave's
  const SHARED char *x[FEW_MOST_COLUMNS];
  const float *x_scale[FEW_MOST_COLUMNS][TILE_SUM_COLS];     // FP8 by groups: of the lane's sums
  f32x4 sum[2][FEW_MOST_COLUMNS], part[2][FEW_MOST_COLUMNS]; // part: of a group of 128 of k, before its scale
} few_state;

// Whether each wave has units of its own: AMD's scalar registers do not suffice for that.
INLINE bool few_own(const nf_gpu_experts *a) { return LANES == 32 && a->own; }
INLINE int few_unit(const nf_gpu_experts *a) { return few_own(a) ? lane_wave() : 0; }
INLINE int few_units(const nf_gpu_experts *a) { return few_own(a) ? lane_waves() : 1; }
// The run's units of a tile.
INLINE int few_lowest(const nf_gpu_experts *a, const few_state *s, int tile) {
  return s->run > tile * s->rounds ? (s->run - tile * s->rounds) * few_units(a) : 0;
}
INLINE int few_highest(const nf_gpu_experts *a, const few_state *s, int tile) {
  const int end = (s->last - tile * s->rounds) * few_units(a);
  return end < a->units ? end : a->units;
}

enum { FEW_SLOT = FEW_STEP + FEW_SCALES };
// Of a ring, in steps: a constant where it is used.
#define FEW_DEPTH(f)                              \
  (LANES == 64         ? NF_GPU_EXPERTS_DEPTH_64  \
   : (f) == EXPERT_FP8 ? NF_GPU_EXPERTS_DEPTH_FP8 \
                       : NF_GPU_EXPERTS_DEPTH)
INLINE int few_ring(expert_format f) { return FEW_DEPTH(f) * FEW_SLOT; }

// Where there is nothing nothing is read, so any address will do.
INLINE const void *few_beyond(const char *w, int bytes) {
  return (const void *)((uintptr_t)w + (uintptr_t)bytes);
}

// Words of a row that are left for the lane's copies; none for a unit that has no weights.
INLINE void few_copy(const nf_gpu_experts *a, expert_format f, few_state *s, int slot) {
  const few_cursor *c = &s->next;
  SHARED char *to = s->ring + slot;
  const int words = c->w != NULL ? a->words - c->step * 16 : 0;
  UNROLL for (int j = 0; j < FEW_COPIES; j++) lane_copy_async16(
      (SHARED u32x4 *)(to + few_to(f, j)), few_beyond(c->w, j * LANES * 16), few_word(j) < words);
  if (f == EXPERT_MXFP4 && lane_id() < FEW_SCALES / 16) // 32 bytes beside 4 words
    lane_copy_async16((SHARED u32x4 *)(to + FEW_STEP + lane_id() * 16), c->scales, lane_id() / 2 * 4 < words);
  lane_copy_commit();
}

// The strip's addresses.
INLINE void few_aim(const nf_gpu_experts *a, expert_format f, few_state *s) {
  few_cursor *c = &s->next;
  c->w = NULL;
  if (c->unit >= c->end || c->expert < 0 || c->unit * 32 >= a->rows) return;
  const int64_t strip = (int64_t)c->unit * a->w_strip;
  c->w = (const char *)a->w[c->strip] + c->expert * a->w_expert + strip + (int64_t)c->step * FEW_STEP +
         few_from(0);
  if (f == EXPERT_MXFP4)
    c->scales = (const char *)a->scale[c->strip] + c->expert * a->scale_expert + strip / 16 +
                (int64_t)c->step * FEW_SCALES + lane_id() * 16;
}

// To the wave's next unit, which may be of a later tile.
INLINE void few_turn(const nf_gpu_experts *a, few_state *s) {
  few_cursor *c = &s->next;
  while (c->unit >= c->end && c->tile < s->last_tile) {
    c->tile++, c->unit = few_lowest(a, s, c->tile) + few_unit(a), c->end = few_highest(a, s, c->tile);
    c->expert = expert_tile(a, c->tile).expert;
  }
}

INLINE void few_advance(const nf_gpu_experts *a, expert_format f, few_state *s) {
  few_cursor *c = &s->next;
  c->step += s->by;
  if (c->step < s->steps + s->first) { // all waves have as many
    if (c->w != NULL) c->w += s->by * FEW_STEP;
    if (f == EXPERT_MXFP4 && c->w != NULL) c->scales += s->by * FEW_SCALES;
    return;
  }
  c->step = s->first;
  if (few_own(a) && a->strips == 2) c->strip ^= 1;
  if (!few_own(a) || c->strip == 0 || a->strips == 1) {
    c->unit += few_units(a);
    few_turn(a, s);
  }
  few_aim(a, f, s);
}

// ---- MXFP4: a product's four words of a row are those of one block, whose scale comes to the sum ----

// Codes are multiplied as they are, times 2^-126, and x times 2^63 (from 2^65 on infinite), so that sums
// keep their bits: one token of gpt-oss-120b took 33.8 µs with scaled numbers, 22.3 so (H200, 2026-11-29). A
// scale of 2^-127 counts as 0.
INLINE u32x4 few_raised(u32x4 x) {
  UNROLL for (int i = 0; i < 4; i++) x[i] = bf16x2_times(x[i], 0x5f005f00u);
  return x;
}

// Scales of the rows that a lane has sums of, neighbours: bytes.
#if LANES == 32
typedef uint32_t few_powers;
INLINE float few_power(few_powers s, int h, int i) {
  const int k = 2 * h + i / 2;
  return lane_as_f32((k == 3 ? s >> 1 : s << (23 - 8 * k)) & 0x7f800000u);
}
#else
typedef u32x2 few_powers;
INLINE float few_power(few_powers s, int h, int i) {
  return lane_as_f32((s[i / 2] >> (8 * (i % 2 * 2 + h)) & 0xff) << 23);
}
#endif
INLINE few_powers few_powers_of(const SHARED char *from, int j) {
  return shared_get((const SHARED few_powers *)(from + FEW_STEP + j * 32 + expert_row(0, tile_sum_row(0))));
}

// Of a lane's four sums those at multiples of `by` are wanted.
INLINE void few_mxfp4(int columns, int by, few_rows w, few_powers powers, const u32x4 *x, few_state *s) {
  UNROLL for (int h = 0; h < 2; h++) {
    tile_a t[2];
    UNROLL for (int r = 0; r < TILE_ROWS; r++) {
      uint32_t n[4];
      mxfp4_codes(w[h * TILE_ROWS + r], n);
      UNROLL for (int p = 0; p < 2; p++) tile_a_put(&t[p], r, (u32x2){n[2 * p], n[2 * p + 1]});
    }
    UNROLL for (int c = 0; c < columns; c++) {
      f32x4 part = {0};
      UNROLL for (int p = 0; p < 2; p++) part = tile_mma_bf16(t[p], tile_b_of(part_bf16(x[c], p)), part);
      UNROLL for (int i = 0; i < 4; i += by) s->sum[h][c][i] += part[i] * few_power(powers, h, i);
    }
  }
}

// ---- products ----

// The pack of x beside word j of a lane's words, of a step. A kernel for one tile of columns has them kept.
INLINE u32x4 few_x(const nf_gpu_experts *a, expert_format f, int columns, const few_state *s, int c, int step,
                   int j) {
  if (columns == 1 || a->x_at != 0)
    return shared_get((const SHARED u32x4 *)(s->x[c] + step * 64 * few_packs(f) + j * 64));
  const bool mxfp4 = f == EXPERT_MXFP4;
  const int word = step * 16 + (mxfp4 ? j * FEW_WORDS + tile_chunk() : tile_chunk() * FEW_WORDS);
  if (word >= a->words) return (u32x4){0};
  const char *row = row_of(&a->x, expert_pair(&s->tile, c * TILE_COLS + tile_col()) / a->share);
  const u32x4 x = lane_load16(row + (int64_t)(mxfp4 ? word : word / FEW_WORDS) * 16);
  return mxfp4 ? few_raised(x) : x;
}

// Word j of a step with what is beside it; loaded while the word before is multiplied.
typedef struct few_pieces {
  few_rows w;
  few_powers powers;
  u32x4 x[FEW_MOST_COLUMNS];
} few_pieces;
INLINE void few_load(const nf_gpu_experts *a, expert_format f, int columns, const SHARED char *from,
                     const few_state *s, int step, int j, few_pieces *to) {
  to->w = few_words(f, from, j);
  if (f == EXPERT_MXFP4) to->powers = few_powers_of(from, j);
  if (f == EXPERT_MXFP4 || j == 0)
    UNROLL for (int c = 0; c < columns; c++) to->x[c] = few_x(a, f, columns, s, c, step, j);
}

// The lane's rows of half h of a product: a word of FP8, or of bf16 with the next one.
INLINE tile_a few_a(expert_format f, int h, few_rows w, few_rows next) {
  tile_a to;
  UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const int r = h * TILE_ROWS + i;
    const u32x2 fp8 = {e4m3x2_to_f16x2((uint16_t)w[r]), e4m3x2_to_f16x2((uint16_t)(w[r] >> 16))};
    tile_a_put(&to, i, f == EXPERT_FP8 ? fp8 : (u32x2){w[r], next[r]});
  }
  return to;
}
INLINE void few_others(expert_format f, int columns, int j, const few_pieces *now, few_rows next,
                       few_state *s) {
  if (f == EXPERT_BF16 && j % 2 == 1) return;
  UNROLL for (int h = 0; h < 2; h++) {
    const tile_a to = few_a(f, h, now->w, next);
    UNROLL for (int c = 0; c < columns; c++) s->part[h][c] =
        f == EXPERT_FP8 ? tile_mma_f16(to, tile_b_of(part_fp8(now->x[c], j)), s->part[h][c])
                        : tile_mma_bf16(to, tile_b_of(part_bf16(now->x[c], j / 2)), s->part[h][c]);
  }
}

// For MXFP4, which has no registers to spare, words are loaded behind the products before.
INLINE void few_multiply(const nf_gpu_experts *a, expert_format f, int columns, const SHARED char *from,
                         few_state *s, int step) {
  few_pieces now, next;
  few_load(a, f, columns, from, s, step, 0, &now);
  UNROLL for (int j = 0; j < FEW_WORDS; j++) {
    next = now; // FP8's and bf16's packs are of all words
    if (f == EXPERT_MXFP4) few_mxfp4(columns, 1, now.w, now.powers, now.x, s);
    if (j + 1 < FEW_WORDS) few_load(a, f, columns, from, s, step, j + 1, &next);
    if (f != EXPERT_MXFP4) few_others(f, columns, j, &now, next.w, s);
    now = next;
  }
}

// FP8's by groups: a strip's scales, of blocks of 128 x 128, and those of both factors for a step's sums.
typedef struct few_scales {
  float by[FEW_MOST_COLUMNS][TILE_SUM_COLS];
} few_scales;
INLINE bool few_groups(const nf_gpu_experts *a, expert_format f) {
  return f == EXPERT_FP8 && a->x_groups != 0;
}
INLINE const float *few_scale(const nf_gpu_experts *a, expert_format f, const few_state *s, int unit,
                              int strip) {
  if (!few_groups(a, f) || s->tile.expert < 0 || unit * 32 >= a->rows) return NULL;
  return (const float *)a->scale[strip] + s->tile.expert * a->scale_expert + unit / 4 * a->scale_row;
}
INLINE few_scales few_scales_of(const nf_gpu_experts *a, expert_format f, int columns, const few_state *s,
                                const float *scale, int step) {
  few_scales to = {0};
  if (few_groups(a, f) && step < s->steps && scale != NULL)
    UNROLL for (int c = 0; c < columns; c++) UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) to.by[c][i] =
        scale[step / 2] * s->x_scale[c][i][step / 2];
  return to;
}
INLINE void few_add(const nf_gpu_experts *a, expert_format f, int columns, few_state *s,
                    const few_scales *to) {
  if (!few_groups(a, f)) return;
  UNROLL for (int h = 0; h < 2; h++) UNROLL for (int c = 0; c < columns; c++) {
    UNROLL for (int i = 0; i < 4; i++) s->sum[h][c][i] += s->part[h][c][i] * to->by[c][i % TILE_SUM_COLS];
    s->part[h][c] = (f32x4){0};
  }
}

INLINE void few_step(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, const float *scale,
                     int step) {
  const SHARED char *from = s->ring + s->slot;
  const few_scales by = few_scales_of(a, f, columns, s, scale, step);
  if (f == EXPERT_FP8) // a constant
    lane_copy_wait(FEW_DEPTH(EXPERT_FP8) - 2);
  else
    lane_copy_wait(FEW_DEPTH(EXPERT_BF16) - 2);
  lane_sync();
  few_copy(a, f, s, s->slot == 0 ? few_ring(f) - FEW_SLOT : s->slot - FEW_SLOT);
  few_advance(a, f, s);
  s->slot = s->slot == few_ring(f) - FEW_SLOT ? 0 : s->slot + FEW_SLOT;
  if (step >= s->steps) return;
  few_multiply(a, f, columns, from, s, step);
  few_add(a, f, columns, s, &by);
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
    lane_copy_async16(kept + column * a->x_pitch + pack, row + (int64_t)pack * 16, pack < there);
  }
  lane_copy_commit();
  lane_copy_wait(0);
  for (int i = lane_thread(); f == EXPERT_MXFP4 && a->x_at && i < t->count * packs; i += lane_threads()) {
    SHARED u32x4 *x = kept + i / packs * a->x_pitch + i % packs; // of those that the lane has copied
    shared_put(x, few_raised(shared_get(x)));
  }
  UNROLL for (int c = 0; c < columns; c++) {
    const int column = c * TILE_COLS + tile_col(), last = t->count - 1;
    s->x[c] = (const SHARED char *)(kept + (column < last ? column : last) * a->x_pitch + tile_chunk());
    if (f == EXPERT_FP8 && a->x_groups != 0)
      UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) s->x_scale[c][i] =
          a->x_scale + (int64_t)(expert_pair(t, c * TILE_COLS + tile_sum_col(i)) / a->share) * a->x_groups;
  }
  block_sync();
}

// ---- results ----

// Sums of strips: rooms of [columns][NF_GPU_EXPERTS_SUMS]. A wave with units of its own has one for each
// strip of them; else each wave has two, in turns, so that one barrier does.
INLINE SHARED float *few_room(const nf_gpu_experts *a, int columns, int room) {
  return (SHARED float *)((SHARED char *)block_shared() + a->sums_at) +
         room * columns * TILE_COLS * NF_GPU_EXPERTS_SUMS;
}

INLINE void few_put(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, SHARED float *to) {
  UNROLL for (int h = 0; h < 2; h++) UNROLL for (int c = 0; c < columns; c++) {
    const f32x4 v = f == EXPERT_MXFP4                     ? s->sum[h][c] * 0x1p63f
                    : f == EXPERT_FP8 && a->x_groups != 0 ? s->sum[h][c]
                                                          : s->part[h][c];
    UNROLL for (int i = 0; i < 4; i++) {
      const int column = c * TILE_COLS + tile_sum_col(i);
      if (column < s->tile.count)
        shared_put(to + column * NF_GPU_EXPERTS_SUMS + expert_row(h, tile_sum_row(i)), v[i]);
    }
    s->sum[h][c] = s->part[h][c] = (f32x4){0};
  }
}

// What becomes of a unit's sums: those of its first strip in `parts` rooms from `room` on, `by` apart, those
// of the second each one behind.
typedef struct few_result {
  int unit, room, parts, by, lane, lanes;
} few_result;

INLINE void few_finish(const nf_gpu_experts *a, expert_format f, int columns, const nf_gpu_experts_tile *t,
                       const few_result *u, const expert_rest *e) {
  const int wide = expert_columns(a) == 32 ? 5 : 4, r = u->lane & ((1 << wide) - 1),
            column = (u->unit << wide) + r;
  if (column >= a->padded) return;
  for (int i = u->lane >> wide; i < t->count; i += u->lanes >> wide) {
    const int pair = expert_pair(t, i);
    float v[2] = {0, 0};
    UNROLL for (int k = 0; k < 2; k++) if (k == 0 || a->then != NF_GPU_THEN_NOTHING) {
      const int at = i * NF_GPU_EXPERTS_SUMS + expert_row_of(a, r, k);
      const SHARED float *sums = few_room(a, columns, u->room + (a->strips == 2 ? k : 0)) + at;
      const int by = u->by * columns * TILE_COLS * NF_GPU_EXPERTS_SUMS;
      UNROLL for (int w = 0; w < FEW_MOST_WAVES; w++) if (w < u->parts) v[k] += shared_get(sums + w * by);
      if (f == EXPERT_FP8 && a->x_groups == 0) v[k] = v[k] * a->x_scale[pair / a->share] * e->scale[k];
      v[k] += e->bias[k];
    }
    if (a->then != NF_GPU_THEN_NOTHING) v[0] = expert_activation(a, v[0], v[1]);
    if (t->expert < 0 || u->unit * 32 + expert_row_of(a, r, 0) >= a->rows) v[0] = 0;
    number_put(row_of(&a->y, pair), column, a->y_f32, v[0]);
  }
}

// ---- a unit ----

INLINE void few_sum(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, int unit, int strip,
                    SHARED float *to) {
  const float *scale = few_scale(a, f, s, unit, strip);
  for (int step = s->first; step < s->steps + s->first; step += s->by)
    few_step(a, f, columns, s, scale, step);
  few_put(a, f, columns, s, to);
}

// turn: 0 or 1, by turns. Sums in rooms of two turns are read before they are written again.
INLINE void few_do(const nf_gpu_experts *a, expert_format f, int columns, few_state *s, int unit, int turn) {
  const bool own = few_own(a);
  const int room = own ? lane_wave() * a->strips : turn * lane_waves();
  const few_result u = {unit,
                        room,
                        own ? 1 : lane_waves() / a->strips,
                        a->strips,
                        own ? lane_id() : lane_thread(),
                        own ? LANES : lane_threads()};
  expert_rest rest = {0};
  if (u.lane < expert_columns(a) * s->tile.count)
    rest = expert_rest_of(a, f, s->tile.expert, unit, u.lane & (expert_columns(a) - 1));
  if (own) lane_sync(); // as there is one room for both turns
  int strip = own ? 0 : lane_wave() % a->strips;
  do few_sum(a, f, columns, s, unit, strip, few_room(a, columns, room + (own ? strip : lane_wave())));
  while (own && ++strip < a->strips);
  if (own)
    lane_sync();
  else
    block_sync();
  few_finish(a, f, columns, &s->tile, &u, &rest);
}

// ---- a block ----

// Blocks have runs of all tiles' rounds.
INLINE void few_begin(const nf_gpu_experts *a, expert_format f, int tiles, few_state *s) {
  s->rounds = (a->units + few_units(a) - 1) / few_units(a);
  const int all = tiles * s->rounds, each = all / lane_blocks(), more = all % lane_blocks();
  s->run = each * lane_block() + (lane_block() < more ? lane_block() : more);
  s->last = s->run + each + (lane_block() < more);
  s->last_tile = s->last > s->run ? (s->last - 1) / s->rounds : -1;
  s->steps = (a->words + 15) / 16;
  s->by = few_own(a) ? 1 : lane_waves() / a->strips, s->first = few_own(a) ? 0 : lane_wave() / a->strips;
  s->ring = (SHARED char *)block_shared() + a->ring_at + lane_wave() * few_ring(f);
  s->next = (few_cursor){
      s->run / s->rounds - 1, 0, 0, few_own(a) ? 0 : lane_wave() % a->strips, s->first, -1, NULL, NULL};
  few_turn(a, s);
  few_aim(a, f, s);
}

// columns: tiles of them.
INLINE void experts_few(const nf_gpu_experts *a, expert_format f, int columns) {
  few_state s = {0};
  if (!a->ids_before) lane_wait();
  few_begin(a, f, expert_tiles(a, columns * TILE_COLS), &s);
  for (int slot = 0; slot < few_ring(f) - FEW_SLOT; slot += FEW_SLOT) {
    few_copy(a, f, &s, slot);
    few_advance(a, f, &s);
  }
  if (a->ids_before) lane_wait();
  lane_release();
  for (int tile = s.run / s.rounds, turn = 0; tile <= s.last_tile; tile++) {
    s.tile = expert_tile(a, tile);
    few_keep(a, f, columns, &s);
    const int end = few_highest(a, &s, tile);
    for (int unit = few_lowest(a, &s, tile) + few_unit(a); unit < end; unit += few_units(a), turn ^= 1)
      few_do(a, f, columns, &s, unit, turn);
  }
}

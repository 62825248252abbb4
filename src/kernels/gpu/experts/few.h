// SPDX-License-Identifier: Apache-2.0
// Products with experts that few pairs have chosen, where reading weights is all: a block has 16 rows of an
// expert's weights, which its waves read straight into registers, 64 or 128 bytes of each row at a time, one
// wave beside the other; the pairs that chose the expert are the tile's columns. Of a step of one token there
// is one pair, whose row of x goes to shared memory while the weights are on their way.
#pragma once
#include "kernels/gpu/experts/tile.h"

enum { FEW_DEPTH = 3, FEW_MOST_PACKS = 2, FEW_MOST_COLUMNS = 2 }; // columns: in tiles

// Packs of 16 bytes a lane has of a row at a time: FP8's groups of 128 are whole.
INLINE int few_packs(expert_format f) { return f == EXPERT_MXFP4 ? 1 : 2; }
INLINE int few_at(expert_format f, int piece, int pack) {
  return (piece * few_packs(f) + pack) * 64 + tile_chunk() * 16;
}

typedef struct few_piece {
  u32x4 v[FEW_MOST_PACKS][TILE_ROWS];
  uint8_t s[TILE_ROWS];
} few_piece;

typedef struct few_rows {
  const char *w[TILE_ROWS];
  const uint8_t *s[TILE_ROWS]; // mxfp4's scales
} few_rows;

INLINE few_piece few_load(const nf_gpu_experts *a, expert_format f, const few_rows *rows, int piece) {
  few_piece p = {0};
  UNROLL for (int h = 0; h < few_packs(f); h++) UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const int at = few_at(f, piece, h);
    if (at < a->bytes) p.v[h][i] = lane_load16_once(rows->w[i] + at);
    if (f == EXPERT_MXFP4 && at < a->bytes) p.s[i] = rows->s[i][at / 16];
  }
  return p;
}

// What a lane multiplies with a pack of w, as packs of 16 bytes.
typedef struct expert_packs {
  u32x4 v[4];
} expert_packs;

INLINE int expert_products(expert_format f) { return f == EXPERT_BF16 ? 2 : f == EXPERT_FP8 ? 4 : 8; }

INLINE void expert_factors(expert_format f, u32x4 v, uint8_t s, int i, tile_a *to) {
  uint32_t unpacked[16];
  if (f == EXPERT_MXFP4) unpack_mxfp4(v, s, unpacked);
  UNROLL for (int p = 0; p < expert_products(f); p++) tile_a_put(&to[p], i,
                                                                 f == EXPERT_BF16  ? part_bf16(v, p)
                                                                 : f == EXPERT_FP8 ? part_fp8(v, p)
                                                                                   : part_mxfp4(unpacked, p));
}

INLINE f32x4 expert_multiply(expert_format f, const tile_a *w, const expert_packs *x, f32x4 sum) {
  UNROLL for (int p = 0; p < expert_products(f); p++) {
    if (f == EXPERT_FP8)
      sum = tile_mma_f16(w[p], tile_b_of(part_fp8(x->v[0], p)), sum);
    else
      sum = tile_mma_bf16(w[p], tile_b_of(part_bf16(x->v[p / 2], p % 2)), sum);
  }
  return sum;
}

INLINE expert_packs few_x(expert_format f, const char *row, int at, bool there) {
  expert_packs x = {0};
  if (!there) return x;
  if (f != EXPERT_MXFP4)
    x.v[0] = lane_load16(row + at);
  else
    UNROLL for (int i = 0; i < 4; i++) x.v[i] = pack_beside_mxfp4(lane_load16(row + 4 * at + 16 * i));
  return x;
}

// ---- the row of x of a block's only pair, behind the sums ----

// Four lanes read packs that lie 4 apart: one more between 8 puts them into banks of their own.
INLINE int staged_place(int pack) { return pack + pack / 8; }

INLINE SHARED u32x4 *staged_row(int columns) {
  return (SHARED u32x4 *)(expert_room(columns) + lane_waves() * columns * 16);
}

INLINE void stage_x(const nf_gpu_experts *a, expert_format f, const char *row, SHARED u32x4 *to) {
  const int packs = (f == EXPERT_MXFP4 ? 4 : 1) * a->bytes / 16;
  for (int p = lane_thread(); p < packs; p += lane_threads()) {
    const u32x4 v = lane_load16(row + (int64_t)p * 16);
    shared_put(to + staged_place(p), f == EXPERT_MXFP4 ? pack_beside_mxfp4(v) : v);
  }
}

INLINE expert_packs staged_x(expert_format f, const SHARED u32x4 *row, int at, bool there) {
  expert_packs x = {0};
  const int each = f == EXPERT_MXFP4 ? 4 : 1;
  UNROLL for (int i = 0; i < 4; i++) if (there && i < each) x.v[i] =
      shared_get(row + staged_place(at / 16 * each + i));
  return x;
}

typedef struct few_state {
  few_piece w[FEW_DEPTH];
  few_rows rows;
  const char *x[FEW_MOST_COLUMNS];
  const SHARED u32x4 *staged;                          // instead of x
  f32x4 all[FEW_MOST_COLUMNS], part[FEW_MOST_COLUMNS]; // part: of a group of 128 of k, before its scale
} few_state;

INLINE void few_multiply(const nf_gpu_experts *a, expert_format f, int columns, bool staged, few_state *s,
                         int d, int piece) {
  UNROLL for (int h = 0; h < few_packs(f); h++) {
    const int at = few_at(f, piece, h);
    tile_a w[8];
    UNROLL for (int i = 0; i < TILE_ROWS; i++) expert_factors(f, s->w[d].v[h][i], s->w[d].s[i], i, w);
    UNROLL for (int c = 0; c < columns; c++) {
      const bool there = at < a->bytes;
      const expert_packs x = staged ? staged_x(f, s->staged, at, there) : few_x(f, s->x[c], at, there);
      s->part[c] = expert_multiply(f, w, &x, s->part[c]);
    }
  }
}

// Sums of a group of 128, with the scales of both factors.
INLINE void few_scale(const nf_gpu_experts *a, const nf_gpu_experts_tile *t, int columns, few_state *s,
                      int group) {
  UNROLL for (int c = 0; c < columns; c++) {
    UNROLL for (int i = 0; i < 4; i++) {
      const int pair = expert_pair(t, c * TILE_COLS + tile_sum_col(i)), r = tile_sum_row(i);
      const float *scale = a->scale[r % 2];
      s->all[c][i] += s->part[c][i] * (a->x_scale[(int64_t)(pair / a->share) * a->x_groups + group] *
                                       scale[expert_scale(a, t->expert, lane_block(), r) + group]);
    }
    s->part[c] = (f32x4){0};
  }
}

// All pieces of the wave.
INLINE void few_run(const nf_gpu_experts *a, expert_format f, const nf_gpu_experts_tile *t, int columns,
                    bool staged, few_state *s) {
  const int waves = lane_waves(), step = 64 * few_packs(f), pieces = (a->bytes + step - 1) / step;
  for (int from = lane_wave(); from < pieces; from += FEW_DEPTH * waves)
    UNROLL for (int d = 0; d < FEW_DEPTH; d++) {
      const int piece = from + d * waves;
      if (piece >= pieces) continue;
      few_multiply(a, f, columns, staged, s, d, piece);
      s->w[d] = few_load(a, f, &s->rows, piece + FEW_DEPTH * waves);
      if (f == EXPERT_FP8 && a->x_groups != 0) few_scale(a, t, columns, s, piece);
    }
}

INLINE void few_begin(const nf_gpu_experts *a, expert_format f, const nf_gpu_experts_tile *t, few_state *s) {
  UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const int r = tile_row(i);
    s->rows.w[i] = expert_weights(a, t->expert, lane_block(), r);
    if (f == EXPERT_MXFP4)
      s->rows.s[i] = (const uint8_t *)a->scale[r % 2] + expert_scale(a, t->expert, lane_block(), r);
  }
  UNROLL for (int d = 0; d < FEW_DEPTH; d++) s->w[d] =
      few_load(a, f, &s->rows, lane_wave() + d * lane_waves());
}

// The tile of a block that has one pair.
INLINE nf_gpu_experts_tile few_alone(const nf_gpu_experts *a) {
  const int pair = lane_block_y();
  if (lane_thread() == 0) shared_put(expert_list(), pair);
  return (nf_gpu_experts_tile){expert_id(a->ids, pair, a->choices, a->ids_stride), 0, 1, 0};
}

// columns: tiles of them; alone: each pair by itself.
INLINE void experts_few(const nf_gpu_experts *a, expert_format f, int columns, bool alone) {
  const int wide = columns * TILE_COLS;
  lane_release();
  lane_wait();
  const nf_gpu_experts_tile t = alone ? few_alone(a) : expert_tile(a, wide);
  if (t.count == 0) return;
  if (t.expert < 0) {
    block_sync();
    expert_zeros(a, &t, lane_block());
    return;
  }
  few_state s = {0};
  few_begin(a, f, &t, &s);
  if (alone) {
    SHARED u32x4 *row = staged_row(wide);
    stage_x(a, f, row_of(&a->x, lane_block_y() / a->share), row);
    s.staged = row;
  }
  block_sync();
  UNROLL for (int c = 0; c < columns; c++) s.x[c] =
      row_of(&a->x, expert_pair(&t, c * TILE_COLS + tile_col()) / a->share);
  few_run(a, f, &t, columns, alone, &s);
  const expert_sums sums = {expert_room(wide), lane_waves(), wide};
  UNROLL for (int c = 0; c < columns; c++) UNROLL for (int i = 0; i < 4; i++)
      shared_put(sums.room + (lane_wave() * wide + c * TILE_COLS + tile_sum_col(i)) * 16 + tile_sum_row(i),
                 f == EXPERT_FP8 && a->x_groups != 0 ? s.all[c][i] : s.part[c][i]);
  block_sync();
  expert_finish(a, f, &t, lane_block(), &sums, lane_thread(), lane_threads());
}

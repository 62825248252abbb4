// SPDX-License-Identifier: Apache-2.0
// linear for few tokens, where reading w is all: a block has TILE_COLS rows of w, which its waves read
// straight into registers, 128 bytes of each row at a time, one wave beside the other; the tokens are the
// tile's rows. Weights are on their way before what earlier kernels wrote is waited for.
#pragma once
#include "kernels/gpu/products/linear.h"

// What of a kernel is constant: how many of a lane's rows of tokens there are; pieces of two packs a lane
// that are on their way. More of them cost more registers than they gain (H200, 2026-11-29: 5120 x 8192 of
// FP8 by blocks of 128 lanes 3.38 TB/s with 3, 3.32 with 4, 2.30 with 6; bf16 gains with 4, while the other
// rows of the tile are idle).
typedef struct few_form {
  linear_format format;
  int rows, depth;
  bool ahead; // tokens are loaded when weights are, not when they are needed
} few_form;
enum { FEW_MOST_DEPTH = 4 };

// A block's tokens, and the first of them.
INLINE int few_tokens(few_form f) { return f.rows * (16 / TILE_ROWS); }
INLINE int few_token(few_form f) { return lane_block_y() * few_tokens(f); }

typedef struct few_piece {
  u32x4 v[2];
} few_piece;

// Where in a row the lane's packs of a piece are.
INLINE int few_at(int piece, int half) {
  return piece * NF_GPU_LINEAR_STEP + half * (NF_GPU_LINEAR_STEP / 2) + tile_chunk() * 16;
}

INLINE few_piece few_weights(const nf_gpu_linear *a, const char *row, int piece) {
  few_piece w;
  UNROLL for (int h = 0; h < 2; h++) w.v[h] =
      few_at(piece, h) < a->bytes ? lane_load16_once(row + few_at(piece, h)) : (u32x4){0};
  return w;
}

// All waves' sums, added in their order.
INLINE void few_join(const nf_gpu_linear *a, few_form f, int first, f32x4 sum) {
  SHARED float *room = block_shared();
  UNROLL for (int i = 0; i < 4; i++) shared_put(&room[(lane_wave() * 4 + i) * LANES + lane_id()], sum[i]);
  block_sync();
  const int i = lane_wave();
  if (i >= 4 || tile_sum_row(i) >= few_tokens(f)) return;
  float all = shared_get(&room[i * LANES + lane_id()]);
  for (int w = 1; w < lane_waves(); w++) all += shared_get(&room[(w * 4 + i) * LANES + lane_id()]);
  linear_store(a, f.format, few_token(f) + tile_sum_row(i), first + tile_sum_col(i), all);
}

typedef struct few_tokens_piece {
  u32x4 v[2][TILE_ROWS];
} few_tokens_piece;

typedef struct few_state {
  few_piece w[FEW_MOST_DEPTH];
  few_tokens_piece tokens[FEW_MOST_DEPTH]; // where they are loaded ahead
  const char *w_row, *x[TILE_ROWS];
  f32x4 all, part; // part: of a group of 128 of k, before its scale
} few_state;

INLINE few_tokens_piece few_x(const nf_gpu_linear *a, few_form f, const few_state *s, int piece) {
  few_tokens_piece x;
  UNROLL for (int h = 0; h < 2; h++) UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const int at = few_at(piece, h);
    x.v[h][i] = i < f.rows && at < a->bytes ? lane_load16(s->x[i] + at) : (u32x4){0};
  }
  return x;
}

// The piece is multiplied; one that comes later takes its place.
INLINE void few_step(const nf_gpu_linear *a, few_form f, few_state *s, int first, int d, int piece) {
  const int later = piece + f.depth * lane_waves();
  const few_tokens_piece x = f.ahead ? s->tokens[d] : few_x(a, f, s, piece);
  UNROLL for (int h = 0; h < 2; h++) s->part = linear_multiply(f.format, x.v[h], s->w[d].v[h], s->part);
  s->w[d] = few_weights(a, s->w_row, later);
  if (f.ahead) s->tokens[d] = few_x(a, f, s, later);
  if (f.format != LINEAR_FP8_BLOCK) return;
  UNROLL for (int i = 0; i < 4; i++) s->all[i] +=
      s->part[i] * linear_scale(a, few_token(f) + tile_sum_row(i), first, piece);
  s->part = (f32x4){0};
}

INLINE f32x4 few_sum(const nf_gpu_linear *a, few_form f, int first) {
  const int waves = lane_waves(), pieces = (a->bytes + NF_GPU_LINEAR_STEP - 1) / NF_GPU_LINEAR_STEP;
  const int n = first + tile_col();
  few_state s = {.w_row = (const char *)a->w + (n < a->n ? n : a->n - 1) * a->w_stride};
  UNROLL for (int d = 0; d < FEW_MOST_DEPTH; d++) if (d < f.depth) s.w[d] =
      few_weights(a, s.w_row, lane_wave() + d * waves);
  UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const int token = few_token(f) + tile_row(i);
    s.x[i] = (const char *)a->x + (token < a->tokens ? token : 0) * a->x_stride;
  }
  lane_release();
  lane_wait();
  UNROLL for (int d = 0; d < FEW_MOST_DEPTH; d++) if (f.ahead && d < f.depth) s.tokens[d] =
      few_x(a, f, &s, lane_wave() + d * waves);
  for (int from = lane_wave(); from < pieces; from += f.depth * waves)
    UNROLL for (int d = 0; d < FEW_MOST_DEPTH; d++) if (d < f.depth && from + d * waves < pieces)
        few_step(a, f, &s, first, d, from + d * waves);
  return f.format == LINEAR_FP8_BLOCK ? s.all : s.part;
}

INLINE void linear_few(const nf_gpu_linear *a, few_form f) {
  const int first = lane_block() * TILE_COLS;
  few_join(a, f, first, few_sum(a, f, first));
}

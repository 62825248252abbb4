// SPDX-License-Identifier: Apache-2.0
// linear for more tokens: a block has 128 rows of w and 32, 64 or 128 tokens, steps of 128 bytes of whose
// rows come through shared memory, several on their way. Where blocks would be too few each has a part of K,
// and the last to be done with a tile adds the parts in their order.
#pragma once
#include "kernels/gpu/products/linear.h"

enum {
  MANY_STAGES = LANES == 32 ? NF_GPU_LINEAR_STAGES_CUDA : NF_GPU_LINEAR_STAGES_HIP,
  MANY_WAVES = 256 / LANES,
  MANY_PACKS = NF_GPU_LINEAR_STEP / 16, // of a row in a step
  MANY_COLS = 32 / TILE_COLS,           // tiles of tokens of a wave
  MANY_MOST_ROWS = 32 / MANY_WAVES,
};
// Tiles of rows of a wave: waves beside each other have the next 32 tokens, the others the next rows.
#define MANY_ROWS(tokens) (NF_GPU_LINEAR_ROWS / 16 * ((tokens) / 32) / MANY_WAVES)

// Packs of a row change places so that lanes that read at once do not meet in a bank.
INLINE int many_place(int row, int pack) {
  return row * MANY_PACKS + (pack ^ ((row & 1) << 2 | (row >> 1 & 3)));
}

typedef struct many_tile {
  int row, token;     // the block's first
  int begin, end;     // steps
  SHARED u32x4 *room; // of each stage the rows of w, then those of x
} many_tile;

INLINE SHARED u32x4 *many_stage(const many_tile *t, int tokens, int step) {
  return t->room + (step - t->begin) % MANY_STAGES * (NF_GPU_LINEAR_ROWS + tokens) * MANY_PACKS;
}
INLINE int many_pack(void) { return lane_thread() % MANY_PACKS; }
INLINE int many_line(int i) { return lane_thread() / MANY_PACKS + i * (256 / MANY_PACKS); }

// Step `step` of the rows of w, and of x, is put on its way: a pack of each of the lane's rows. Zeros stand
// for what is beyond.
INLINE void many_copy_w(const nf_gpu_linear *a, const many_tile *t, int tokens, int step) {
  SHARED u32x4 *to = many_stage(t, tokens, step);
  const int at = step * NF_GPU_LINEAR_STEP + many_pack() * 16;
  const int n = step < t->end && at < a->bytes ? a->n - t->row : 0;
  const char *from = (const char *)a->w + (t->row + many_line(0)) * a->w_stride + at;
  UNROLL for (int i = 0; i < NF_GPU_LINEAR_ROWS * MANY_PACKS / 256; i++)
      lane_copy_async16(to + many_place(many_line(i), many_pack()),
                        from + i * (256 / MANY_PACKS) * a->w_stride, many_line(i) < n);
}
INLINE void many_copy_x(const nf_gpu_linear *a, const many_tile *t, int tokens, int step) {
  SHARED u32x4 *to = many_stage(t, tokens, step) + NF_GPU_LINEAR_ROWS * MANY_PACKS;
  const int at = step * NF_GPU_LINEAR_STEP + many_pack() * 16;
  const int n = step < t->end && at < a->bytes ? a->tokens - t->token : 0;
  const char *from = (const char *)a->x + (t->token + many_line(0)) * a->x_stride + at;
  UNROLL for (int i = 0; i < tokens * MANY_PACKS / 256; i++)
      lane_copy_async16(to + many_place(many_line(i), many_pack()),
                        from + i * (256 / MANY_PACKS) * a->x_stride, many_line(i) < n);
}

typedef struct many_sums {
  f32x4 at[MANY_MOST_ROWS][MANY_COLS];
} many_sums;

// The wave's first row and token in the block.
INLINE int many_wave_row(int tokens) { return lane_wave() / (tokens / 32) * MANY_ROWS(tokens) * 16; }
INLINE int many_wave_token(int tokens) { return lane_wave() % (tokens / 32) * 32; }

INLINE void many_multiply(const many_tile *t, linear_format f, int tokens, int step, many_sums *sums) {
  SHARED u32x4 *w_room = many_stage(t, tokens, step), *x_room = w_room + NF_GPU_LINEAR_ROWS * MANY_PACKS;
  UNROLL for (int half = 0; half < 2; half++) {
    const int pack = half * TILE_CHUNKS + tile_chunk();
    u32x4 x[MANY_COLS];
    UNROLL for (int c = 0; c < MANY_COLS; c++) x[c] =
        shared_get(x_room + many_place(many_wave_token(tokens) + c * TILE_COLS + tile_col(), pack));
    UNROLL for (int r = 0; r < MANY_ROWS(tokens); r++) {
      u32x4 w[TILE_ROWS];
      UNROLL for (int i = 0; i < TILE_ROWS; i++) w[i] =
          shared_get(w_room + many_place(many_wave_row(tokens) + r * 16 + tile_row(i), pack));
      UNROLL for (int c = 0; c < MANY_COLS; c++) sums->at[r][c] = linear_multiply(f, w, x[c], sums->at[r][c]);
    }
  }
}

// Sums of a group of 128 of k, with its scale, to those of all.
INLINE void many_scale(const nf_gpu_linear *a, const many_tile *t, int tokens, int group, many_sums *part,
                       many_sums *all) {
  UNROLL for (int c = 0; c < MANY_COLS; c++) UNROLL for (int i = 0; i < 4; i++) {
    const int token = t->token + many_wave_token(tokens) + c * TILE_COLS + tile_sum_col(i);
    const float s = linear_scale(a, token, t->row, group);
    UNROLL for (int r = 0; r < MANY_ROWS(tokens); r++) all->at[r][c][i] += part->at[r][c][i] * s;
  }
  *part = (many_sums){0};
}

// Weights are on their way before what earlier kernels wrote is waited for.
INLINE many_sums many_sum(const nf_gpu_linear *a, const many_tile *t, linear_format f, int tokens) {
  many_sums all = {0}, part = {0};
  UNROLL for (int i = 0; i < MANY_STAGES - 1; i++) many_copy_w(a, t, tokens, t->begin + i);
  lane_release();
  lane_wait();
  UNROLL for (int i = 0; i < MANY_STAGES - 1; i++) {
    many_copy_x(a, t, tokens, t->begin + i);
    lane_copy_commit();
  }
  for (int step = t->begin; step < t->end; step++) {
    lane_copy_wait(MANY_STAGES - 2);
    block_sync();
    many_copy_w(a, t, tokens, step + MANY_STAGES - 1);
    many_copy_x(a, t, tokens, step + MANY_STAGES - 1);
    lane_copy_commit();
    many_multiply(t, f, tokens, step, &part);
    if (f == LINEAR_FP8_BLOCK) many_scale(a, t, tokens, step, &part, &all);
  }
  lane_copy_wait(0);
  return f == LINEAR_FP8_BLOCK ? all : part;
}

// Of sum i of a wave's tile: its row of w, its token.
INLINE int many_n(const many_tile *t, int tokens, int r, int i) {
  return t->row + many_wave_row(tokens) + r * 16 + tile_sum_row(i);
}
INLINE int many_token(const many_tile *t, int tokens, int c, int i) {
  return t->token + many_wave_token(tokens) + c * TILE_COLS + tile_sum_col(i);
}
#define MANY_EACH(tokens, r, c, i)                                                              \
  UNROLL for (int r = 0; r < MANY_ROWS(tokens); r++) UNROLL for (int c = 0; c < MANY_COLS; c++) \
      UNROLL for (int i = 0; i < 4; i++)

// Where the sum of a part of K is.
INLINE float *many_partial(const nf_gpu_linear *a, int split, int token, int n) {
  return &a->partial[((int64_t)split * a->tokens + token) * a->n + n];
}

INLINE float many_joined(const nf_gpu_linear *a, int token, int n) {
  float sum = 0;
  if (token < a->tokens && n < a->n)
    for (int s = 0; s < a->splits; s++) sum += *many_partial(a, s, token, n);
  return sum;
}

INLINE void linear_many(const nf_gpu_linear *a, linear_format f, int tokens) {
  const int tiles = (a->tokens + tokens - 1) / tokens, split = lane_block_y();
  const int steps = (a->bytes + NF_GPU_LINEAR_STEP - 1) / NF_GPU_LINEAR_STEP;
  const many_tile t = {lane_block() / tiles * NF_GPU_LINEAR_ROWS, lane_block() % tiles * tokens,
                       steps * split / a->splits, steps * (split + 1) / a->splits, block_shared()};
  many_sums sums = many_sum(a, &t, f, tokens);
  if (a->splits > 1) {
    MANY_EACH(tokens, r, c, i) {
      const int token = many_token(&t, tokens, c, i), n = many_n(&t, tokens, r, i);
      if (token < a->tokens && n < a->n) *many_partial(a, split, token, n) = sums.at[r][c][i];
    }
    if (!block_is_last(&a->counters[lane_block()], a->splits, block_shared())) return;
    MANY_EACH(tokens, r, c, i)
    sums.at[r][c][i] = many_joined(a, many_token(&t, tokens, c, i), many_n(&t, tokens, r, i));
  }
  MANY_EACH(tokens, r, c, i)
  linear_store(a, f, many_token(&t, tokens, c, i), many_n(&t, tokens, r, i), sums.at[r][c][i]);
}

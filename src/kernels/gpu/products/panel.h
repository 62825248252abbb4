// SPDX-License-Identifier: Apache-2.0
// linear of bf16 for more tokens than one tile has, by Hopper's matrix units: a block has 128 tokens, 64 for
// each group of four waves, and 128 or 256 rows of w, steps of 128 bytes of whose rows come through shared
// memory. The products of a step run while the next one is waited for.
#pragma once
#include "kernels/gpu/products/stream.h"

#if TILE_WIDE
// Sums of a lane, half as many as rows of w.
typedef struct panel_sums {
  float at[128];
} panel_sums;

typedef struct panel {
  int token, row; // the block's first
  int steps;
  SHARED u32x4 *room; // of each stage the tokens, then the rows of w
} panel;

// Blocks that run at the same time share tokens and rows: they are counted through PANEL_BAND tiles of tokens
// first.
enum { PANEL_TOKENS = NF_GPU_PANEL_TOKENS, PANEL_BAND = 16, PANEL_STAGES = NF_GPU_PANEL_STAGES };
INLINE panel panel_of(const nf_gpu_linear *a, int rows) {
  const int tiles = (a->tokens + PANEL_TOKENS - 1) / PANEL_TOKENS, each = lane_blocks() / tiles;
  const int band = lane_block() / (PANEL_BAND * each), first = band * PANEL_BAND;
  const int in = tiles - first < PANEL_BAND ? tiles - first : PANEL_BAND, at = lane_block() - first * each;
  return (panel){(first + at % in) * PANEL_TOKENS, at / in * rows, (a->bytes + WIDE_LINE - 1) / WIDE_LINE,
                 block_shared()};
}
INLINE SHARED u32x4 *panel_stage(const panel *p, int rows, int step) {
  return p->room + step % PANEL_STAGES * (PANEL_TOKENS + rows) * STREAM_PACKS;
}

// A step's 128 bytes of `lines` rows, of which the first `most` are there.
INLINE void panel_copy_rows(const nf_gpu_linear *a, const panel *p, const void *rows, int64_t stride,
                            int most, int lines, int step, SHARED u32x4 *to) {
  const int at = step * WIDE_LINE + stream_byte();
  const int n = step < p->steps && at < a->bytes ? most - stream_line() : 0;
  stream_copy((const char *)rows + stream_line() * stride + at, stride, n, lines, to, NF_GPU_PANEL_LANES);
}
INLINE void panel_copy_w(const nf_gpu_linear *a, const panel *p, int rows, int step) {
  panel_copy_rows(a, p, (const char *)a->w + p->row * a->w_stride, a->w_stride, a->n - p->row, rows, step,
                  panel_stage(p, rows, step) + PANEL_TOKENS * STREAM_PACKS);
}
INLINE void panel_copy_x(const nf_gpu_linear *a, const panel *p, int rows, int step) {
  panel_copy_rows(a, p, (const char *)a->x + p->token * a->x_stride, a->x_stride, a->tokens - p->token,
                  PANEL_TOKENS, step, panel_stage(p, rows, step));
}
INLINE void panel_copy(const nf_gpu_linear *a, const panel *p, int rows, int step) {
  panel_copy_w(a, p, rows, step);
  panel_copy_x(a, p, rows, step);
  lane_copy_commit();
}

// The first steps are on their way, weights before what earlier kernels wrote is waited for.
INLINE void panel_begin(const nf_gpu_linear *a, const panel *p, int rows) {
  UNROLL for (int i = 0; i < PANEL_STAGES - 2; i++) panel_copy_w(a, p, rows, i);
  lane_release();
  lane_wait();
  UNROLL for (int i = 0; i < PANEL_STAGES - 2; i++) {
    panel_copy_x(a, p, rows, i);
    lane_copy_commit();
  }
}
// The next step is there, and all are done with the one before the last, whose stage is filled anew.
INLINE void panel_wait(void) {
  lane_copy_wait(PANEL_STAGES - 3);
  wide_publish();
  block_sync();
}

// The products of a step are on their way.
INLINE void panel_multiply(const panel *p, int rows, int step, panel_sums *sums) {
  SHARED u32x4 *room = panel_stage(p, rows, step);
  const wide_b x = wide_tile(room + lane_thread() / WIDE_LANES * WIDE_ROWS * STREAM_PACKS),
               w = wide_tile(room + PANEL_TOKENS * STREAM_PACKS);
  wide_begin();
  UNROLL for (int i = 0; i < WIDE_LINE / WIDE_STEP; i++)
      wide_mma_bf16_tiles(rows, sums->at, wide_step(x, i), wide_step(w, i), true);
  wide_commit();
}

INLINE panel_sums panel_sum(const nf_gpu_linear *a, const panel *p, int rows) {
  panel_sums sums = {0};
  panel_begin(a, p, rows);
  for (int step = 0; step < p->steps; step++) {
    panel_wait();
    panel_multiply(p, rows, step, &sums);
    panel_copy(a, p, rows, step + PANEL_STAGES - 2);
    wide_wait(1, 0, sums.at);
  }
  wide_wait(0, rows, sums.at);
  lane_copy_wait(0);
  return sums;
}

// Two results that are beside each other.
INLINE void panel_store_two(const nf_gpu_linear *a, linear_format f, int token, int n, float first,
                            float second) {
  uint16_t *y = (uint16_t *)((char *)a->y + token * a->y_stride) + n;
  if (a->y_f32 || n + 1 >= a->n || token >= a->tokens || (uintptr_t)y % 4 != 0) {
    linear_store(a, f, token, n, first);
    linear_store(a, f, token, n + 1, second);
    return;
  }
  *(uint32_t *)y =
      f32x2_to_bf16x2(linear_result(a, f, token, n, first), linear_result(a, f, token, n + 1, second));
}
INLINE void panel_store(const nf_gpu_linear *a, const panel *p, linear_format f, int rows,
                        const panel_sums *sums) {
  const int token = p->token + lane_thread() / WIDE_LANES * WIDE_ROWS;
  WIDE_UNROLL for (int j = 0; j < rows / 8; j++) UNROLL for (int i = 0; i < 2; i++) panel_store_two(
      a, f, token + wide_row(i), p->row + wide_col(j), sums->at[4 * j + 2 * i], sums->at[4 * j + 2 * i + 1]);
}

INLINE void linear_panel(const nf_gpu_linear *a, linear_format f, int rows) {
  const panel p = panel_of(a, rows);
  const panel_sums sums = panel_sum(a, &p, rows);
  panel_store(a, &p, f, rows, &sums);
}
#endif

#define LINEAR_PANEL(name, run, format, rows)                 \
  KERNEL(nf_linear_##name##_p##rows, nf_gpu_linear, 256, 1) { \
    (void)a;                                                  \
    WIDE_ONLY(run(a, format, rows);)                          \
  }

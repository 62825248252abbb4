// SPDX-License-Identifier: Apache-2.0
// Launches of linear: one of its kernels, by how many tokens there are.
#pragma once
#include "kernels/gpu/abi/products.h"
#include "kernels/gpu/launch.h"

// Kernels are for up to 8, 16, 32, 64 tokens, and one has tiles of 128; behind them are those of Hopper for
// up to 32, 64 and, of bf16, 128 tokens, and for more of bf16 with 128 and 256 rows of w a block.
enum { NF_LINEAR_TILES = 5, NF_LINEAR_STREAMS = 3, NF_LINEAR_PANEL = NF_LINEAR_TILES + NF_LINEAR_STREAMS };
enum { NF_LINEAR_KERNELS = NF_LINEAR_PANEL + 2, NF_LINEAR_FP8_KERNELS = NF_LINEAR_PANEL - 1 };
enum { NF_LINEAR_STREAM_TOKENS = 64 }; // of FP8
enum { NF_LINEAR_THREADS = 256, NF_LINEAR_MOST_SPLITS = 16 };

static inline bool nf_linear_is_fp8(const nf_launch_site *s) {
  return ((const nf_linear_args *)s->args)->w.dtype != NF_BF16;
}
static inline bool nf_linear_is_stream(int kernel) {
  return kernel >= NF_LINEAR_TILES && kernel < NF_LINEAR_PANEL;
}
static inline int nf_linear_tokens(int kernel) {
  return 8 << (nf_linear_is_stream(kernel) ? kernel - NF_LINEAR_STREAMS : kernel);
}
static inline int64_t nf_linear_panels(const nf_launch_site *s, int64_t tokens, int rows) {
  const nf_linear_args *a = s->args;
  return nf_ceil_div(tokens, NF_GPU_PANEL_TOKENS) * nf_ceil_div(nf_tensor_cols(&a->y), rows);
}
// The larger blocks read less, where they are enough.
static inline int nf_linear_panel(const nf_launch_site *s, int64_t tokens) {
  return NF_LINEAR_PANEL + (10 * nf_linear_panels(s, tokens, 256) >= 6 * nf_gpu_multiprocessors(s->hw));
}

static inline int nf_linear_kernel(const nf_launch_site *s, int64_t tokens) {
  int kernel = 0;
  while (kernel < NF_LINEAR_TILES - 1 && tokens > nf_linear_tokens(kernel)) kernel++;
  if (nf_gpu_is_wide(s) && !nf_linear_is_fp8(s) && tokens > NF_GPU_PANEL_TOKENS)
    return nf_linear_panel(s, tokens);
  const bool stream =
      tokens > NF_GPU_FEW_TOKENS && tokens <= (nf_linear_is_fp8(s) ? NF_LINEAR_STREAM_TOKENS : 128);
  return nf_gpu_is_wide(s) && stream ? kernel + NF_LINEAR_STREAMS : kernel;
}

// Into how many parts K is cut: the steps that a multiprocessor then has one after the other, and what it
// costs to write parts and to add them.
static inline int nf_linear_splits(const nf_launch_site *s, int64_t tiles, int64_t steps, int tile) {
  const int64_t room = nf_gpu_multiprocessors(s->hw);
  int best = 1;
  for (int64_t n = 2, least = nf_ceil_div(tiles, room) * steps; n <= NF_LINEAR_MOST_SPLITS; n++) {
    const int64_t cost = nf_ceil_div(tiles * n, room) * nf_ceil_div(steps, n) + 8 + n * tile / 16;
    if (tiles * n > 2 * room || 4 * n > steps || cost >= least) continue;
    least = cost, best = (int)n;
  }
  return best;
}

// Bytes of the parts' sums at up to so many tokens.
static inline size_t nf_linear_partial(const nf_launch_site *s, int64_t tokens, int64_t n) {
  const int kernel = nf_linear_kernel(s, tokens);
  const int64_t tile = nf_linear_tokens(kernel) * (int64_t)NF_GPU_LINEAR_ROWS;
  if (kernel >= NF_LINEAR_PANEL) return 0;
  const int64_t most = 2 * nf_gpu_multiprocessors(s->hw) * tile;
  if (nf_linear_is_stream(kernel)) return (size_t)(nf_linear_is_fp8(s) ? 2 * most : most) * sizeof(float);
  return (size_t)nf_min(most, NF_LINEAR_MOST_SPLITS * tokens * n) * sizeof(float);
}

// Rows of x of bf16 that do not begin at multiples of 16 bytes, evenly apart, are gathered in scratch first.
static inline bool nf_linear_gathers(const nf_linear_args *a) {
  const nf_gpu_rows x = nf_gpu_rows_of(&a->x);
  return a->x.dtype == NF_BF16 && (x.inner != 1 || ((uintptr_t)x.data | (uint64_t)x.outer) % 16 != 0);
}
static inline size_t nf_linear_gathered(const nf_linear_args *a) {
  return (size_t)nf_round_up(nf_tensor_rows(&a->x) * nf_tensor_cols(&a->x) * 2, NF_CACHE_LINE);
}
static inline nf_grid nf_linear_gather(const nf_launch_site *s, void *packed) {
  const nf_linear_args *a = s->args;
  const nf_gpu_gather g = {nf_gpu_rows_of(&a->x), s->scratch, (int32_t)nf_tensor_rows(&a->y),
                           (int32_t)(nf_tensor_cols(&a->x) / 8)};
  *(nf_gpu_gather *)packed = g;
  return nf_gpu_grid(nf_linear_gathers(a) ? nf_ceil_div((int64_t)g.rows * g.packs, 256) : 0, 256, 0);
}

static inline nf_gpu_linear nf_linear_packed(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  const bool groups = a->w.dtype == NF_FP8_BLOCK;
  const int64_t bits = nf_dtype_of(a->w.dtype)->bits, row = nf_tensor_cols(&a->x) * bits / 8;
  const bool gathered = nf_linear_gathers(a);
  return (nf_gpu_linear){.x = gathered ? s->scratch : a->x.data,
                         .w = a->w.data,
                         .y = a->y.data,
                         .bias = a->bias.data,
                         .x_scale = a->x.scale,
                         .w_scale = a->w.scale,
                         .partial = s->scratch,
                         .counters = s->counters,
                         .x_stride = gathered ? row : nf_gpu_rows_of(&a->x).outer,
                         .y_stride = nf_gpu_rows_of(&a->y).outer,
                         .w_stride = a->w.stride[0] * bits / 8,
                         .tokens = (int32_t)nf_tensor_rows(&a->y),
                         .n = (int32_t)nf_tensor_cols(&a->y),
                         .bytes = (int32_t)row,
                         .x_groups = groups ? (int32_t)a->x.scale_stride : 0,
                         .w_groups = groups ? (int32_t)a->w.scale_stride : 0,
                         .splits = 1,
                         .y_f32 = a->y.dtype == NF_F32,
                         .bias_f32 = a->bias.dtype == NF_F32};
}

// For few tokens. Blocks of half as many lanes are in each other's way less where there are enough of them
// (H200, 2026-11-29, one token: 5120 x 25600 of FP8 3.82 instead of 3.10 TB/s; but 2880 x 4096 of bf16, 360
// blocks, 2.36 instead of 3.05). AMD's would have too few waves for their sums.
static inline nf_grid nf_linear_few_of(const nf_launch_site *s, const nf_gpu_linear *p, int threads) {
  const int columns = nf_gpu_tile_columns(s->hw), waves = threads / nf_gpu_lanes(s->hw);
  return nf_gpu_grid(nf_ceil_div(p->n, columns), threads, (size_t)(waves * 16 * columns) * sizeof(float));
}
static inline nf_grid nf_linear_few_grid(const nf_launch_site *s, const nf_gpu_linear *p) {
  const bool hip = s->hw->backend == NF_BACKEND_HIP;
  const int64_t blocks = nf_ceil_div(p->n, nf_gpu_tile_columns(s->hw));
  const bool half = !hip && blocks >= 4 * nf_gpu_multiprocessors(s->hw);
  return nf_linear_few_of(s, p, half ? NF_LINEAR_THREADS / 2 : NF_LINEAR_THREADS);
}

// Where there are so few rows that multiprocessors would idle, blocks have all lanes that they can, and
// tokens are split too (H200, 2026-11-29: 128 x 2880 of bf16, one token 1.92 us, by blocks of 256
// lanes 3.33).
enum { NF_LINEAR_SMALL_THREADS = 768 };
static inline nf_grid nf_linear_small_grid(const nf_launch_site *s, const nf_gpu_linear *p) {
  nf_grid g = nf_linear_few_of(s, p, NF_LINEAR_SMALL_THREADS);
  g.blocks[1] = (uint32_t)nf_ceil_div(p->tokens, nf_gpu_tile_columns(s->hw));
  return g;
}
static inline bool nf_linear_is_small(const nf_launch_site *s, const nf_gpu_linear *p) {
  const nf_grid g = nf_linear_small_grid(s, p);
  return p->tokens > 0 && (int64_t)g.blocks[0] * g.blocks[1] <= 2 * nf_gpu_multiprocessors(s->hw);
}

static inline nf_grid nf_linear_many_grid(const nf_launch_site *s, int tile, nf_gpu_linear *p) {
  const bool hip = s->hw->backend == NF_BACKEND_HIP;
  const int stages = hip ? NF_GPU_LINEAR_STAGES_HIP : NF_GPU_LINEAR_STAGES_CUDA;
  const int64_t tiles = nf_ceil_div(p->tokens, tile) * nf_ceil_div(p->n, NF_GPU_LINEAR_ROWS);
  nf_grid g = nf_gpu_grid(tiles, NF_LINEAR_THREADS,
                          (size_t)(stages * (NF_GPU_LINEAR_ROWS + tile) * NF_GPU_LINEAR_STEP));
  p->splits = nf_linear_splits(s, tiles, nf_ceil_div(p->bytes, NF_GPU_LINEAR_STEP), tile);
  g.blocks[1] = (uint32_t)p->splits;
  return g;
}

// A block for each multiprocessor leaves room for the next kernel's, whose first weights are on their way
// then (H200, 2026-11-29: 5120 x 2880 of bf16 at 32 tokens 13.2 us, with two blocks 15.0). FP8, which is
// unpacked, wants two where there is much to do (51200 x 5120 at 64 tokens 95 us instead of 115; 12288 x
// 2048 25.1 instead of 22.8). But each has a few steps for the time that it takes to begin and to join.
static inline int64_t nf_linear_stream_blocks(const nf_launch_site *s, const nf_gpu_linear *p, bool fp8) {
  const int64_t steps = nf_ceil_div(p->n, NF_GPU_STREAM_ROWS) * nf_ceil_div(p->bytes, NF_GPU_LINEAR_STEP);
  const int64_t room = nf_gpu_multiprocessors(s->hw), each = fp8 && steps >= 16 * room ? 2 : 1;
  return nf_min(each * room, nf_ceil_div(steps, 4));
}
static inline nf_grid nf_linear_stream_grid(const nf_launch_site *s, int kernel, const nf_gpu_linear *p) {
  const bool fp8 = nf_linear_is_fp8(s);
  const int tokens = nf_linear_tokens(kernel), stages = NF_GPU_STREAM_STAGES(tokens);
  const int w = NF_GPU_STREAM_ROWS * NF_GPU_LINEAR_STEP, x = tokens * NF_GPU_LINEAR_STEP;
  return nf_gpu_grid(nf_linear_stream_blocks(s, p, fp8), NF_GPU_STREAM_GROUPS * 128,
                     (size_t)(fp8 ? stages * w + 4 * x : stages * (w + x)) +
                         16); // FP8's x is twice as wide, twice
}

static inline nf_grid nf_linear_panel_grid(const nf_launch_site *s, const nf_gpu_linear *p, int rows) {
  return nf_gpu_grid(nf_linear_panels(s, p->tokens, rows), NF_GPU_PANEL_LANES,
                     (size_t)(NF_GPU_PANEL_STAGES * (NF_GPU_PANEL_TOKENS + rows) * NF_GPU_LINEAR_STEP));
}

// The grid of a kernel; without blocks where another is meant.
static inline nf_grid nf_linear_grid(const nf_launch_site *s, int kernel, nf_gpu_linear *p) {
  if (kernel != nf_linear_kernel(s, p->tokens) || p->tokens == 0) return nf_gpu_grid(0, NF_LINEAR_THREADS, 0);
  if (kernel >= NF_LINEAR_PANEL) return nf_linear_panel_grid(s, p, 128 << (kernel - NF_LINEAR_PANEL));
  const int tile = nf_linear_tokens(kernel);
  if (nf_linear_is_stream(kernel)) return nf_linear_stream_grid(s, kernel, p);
  return tile <= NF_GPU_FEW_TOKENS ? nf_linear_few_grid(s, p) : nf_linear_many_grid(s, tile, p);
}

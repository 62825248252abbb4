// SPDX-License-Identifier: Apache-2.0
// The arguments of products with weights. Shared by device and launch code.
#pragma once
#include "kernels/gpu/abi/rows.h"

// y[t, n] = sum_k x[t, k] w[n, k] + bias[n]: x and w of one format, rows of `bytes` that begin at multiples
// of 16.
typedef struct nf_gpu_linear {
  const void *x, *w, *bias; // bias NULL: none
  void *y;
  const float *x_scale, *w_scale;       // of FP8, [tokens][x_groups] and [N][1], or [N / 128][w_groups]
  float *partial;                       // [splits][tokens][N]: sums, where several blocks have a part of K
  uint32_t *counters;                   // of tiles: how many of their parts are there
  int64_t x_stride, w_stride, y_stride; // bytes
  int32_t tokens, n, bytes;
  int32_t x_groups, w_groups; // of blocks
  int32_t splits;
  uint8_t y_f32, bias_f32;
} nf_gpu_linear;

// Rows of packs of 16 bytes that begin anywhere, copied to where they lie one behind the other.
typedef struct nf_gpu_gather {
  nf_gpu_rows from;
  void *to;
  int32_t rows, packs;
} nf_gpu_gather;

// Tokens that the kernel for few takes; what a block of one for many has of w and, for 32 or more tokens, of
// x.
enum { NF_GPU_FEW_TOKENS = 16, NF_GPU_LINEAR_ROWS = 128 };
// Of linear by Hopper's tiles: rows of w of a block, and how many steps it has room for.
enum { NF_GPU_STREAM_GROUPS = 2, NF_GPU_STREAM_ROWS = 64 * NF_GPU_STREAM_GROUPS };
#define NF_GPU_STREAM_STAGES(tokens) ((tokens) == 32 ? 5 : (tokens) == 64 ? 4 : 6)
// The same for more tokens: blocks of so many tokens, and of 128 or 256 rows of w.
enum { NF_GPU_PANEL_TOKENS = 128, NF_GPU_PANEL_LANES = 256, NF_GPU_PANEL_STAGES = 4 };
// Bytes of a row that are on their way or are multiplied at a time, and how many such steps a block has room
// for: AMD's shared memory is smaller, and is filled through registers.
enum { NF_GPU_LINEAR_STEP = 128, NF_GPU_LINEAR_STAGES_CUDA = 4, NF_GPU_LINEAR_STAGES_HIP = 2 };

// SPDX-License-Identifier: Apache-2.0
// Arguments of products with weights of chosen experts. A pair is a token and one of its choices; pairs are
// numbered token by token. Shared by device and launch code.
#pragma once
#include "kernels/gpu/abi/rows.h"

// What becomes of sums: results as they are, or those of two rows, gate and up, one activation.
typedef enum nf_gpu_experts_then {
  NF_GPU_THEN_NOTHING,
  NF_GPU_THEN_SWIGLU,
  NF_GPU_THEN_SILU_MUL
} nf_gpu_experts_then;

// Pairs that a block multiplies with one expert's weights: `count` of nf_gpu_experts.order from `first` on.
typedef struct nf_gpu_experts_tile {
  int32_t expert, first, count, unused; // expert negative: rows of zeros
} nf_gpu_experts_tile;

// Weights lie in strips of 32 rows (tensor/pack.h), in words of 4 bytes. A unit of work is one strip of w[0],
// or that and the same one of w[1], gate and up. Where things lie in shared memory, behind lists, is said in
// bytes.
typedef struct nf_gpu_experts {
  nf_gpu_rows x, y;
  const int32_t *ids; // [pairs / choices][ids_stride]
  const nf_gpu_experts_tile
      *tiles; // and the number of them at [most_tiles]; NULL: blocks sort ids themselves
  const int32_t *order;
  const void *w[2], *scale[2], *bias[2];
  const float *x_scale;
  int64_t w_expert, w_strip, scale_expert, bias_expert; // bytes, bytes, scales, numbers apart
  int32_t scale_row;                                    // scales of a row, or of 128 rows
  int32_t pairs, choices, ids_stride, most_tiles;
  int32_t share;        // pairs for which a row of x is
  int32_t rows, padded; // of w; columns of y, what is behind the rows being zeros
  int32_t words;        // of a row of w
  int32_t x_groups;     // FP8 by groups of 128: groups of a row, else 0
  int32_t strips, units;
  int32_t sums_at, ring_at, x_at, x_pitch; // x_at 0: rows of x are too long to be kept
  nf_gpu_experts_then then;
  bool y_f32, bias_f32, ids_before; // ids_before: an earlier kernel than the last wrote them
  bool own;                         // each wave has units of its own
  float alpha, beta, limit;
} nf_gpu_experts;

// Of sums of a strip, for each column of a tile.
enum {
  // By one tile of columns, of which a multiprocessor has two blocks: 10 waves with rings of 2 steps took 568
  // µs
  // for 128 tokens of gpt-oss-120b, 8 with 3 take 528 (H200, 2026-11-29); and by two, of which it has one.
  NF_GPU_EXPERTS_THREADS_1 = 256,
  NF_GPU_EXPERTS_THREADS_2 = 384,
  NF_GPU_EXPERTS_SORTED = 64,
  NF_GPU_EXPERTS_STEP = 2048,
  NF_GPU_EXPERTS_DEPTH = 3,
  NF_GPU_EXPERTS_DEPTH_FP8 = 4, // rows of x are short
  NF_GPU_EXPERTS_DEPTH_64 = 2,  // where a wave has 64 lanes
  NF_GPU_EXPERTS_SUMS = 33,
  NF_GPU_EXPERTS_ONE_THREADS = 256,
  NF_GPU_EXPERTS_ONE_DEPTH = 3
};

enum { NF_GPU_EXPERTS_CHUNK = 1024 };

// x for products with many pairs (experts/many.h), in whose order a lane's words of weights are multiplied:
// beside MXFP4 number c of 32 at place 16 (c % 8 / 4) + 2 (c / 8) + 8 (c % 4 / 2) + c % 2; codes of FP8 as
// numbers of f16, c of 16 at 8 (c % 4 / 2) + 2 (c / 4) + c % 2.
typedef enum nf_gpu_experts_turned {
  NF_GPU_NOT_TURNED,
  NF_GPU_BESIDE_MXFP4,
  NF_GPU_BESIDE_FP8
} nf_gpu_experts_turned;

// The first blocks sort pairs into tiles, each a chunk of them: those of one launch count what each expert
// has, those of the next, or the same where there is one chunk, put pairs in order. The other blocks gather
// rows of x.
typedef struct nf_gpu_experts_prepare {
  nf_gpu_rows x;
  void *to;
  const int32_t *ids;
  nf_gpu_experts_tile *tiles;
  int32_t *order, *rank; // [pairs] each
  uint32_t *counts;      // [experts + 2] zeros, and zeros again afterwards
  int32_t pairs, choices, ids_stride, experts;
  int32_t tile, most_tiles;     // pairs of a tile; entries of tiles, behind which their number is written
  int32_t rows, packs;          // to gather; packs of 16 bytes of a row
  nf_gpu_experts_turned turned; // how they are gathered
  int32_t chunks;
  bool ranks, orders;
} nf_gpu_experts_prepare;

// Rows of bf16 become codes and scales; groups: of a row, 0 for one scale.
typedef struct nf_gpu_experts_quantise {
  const void *x;
  void *code;
  float *scale;
  const int32_t *ids;
  int32_t choices, ids_stride, columns, groups;
  bool turned; // as NF_GPU_BESIDE_FP8
} nf_gpu_experts_quantise;

// Products with many pairs: strips of a block, columns of a tile, steps in the ring.
#ifndef NF_GPU_MANY_STRIPS
#define NF_GPU_MANY_STRIPS 8
#endif
enum {
  NF_GPU_MANY_COLS = 64,
  NF_GPU_MANY_COLS_MXFP4 = 128,
  NF_GPU_MANY_STAGES = 4,
  NF_GPU_MANY_STAGES_MXFP4 = 6
};

// SPDX-License-Identifier: Apache-2.0
// Which kernel holds a row, by how many packs of 8 columns it has: rows/held.h in the order of its kernels'
// symbols.
#pragma once
#include "kernels/gpu/launch.h"

// NF_HELD_ONE: lanes of a block that have one pack.
enum {
  NF_HELD_GROUPS = 4,
  NF_HELD_KERNELS = 8,
  NF_HELD_ONE = 640,
  NF_HELD_THREADS = 512,
  NF_HELD_PACKS = 4096
};
#define NF_HELD_SYMBOLS(name) \
  name "_4", name "_8", name "_16", name "_32", name "_x1", name "_x2", name "_x4", name "_x8"
#define NF_HELD_PACKED(type)                                                                        \
  sizeof(type), sizeof(type), sizeof(type), sizeof(type), sizeof(type), sizeof(type), sizeof(type), \
      sizeof(type)

// Blocks that have a row each, a lane so many packs of it.
static inline nf_grid nf_held_block(const nf_hw *hw, int64_t rows, int64_t packs, int each) {
  const int lanes = nf_gpu_lanes(hw);
  const int64_t threads = nf_round_up(nf_ceil_div(packs, each), lanes);
  return nf_gpu_grid(rows, (int)threads, (size_t)(4 * threads / lanes) * sizeof(float));
}

// The grid of `stage` for rows of so many packs: 4 to 32 lanes hold short rows, 64 of them in a block of 256
// lanes, and a block longer ones, 1, 2, 4 or 8 packs a lane. Without blocks where another kernel is for such
// rows.
static inline nf_grid nf_held_grid(const nf_hw *hw, int stage, int64_t rows, int64_t packs) {
  int is = 0;
  while (is < NF_HELD_GROUPS && packs > 4 << is) is++;
  if (is == NF_HELD_GROUPS && packs > NF_HELD_ONE)
    while (packs > (int64_t)NF_HELD_THREADS << (is - NF_HELD_GROUPS)) is++;
  if (stage != is) return (nf_grid){0};
  if (is < NF_HELD_GROUPS) return nf_gpu_grid(nf_ceil_div(rows, 256 / (4 << is)), 256, 0);
  return nf_held_block(hw, rows, packs, 1 << (is - NF_HELD_GROUPS));
}

// SPDX-License-Identifier: Apache-2.0
// Products of tiles on the host: a collective in which every lane puts down its numbers, where tile.h says
// that they belong, and computes its own sums.
#pragma once
#include "kernels/gpu/tile/tile.h"

INLINE f32x4 tile_mma(const nf_lane_site *site, float (*decode)(uint16_t), tile_a a, tile_b b, f32x4 c) {
  nf_lane_tiles *t = nf_lane_tiles_mine();
  for (int i = 0; i < 4; i++) {
    const int k = tile_chunk() * 4 + i;
    for (int r = 0; r < TILE_ROWS; r++)
      t->a[tile_row(r)][k] = decode((uint16_t)(a.r[r][i / 2] >> i % 2 * 16));
    t->b[tile_col()][k] = decode((uint16_t)(b.r[i / 2] >> i % 2 * 16));
  }
  nf_lane_tiles_meet(site);
  for (int i = 0; i < 4; i++) {
    const float *row = t->a[tile_sum_row(i)], *col = t->b[tile_sum_col(i)];
    for (int k = 0; k < TILE_K; k++) c[i] += row[k] * col[k];
  }
  return c;
}
#define TILE_MMA(type, ...) tile_mma(LANE_SITE("tile_mma_" #type), type##_to_f32, __VA_ARGS__)
#define tile_mma_bf16(...) TILE_MMA(bf16, __VA_ARGS__)
#define tile_mma_f16(...) TILE_MMA(f16, __VA_ARGS__)

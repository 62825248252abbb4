// SPDX-License-Identifier: Apache-2.0
// A kernel for the tests of the host form of tiles (lane/emulator_test.c).
#include "kernels/gpu/lane/planted.h"
#include "kernels/gpu/tile/tile.h"

// 16 rows of `in` times TILE_COLS rows of what is behind them, all of 16 numbers.
KERNEL(nf_planted_tiles, nf_planted, 1024, 1) {
  lane_wait();
  tile_a x;
  tile_b y;
  for (int w = 0; w < 2; w++) {
    const int k = tile_chunk() * 4 + w * 2;
    for (int i = 0; i < TILE_ROWS; i++)
      x.r[i][w] = f32x2_to_bf16x2(a->in[tile_row(i) * 16 + k], a->in[tile_row(i) * 16 + k + 1]);
    y.r[w] = f32x2_to_bf16x2(a->in[256 + tile_col() * 16 + k], a->in[256 + tile_col() * 16 + k + 1]);
  }
  f32x4 sum = tile_mma_bf16(x, y, (f32x4){1, 1, 1, 1});
  sum = tile_mma_bf16(x, y, sum);
  for (int i = 0; i < 4; i++) a->out[tile_sum_row(i) * TILE_COLS + tile_sum_col(i)] = sum[i];
}

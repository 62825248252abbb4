// SPDX-License-Identifier: Apache-2.0
// Kernels for the tests of the host form of products of four waves (lane/emulator_test.c). `wrong` is one of
// WIDE_..., each a fault that is found.
#include "kernels/gpu/lane/planted.h"
#include "kernels/gpu/tile/wide.h"

#if TILE_WIDE
enum { WIDE_UNPUBLISHED = 1, WIDE_OVERWRITTEN, WIDE_NOT_BEGUN, WIDE_NOT_WAITED };

// Rows of 64 numbers of `in`, which it repeats every 1,024, as bf16: 64 rows as A's tile, then 16 as B's
// columns.
INLINE float wide_number(const nf_planted *a, int row, int k) { return a->in[(row * 64 + k * 3) % 1024]; }

INLINE void wide_fill(const nf_planted *a, SHARED uint32_t *tiles) {
  for (int at = lane_thread(); at < 80 * 32; at += lane_threads()) {
    const int row = at / 32, word = at % 32;
    shared_put(&tiles[wide_place(row, word / 4) * 4 + word % 4],
               f32x2_to_bf16x2(wide_number(a, row, 2 * word), wide_number(a, row, 2 * word + 1)));
  }
  if (a->wrong != WIDE_UNPUBLISHED) wide_publish();
  block_sync();
}

INLINE wide_a wide_fragment(const nf_planted *a, int step) {
  wide_a x;
  for (int r = 0; r < 4; r++) {
    const int k = step * 16 + wide_k(r / 2) / 2;
    x.r[r] = f32x2_to_bf16x2(wide_number(a, wide_row(r % 2), k), wide_number(a, wide_row(r % 2), k + 1));
  }
  return x;
}

// Sums of A from its tile in out[0, 1024), from registers behind them, without 1 that the others begin at.
KERNEL(nf_planted_wide, nf_planted, 128, 1) {
  SHARED uint32_t *tiles = block_shared();
  float d[2][8];
  lane_wait();
  wide_fill(a, tiles);
  for (int i = 0; i < 8; i++) d[0][i] = 1, d[1][i] = -1000;
  const wide_b rows = wide_tile(tiles), columns = wide_tile(tiles + 64 * 32);
  if (a->wrong != WIDE_NOT_BEGUN) wide_begin();
  for (int s = 0; s < 4; s++) wide_mma_bf16_tiles(16, d[0], wide_step(rows, s), wide_step(columns, s), true);
  wide_commit();
  for (int s = 0; s < 4; s++) wide_mma_bf16(16, d[1], wide_fragment(a, s), wide_step(columns, s), s > 0);
  wide_commit();
  block_sync();
  if (a->wrong == WIDE_OVERWRITTEN) shared_put(&tiles[64 * 32 + lane_thread()], 0);
  if (a->wrong == WIDE_NOT_WAITED) return;
  wide_wait(1, 16, d[0]);
  wide_wait(0, 16, d[1]);
  for (int i = 0; i < 8; i++) {
    const int at = wide_row(i / 2 % 2) * 16 + wide_col(i / 4) + i % 2;
    a->out[at] = d[0][i], a->out[1024 + at] = d[1][i];
  }
}

// A's first 16 numbers of k with B of 16 rows of 128 columns, of which out has the first 8 and those from 64
// on.
KERNEL(nf_planted_wide_turned, nf_planted, 128, 1) {
  SHARED uint32_t *tiles = block_shared();
  float d[64];
  lane_wait();
  for (int at = lane_thread(); at < 2 * 16 * 32; at += lane_threads()) {
    const int tile = at / 512, row = at / 32 % 16, word = at % 32, column = tile * 64 + word * 2;
    shared_put(&tiles[tile * 512 + wide_place(row, word / 4) * 4 + word % 4],
               f32x2_to_bf16x2(wide_number(a, column, row), wide_number(a, column + 1, row)));
  }
  wide_publish();
  block_sync();
  wide_begin();
  wide_mma_bf16_turned(128, d, wide_fragment(a, 0), wide_turned(tiles, 2048), false);
  wide_commit();
  wide_wait(0, 128, d);
  for (int i = 0; i < 4; i++)
    for (int half = 0; half < 2; half++)
      a->out[wide_row(i / 2) * 16 + 8 * half + wide_col(0) + i % 2] = d[32 * half + i];
}

// 1 times 1, and beside it 2^-13 in even columns, 2^-14 in the others, of which the sum keeps nothing.
KERNEL(nf_planted_wide_fp8, nf_planted, 128, 1) {
  SHARED u32x4 *tile = block_shared();
  float d[8];
  lane_wait();
  const int row = lane_thread() / 2, pack = lane_thread() % 2;
  const uint32_t codes = row % 2 ? 0x0238 : 0x0438;
  if (row < 16) shared_put(&tile[wide_place(row, pack)], (u32x4){pack == 0 ? codes : 0});
  wide_publish();
  block_sync();
  const uint32_t first = wide_k(0) == 0 ? 0x0838 : 0;
  wide_begin();
  wide_mma_e4m3(16, d, ((wide_a){{first, first}}), wide_tile(tile), false);
  wide_commit();
  wide_wait(0, 16, d);
  for (int i = 0; i < 8; i++) a->out[wide_row(i / 2 % 2) * 16 + wide_col(i / 4) + i % 2] = d[i];
}
#endif

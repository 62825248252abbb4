// SPDX-License-Identifier: Apache-2.0
// Matrix units: products of 16 rows (of a weight) with TILE_COLS columns (tokens) over TILE_K numbers of 16
// bits, sums in float32. mma.sync.m16n8k16 on NVIDIA, MFMA 16x16x16 on AMD, loops on the host. All lanes of
// the wave take part; which part is each one's is said by functions, so that kernels are written once:
//
//   tile_a  of TILE_ROWS of the 16 rows (tile_row(i)) 4 numbers each, two in a word, the lower first
//   tile_b  of one column (tile_col()) 4 numbers
//           those 4 are chunk tile_chunk() of the 4 that TILE_K has. Which k's a chunk holds is the kernel's
//           to say, as long as a and b agree: so a lane may take 16 consecutive bytes of a row and spread
//           them over products.
//   sums    of four places: acc[i] is that of row tile_sum_row(i), column tile_sum_col(i)
//
// Sums may be the columns of a next product, their rows its k's: tile_sums_b takes acc[0] and acc[1] as one
// word of 16-bit numbers, acc[2] and acc[3] as another; number j of a lane's chunk is then that of row
// tile_sums_k(j). A lane's sums are of TILE_SUM_COLS columns, acc[i] of column i % TILE_SUM_COLS; what it has
// of one, tile_rows_sum and tile_rows_max join over the lanes that have other rows.
#pragma once
#include "kernels/gpu/lane/lane.h"

enum { TILE_K = 16, TILE_CHUNKS = 4 };
#if LANES == 32
enum { TILE_COLS = 8, TILE_ROWS = 2, TILE_SUM_COLS = 2 };
INLINE int tile_row(int i) { return lane_id() / 4 + 8 * i; }
INLINE int tile_col(void) { return lane_id() / 4; }
INLINE int tile_chunk(void) { return lane_id() % 4; }
INLINE int tile_sum_row(int i) { return lane_id() / 4 + i / 2 * 8; }
INLINE int tile_sum_col(int i) { return lane_id() % 4 * 2 + i % 2; }
INLINE int tile_sums_k(int j) { return lane_id() % 4 * 2 + j % 2 + j / 2 * 8; }
#else
enum { TILE_COLS = 16, TILE_ROWS = 1, TILE_SUM_COLS = 1 };
INLINE int tile_row(int i) { return (void)i, lane_id() % 16; }
INLINE int tile_col(void) { return lane_id() % 16; }
INLINE int tile_chunk(void) { return lane_id() / 16; }
INLINE int tile_sum_row(int i) { return lane_id() / 16 * 4 + i; }
INLINE int tile_sum_col(int i) { return (void)i, lane_id() % 16; }
INLINE int tile_sums_k(int j) { return lane_id() / 16 * 4 + j; }
#endif

typedef struct tile_a {
  uint32_t r[TILE_ROWS][2];
} tile_a;
typedef struct tile_b {
  uint32_t r[2];
} tile_b;

#if defined(__NVPTX__)
INLINE uint32_t tile_turned(uint32_t x) { // of 8 by 8 numbers
  uint32_t r;
  __asm__("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(r) : "r"(x));
  return r;
}
#elif LANES == 32
INLINE uint32_t tile_turned(uint32_t x) {
  const int from = lane_id() % 4 * 8 + lane_id() / 8, half = lane_id() / 4 % 2 * 16;
  const uint32_t a = lane_shuffle(x, from), b = lane_shuffle(x, from + 4);
  return (a >> half & 0xffff) | (b >> half) << 16;
}
#else
INLINE uint32_t tile_turned(uint32_t x) { return x; }
#endif
INLINE tile_b tile_sums_b(uint32_t first, uint32_t second) {
  return (tile_b){{tile_turned(first), tile_turned(second)}};
}

INLINE float tile_rows_max(float v) {
  for (int mask = TILE_SUM_COLS == 2 ? 4 : 16; mask < LANES; mask *= 2)
    v = __builtin_fmaxf(v, lane_shuffle_xor_f32(v, mask));
  return v;
}
INLINE float tile_rows_sum(float v) {
  for (int mask = TILE_SUM_COLS == 2 ? 4 : 16; mask < LANES; mask *= 2) v += lane_shuffle_xor_f32(v, mask);
  return v;
}

#if defined(__NVPTX__)
#define TILE_MMA(type)                                                                                   \
  INLINE f32x4 tile_mma_##type(tile_a a, tile_b b, f32x4 c) {                                            \
    float x = c[0], y = c[1], z = c[2], w = c[3];                                                        \
    __asm__("mma.sync.aligned.m16n8k16.row.col.f32." #type "." #type                                     \
            ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                       \
            : "+f"(x), "+f"(y), "+f"(z), "+f"(w)                                                         \
            : "r"(a.r[0][0]), "r"(a.r[1][0]), "r"(a.r[0][1]), "r"(a.r[1][1]), "r"(b.r[0]), "r"(b.r[1])); \
    return (f32x4){x, y, z, w};                                                                          \
  }
TILE_MMA(bf16)
TILE_MMA(f16)
#undef TILE_MMA
#elif defined(__AMDGPU__)
typedef short tile_s4 __attribute__((vector_size(8)));
typedef _Float16 tile_h4 __attribute__((vector_size(8)));
INLINE f32x4 tile_mma_bf16(tile_a a, tile_b b, f32x4 c) {
  return __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(__builtin_bit_cast(tile_s4, a.r[0]),
                                                   __builtin_bit_cast(tile_s4, b.r), c, 0, 0, 0);
}
INLINE f32x4 tile_mma_f16(tile_a a, tile_b b, f32x4 c) {
  return __builtin_amdgcn_mfma_f32_16x16x16f16(__builtin_bit_cast(tile_h4, a.r[0]),
                                               __builtin_bit_cast(tile_h4, b.r), c, 0, 0, 0);
}
#else
#include "kernels/gpu/tile/host.h"
#endif

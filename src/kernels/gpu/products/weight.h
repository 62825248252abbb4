// SPDX-License-Identifier: Apache-2.0
// Rows of weights as they lie in memory, turned into what matrix units take: no shared memory is needed for
// them. A lane loads 16 consecutive bytes of a row, its chunk (tile_chunk) of the 64 that four lanes have,
// and spreads their numbers over products of TILE_K:
//
//   format   numbers of 16 bytes   products   as
//   bf16     8                     2          bf16
//   fp8      16                    4          f16
//
// Which k's meet in a product is nobody's concern as long as both factors agree, so those of x are taken from
// the same places of its row in the same way: bf16 by part_bf16, fp8 by part_fp8. Weights of experts lie
// packed and come word by word.
//
//   tile_b b = tile_b_of(part_fp8(load, p));      tile_a a; tile_a_put(&a, i, part_fp8(load, p));
#pragma once
#include "kernels/gpu/tile/tile.h"

INLINE void tile_a_put(tile_a *a, int i, u32x2 part) { a->r[i][0] = part[0], a->r[i][1] = part[1]; }
INLINE tile_b tile_b_of(u32x2 part) { return (tile_b){{part[0], part[1]}}; }

// The four numbers of product p.
INLINE u32x2 part_bf16(u32x4 v, int p) { return (u32x2){v[2 * p], v[2 * p + 1]}; }
INLINE u32x2 part_fp8(u32x4 v, int p) {
  return (u32x2){e4m3x2_to_f16x2((uint16_t)v[p]), e4m3x2_to_f16x2((uint16_t)(v[p] >> 16))};
}

// ---- packed weights: strips of 32 rows, of which a lane has words (tensor/pack.h) ----

// Products of numbers of bf16, two in a word, where they are bf16 too.
INLINE uint32_t bf16x2_times(uint32_t x, uint32_t y) {
#if defined(__NVPTX__)
  uint32_t r;
  __asm__("mul.rn.bf16x2 %0, %1, %2;" : "=r"(r) : "r"(x), "r"(y));
  return r;
#else
  return lane_as_u32(bf16x2_lo(x) * bf16x2_lo(y)) >> 16 |
         (lane_as_u32(bf16x2_hi(x) * bf16x2_hi(y)) & 0xffff0000u);
#endif
}

// What the numbers of mxfp4_pairs are multiplied with, twice in a word: 2^(s % 128 - 1) for the scale
// 2^(s - 127).
INLINE uint32_t mxfp4_factor(uint32_t s) { return (s & 0x7f) * 0x00800080u + 0x3f003f00u; }

// The 8 codes of a word as numbers, in their order. The bits of a code where bf16 has the end of its exponent
// and the begin of its fraction are its number times 2^-126, that of 0.5 too, which is subnormal in both.
INLINE void mxfp4_codes(uint32_t w, uint32_t out[4]) { // times 2^-126
  const uint32_t code = 0x81c081c0u, end = 0x00400040u;
  out[0] = w & code;
  out[1] = w << 6 & code;
  out[2] = (w << 4 & (code & ~end)) | (w >> 4 & end);
  out[3] = (w >> 6 | w << 26) & code;
}
INLINE void mxfp4_pairs(uint32_t w, uint32_t factor, uint32_t out[4]) {
  mxfp4_codes(w, out);
  UNROLL for (int i = 0; i < 4; i++) out[i] = bf16x2_times(out[i], factor);
}

// The rest of a scale of 2 and above, which is seldom: float32 has no 2^(s - 1) for all of them.
INLINE uint32_t mxfp4_beyond(uint32_t x, uint32_t s) {
#if defined(__NVPTX__)
  __asm__ volatile("" : "+r"(x)); // not computed for all, to be chosen from
#endif
  return s < 128 ? x : bf16x2_times(bf16x2_times(x, 0x7f007f00u), s == 255 ? 0x7fc07fc0u : 0x40004000u);
}

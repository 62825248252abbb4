// SPDX-License-Identifier: Apache-2.0
// Rows of weights as they lie in memory, turned into what matrix units take: no shared memory is needed for
// them. A lane loads 16 consecutive bytes of a row, its chunk (tile_chunk) of the 64 that four lanes have,
// and spreads their numbers over products of TILE_K:
//
//   format   numbers of 16 bytes   products   as
//   bf16     8                     2          bf16
//   fp8      16                    4          f16
//   mxfp4    32, a scale's group   8          bf16, the scale in
//
// Which k's meet in a product is nobody's concern as long as both factors agree, so those of x are taken from
// the same places of its row in the same way: bf16 by part_bf16, fp8 by part_fp8, and beside mxfp4 the four
// packs of 16 bytes, pack i being of products 2 i and 2 i + 1, by part_bf16 of pack_beside_mxfp4.
//
//   tile_b b = tile_b_of(part_fp8(load, p));      tile_a a; tile_a_put(&a, i, part_fp8(load, p));
#pragma once
#include "kernels/gpu/tile/tile.h"

enum { NUMBERS_BF16 = 8, NUMBERS_FP8 = 16, NUMBERS_MXFP4 = 32 };

INLINE void tile_a_put(tile_a *a, int i, u32x2 part) { a->r[i][0] = part[0], a->r[i][1] = part[1]; }
INLINE tile_b tile_b_of(u32x2 part) { return (tile_b){{part[0], part[1]}}; }

// The four numbers of product p.
INLINE u32x2 part_bf16(u32x4 v, int p) { return (u32x2){v[2 * p], v[2 * p + 1]}; }
INLINE u32x2 part_fp8(u32x4 v, int p) {
  return (u32x2){e4m3x2_to_f16x2((uint16_t)v[p]), e4m3x2_to_f16x2((uint16_t)(v[p] >> 16))};
}

// Two numbers of bf16 times another, where the products are bf16 too.
INLINE uint32_t bf16x2_scaled(uint32_t x, float by) {
#if defined(__NVPTX__)
  uint32_t r;
  __asm__("{.reg .b32 b; cvt.rn.bf16x2.f32 b, %2, %2; mul.rn.bf16x2 %0, %1, b;}" : "=r"(r) : "r"(x), "f"(by));
  return r;
#else
  return lane_as_u32(bf16x2_lo(x) * by) >> 16 | (lane_as_u32(bf16x2_hi(x) * by) & 0xffff0000u);
#endif
}

// 2^e, e in [-126, 127].
INLINE float mxfp4_power(int e) { return lane_as_f32((uint32_t)(e + 127) << 23); }

// All 32 numbers with their scale 2^(s - 127): those of product p are out[2 p] and out[2 p + 1]. The bits of
// an e2m1 code where bf16 has the end of its exponent and the begin of its fraction are the number times
// 2^-126, that of 0.5 too, which is subnormal in both. A code and the one four behind it share a word.
INLINE void unpack_mxfp4(u32x4 v, uint8_t s, uint32_t out[16]) {
  const float by = s == 255 ? lane_as_f32(0x7fc00000u) : mxfp4_power((s < 128 ? s : 128) - 1);
  UNROLL for (int i = 0; i < 4; i++) UNROLL for (int j = 0; j < 4; j++) {
    const uint32_t sign = v[i] << (12 - 4 * j) & 0x80008000u;
    const uint32_t rest = (j < 2 ? v[i] << (6 - 4 * j) : v[i] >> (4 * j - 6)) & 0x01c001c0u;
    out[4 * i + j] = bf16x2_scaled(sign | rest, by);
  }
  if (s <= 128) return;
  UNROLL for (int i = 0; i < 16; i++) out[i] = bf16x2_scaled(out[i], mxfp4_power(s - 128)); // beyond float32
}
INLINE u32x2 part_mxfp4(const uint32_t unpacked[16], int p) {
  return (u32x2){unpacked[2 * p], unpacked[2 * p + 1]};
}

// 8 numbers of x in the order of 8 codes.
INLINE u32x4 pack_beside_mxfp4(u32x4 x) {
  return (u32x4){(x[0] & 0xffff) | x[2] << 16, x[0] >> 16 | (x[2] & 0xffff0000u),
                 (x[1] & 0xffff) | x[3] << 16, x[1] >> 16 | (x[3] & 0xffff0000u)};
}

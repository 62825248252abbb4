// SPDX-License-Identifier: Apache-2.0
// FP8 codes and scales of float32 values: the reference's, bit by bit.
#pragma once
#include "kernels/cpu/generic/row.h"

// Of `most` and |x| the larger; what is no number does not count.
NF_INLINE v8 nf_highest(v8 most, v8 x) {
  const v8 u = v8_abs(x);
  return v8_select(v8i_less((v8i)most, (v8i)u) & ~v8_is_nan(u), u, most); // as bits: none is negative
}

NF_INLINE float nf_fp8_scale(v8 most) {
  const float part = v8_highest(most) / 448;
  return part == 0 ? 1 : part;
}

// nf_e4m3_encode of each lane.
NF_INLINE v8u nf_e4m3(v8 x) {
  const v8u bits = (v8u)x, u = bits & 0x7fffffff;
  const v8u tiny = (v8u)((v8)u + v8_splat(0x1p14f)) - (141u << 23); // the bits of 0x1p14f
  const v8u usual = (u + 0x7ffff + (u >> 20 & 1) - (120u << 23)) >> 20;
  const v8u is_tiny = (v8u)v8i_less((v8i)u, (v8i)v8_splat(0x1p-6f)),
            is_large = ~(v8u)v8i_less((v8i)u, (v8i)v8_splat(448)), is_nan = (v8u)v8_is_nan(x);
  v8u m = (tiny & is_tiny) | (usual & ~is_tiny);
  m = (m & ~is_large) | (is_large & 0x7e);
  m = (m & ~is_nan) | (is_nan & 0x7f);
  return m | (bits >> 24 & 0x80);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NF_LOW_BYTES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define NF_LOW_BYTES 1, 3, 5, 7, 9, 11, 13, 15
#endif

// The codes of x[n] under one scale; x can be read up to a multiple of 8.
NF_INLINE void nf_codes(const float *x, int64_t n, float scale, uint8_t *out) {
  const v8 by = v8_splat(scale);
  for (int64_t i = 0; i < n; i += 8) {
    const v8h h = __builtin_convertvector(nf_e4m3(v8_load(x + i) / by), v8h);
    const v16b b = __builtin_shufflevector((v16b)h, (v16b)h, NF_LOW_BYTES, NF_LOW_BYTES);
    memcpy(out + i, &b, i + 8 <= n ? 8 : (size_t)(n - i));
  }
}

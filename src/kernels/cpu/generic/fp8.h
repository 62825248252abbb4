// SPDX-License-Identifier: Apache-2.0
// FP8 codes and scales of float32 values: the reference's, bit by bit.
#pragma once
#include "kernels/cpu/generic/row.h"

// Of `most` and |x| the larger; what is no number does not count.
NF_INLINE v8 nf_highest(v8 most, v8 x) {
#if defined(NF_HAS_MASKS)
  const __mmask8 number = _mm256_cmp_ps_mask((__m256)x, (__m256)x, _CMP_ORD_Q);
  const __m256i m = (__m256i)most;
  return (v8)_mm256_mask_max_epi32(m, number, m, (__m256i)v8_abs(x));
#else
  const v8i u = (v8i)v8_abs(x), number = u & ~v8_is_nan(x);
#if defined(__AVX2__)
  return (v8)_mm256_max_epi32((__m256i)most, (__m256i)number); // as bits: none is negative
#else
  return v8_select(v8i_less((v8i)most, number), (v8)number, most);
#endif
#endif
}

NF_INLINE float nf_fp8_scale(v8 most) {
  const float part = v8_highest(most) / 448;
  return part == 0 ? 1 : part;
}

typedef struct nf_e4m3_constants {
  v8u magnitude, one, half, tiny, least_normal, most, most_code, infinity, nan_code, sign;
} nf_e4m3_constants;
NF_INLINE nf_e4m3_constants nf_e4m3_begin(void) {
  return (nf_e4m3_constants){.magnitude = v8u_constant(0x7fffffff),
                             .one = v8u_constant(1),
                             .half = v8u_constant(0x7ffff - (120u << 23)), // half a unit, and another bias
                             .tiny = v8u_constant(141u << 23),             // 0x1p14f
                             .least_normal = v8u_constant(121u << 23),     // 0x1p-6f
                             .most = v8u_constant(135u << 23 | 0x600000),  // 448
                             .most_code = v8u_constant(0x7e),
                             .infinity = v8u_constant(0x7f800000),
                             .nan_code = v8u_constant(0x7f),
                             .sign = v8u_constant(0x80)};
}

// nf_e4m3_encode of each lane.
NF_INLINE v8u nf_e4m3(const nf_e4m3_constants *c, v8 x) {
  const v8u bits = (v8u)x, u = bits & c->magnitude;
  const v8u tiny = (v8u)((v8)u + (v8)c->tiny) - c->tiny;
#if defined(NF_HAS_MASKS)
  const __mmask8 odd = _mm256_test_epi32_mask((__m256i)u, _mm256_set1_epi32(1 << 20)),
                 is_tiny = _mm256_cmplt_epi32_mask((__m256i)u, (__m256i)c->least_normal),
                 is_nan = _mm256_cmpgt_epi32_mask((__m256i)u, (__m256i)c->infinity);
  __m256i code = (__m256i)(u + c->half);
  code = _mm256_srli_epi32(_mm256_mask_add_epi32(code, odd, code, (__m256i)c->one), 20);
  code = _mm256_min_epu32(_mm256_mask_mov_epi32(code, is_tiny, (__m256i)tiny), (__m256i)c->most_code);
  code = _mm256_mask_mov_epi32(code, is_nan, (__m256i)c->nan_code);
  return (v8u)code | (bits >> 24 & c->sign);
#else
  const v8u usual = (u + c->half + (u >> 20 & c->one)) >> 20;
  const v8u is_tiny = (v8u)v8i_less((v8i)u, (v8i)c->least_normal),
            is_less = (v8u)v8i_less((v8i)u, (v8i)c->most), is_nan = (v8u)v8i_less((v8i)c->infinity, (v8i)u);
  v8u m = (tiny & is_tiny) | (usual & ~is_tiny);
  m = (m & is_less) | (c->most_code & ~is_less);
  m |= is_nan & c->nan_code;
  return m | (bits >> 24 & c->sign);
#endif
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NF_LOW_BYTES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define NF_LOW_BYTES 1, 3, 5, 7, 9, 11, 13, 15
#endif

typedef struct nf_eight_codes {
  uint8_t code[8];
} nf_eight_codes;
NF_INLINE nf_eight_codes nf_e4m3_codes(const nf_e4m3_constants *c, v8 x) {
  nf_eight_codes codes;
#if defined(NF_HAS_MASKS)
  _mm_storel_epi64((__m128i *)&codes, _mm256_cvtepi32_epi8((__m256i)nf_e4m3(c, x)));
#else
  const v8h h = __builtin_convertvector(nf_e4m3(c, x), v8h);
  const v16b b = __builtin_shufflevector((v16b)h, (v16b)h, NF_LOW_BYTES, NF_LOW_BYTES);
  memcpy(&codes, &b, sizeof codes);
#endif
  return codes;
}

// The codes of x[n] under one scale; x can be read up to a multiple of 8.
static __attribute__((noinline, unused)) void nf_codes(const float *x, int64_t n, float scale, uint8_t *out) {
  const nf_e4m3_constants c = nf_e4m3_begin();
  const v8 by = v8_splat(scale);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const nf_eight_codes codes = nf_e4m3_codes(&c, v8_load(x + i) / by);
    memcpy(out + i, &codes, sizeof codes);
  }
  if (i == n) return;
  const nf_eight_codes codes = nf_e4m3_codes(&c, v8_load(x + i) / by);
  memcpy(out + i, &codes, (size_t)(n - i));
}

// Row r of y from h, its columns as float32 with zeros behind up to a multiple of 8.
static __attribute__((noinline, unused)) void nf_quantise_row(const nf_tensor *y, int64_t r, const float *h) {
  const int64_t cols = nf_tensor_cols(y), group = nf_dtype_of(y->dtype)->group_cols;
  float *scale = nf_tensor_scales(y, r);
  uint8_t *code = nf_tensor_row(y, r);
  for (int64_t k = 0; k < cols; k += group) {
    const int64_t n = nf_min(group, cols - k);
    v8 most = v8_splat(0);
    for (int64_t i = k; i < k + n; i += 8) most = nf_highest(most, v8_load(h + i));
    *scale = nf_fp8_scale(most);
    nf_codes(h + k, n, *scale++, code + k);
  }
}

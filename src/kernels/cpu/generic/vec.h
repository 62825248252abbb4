// SPDX-License-Identifier: Apache-2.0
// Eight floats at a time, in the compiler's vector types: the same source becomes SSE2, NEON or AVX2 code by
// the flags of its folder. NF_ISA is the folder's name and ends the names of its kernels.
#pragma once
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif
// Masks of AVX-512, over vectors of eight: the same bits by fewer operations.
#if defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define NF_HAS_MASKS 1
#endif

#pragma GCC diagnostic ignored "-Wpsabi" // vectors never cross a call that is not inlined

#define NF_PASTE_(a, b) a##_##b
#define NF_PASTE(a, b) NF_PASTE_(a, b)
#define NF_KERNEL(name) NF_PASTE(nf_##name, NF_ISA)
#define NF_BLOCKS(name) NF_PASTE(NF_KERNEL(name), blocks)
#define NF_SCRATCH(name) NF_PASTE(NF_KERNEL(name), scratch)
#define NF_SHARED(name) NF_PASTE(NF_KERNEL(name), shared)
#define NF_THEN(name) NF_PASTE(NF_KERNEL(name), then)
#define NF_THEN_BLOCKS(name) NF_PASTE(NF_KERNEL(name), then_blocks)

typedef float v8 __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));
typedef uint32_t v8u __attribute__((vector_size(32)));
typedef uint16_t v8h __attribute__((vector_size(16)));
typedef uint8_t v16b __attribute__((vector_size(16)));
#define NF_INLINE static inline __attribute__((always_inline))

NF_INLINE v8 v8_splat(float x) { return (v8){x, x, x, x, x, x, x, x}; }
NF_INLINE v8 v8_load(const float *p) {
  v8 r;
  memcpy(&r, p, sizeof r);
  return r;
}
NF_INLINE void v8_store(float *p, v8 x) { memcpy(p, &x, sizeof x); }
NF_INLINE v8 v8_load_bf16(const uint16_t *p) {
  v8h h;
  memcpy(&h, p, sizeof h);
  return (v8)(__builtin_convertvector(h, v8u) << 16);
}

// Masks by subtraction and shift: compilers turn comparisons of vectors that the processor has not into
// scalar code.
NF_INLINE v8i v8i_less(v8i a, v8i b) { return (a - b) >> 31; } // of a, b >= 0
NF_INLINE v8 v8_abs(v8 x) { return (v8)((v8u)x & 0x7fffffff); }
NF_INLINE v8i v8_is_nan(v8 x) {
#if defined(__AVX2__)
  return (v8i)_mm256_cmp_ps((__m256)x, (__m256)x, _CMP_UNORD_Q);
#else
  return v8i_less((v8i){0} + 0x7f800000, (v8i)v8_abs(x));
#endif
}
NF_INLINE v8 v8_select(v8i mask, v8 yes, v8 no) { return (v8)(((v8i)yes & mask) | ((v8i)no & ~mask)); }

// A constant that stays where it is: loops with many of them would make each anew in every round, by way of
// an integer register.
NF_INLINE v8u v8u_constant(uint32_t x) {
  v8u c = (v8u){0} + x;
#if defined(__AVX2__)
  __asm__("" : "+x"(c));
#endif
  return c;
}

// In the upper halves, rounded to nearest even; NaN stays a quiet NaN.
NF_INLINE v8u v8_bf16(v8 x) {
#if defined(NF_HAS_MASKS)
  const __m256i u = (__m256i)x;
  const __mmask8 odd = _mm256_test_epi32_mask(u, _mm256_set1_epi32(0x10000)),
                 nan = _mm256_cmp_ps_mask((__m256)x, (__m256)x, _CMP_UNORD_Q);
  __m256i r = _mm256_add_epi32(u, _mm256_set1_epi32(0x7fff));
  r = _mm256_mask_add_epi32(r, odd, r, _mm256_set1_epi32(1));
  return (v8u)_mm256_mask_or_epi32(r, nan, u, _mm256_set1_epi32(0x400000));
#else
  const v8u u = (v8u)x, nan = (v8u)v8_is_nan(x);
  return ((u + 0x7fff + (u >> 16 & 1)) & ~nan) | ((u | 0x400000) & nan);
#endif
}
NF_INLINE v8 v8_round_bf16(v8 x) { return (v8)(v8_bf16(x) & 0xffff0000); }
NF_INLINE void v8_store_bf16(uint16_t *p, v8 x) {
#if defined(NF_HAS_MASKS)
  _mm_storeu_si128((__m128i *)p, _mm256_cvtepi32_epi16((__m256i)(v8_bf16(x) >> 16)));
#else
  const v8h h = __builtin_convertvector(v8_bf16(x) >> 16, v8h);
  memcpy(p, &h, sizeof h);
#endif
}

// clang-format off
#define NF_E4M3_EIGHT(s, x) s (x), s 1.125f * (x), s 1.25f * (x), s 1.375f * (x), s 1.5f * (x), s 1.625f * (x), s 1.75f * (x), s 1.875f * (x)
#define NF_E4M3_HALF(s)                                                                                     \
  s 0.0f, s 0x1p-17f, s 0x2p-17f, s 0x3p-17f, s 0x4p-17f, s 0x5p-17f, s 0x6p-17f, s 0x7p-17f,               \
  NF_E4M3_EIGHT(s, 0x1p-14f), NF_E4M3_EIGHT(s, 0x1p-13f), NF_E4M3_EIGHT(s, 0x1p-12f),                       \
  NF_E4M3_EIGHT(s, 0x1p-11f), NF_E4M3_EIGHT(s, 0x1p-10f), NF_E4M3_EIGHT(s, 0x1p-9f),                        \
  NF_E4M3_EIGHT(s, 0x1p-8f), NF_E4M3_EIGHT(s, 0x1p-7f), NF_E4M3_EIGHT(s, 0x1p-6f),                          \
  NF_E4M3_EIGHT(s, 0x1p-5f), NF_E4M3_EIGHT(s, 0x1p-4f), NF_E4M3_EIGHT(s, 0x1p-3f),                          \
  NF_E4M3_EIGHT(s, 0x1p-2f), NF_E4M3_EIGHT(s, 0x1p-1f), NF_E4M3_EIGHT(s, 0x1p0f)
// clang-format on

// Eight FP8 E4M3 codes, which are numbers, as 2^-8 of their values. Not by a product with subnormal numbers,
// which cost some processors a hundred cycles each: by way of float16, whose smallest codes are converted
// without them, or else from a table.
NF_INLINE v8 v8_load_e4m3(const uint8_t *p) {
#if defined(__F16C__)
  const __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)p));
  return (v8)_mm256_cvtph_ps(_mm_and_si128(_mm_slli_epi16(wide, 7), _mm_set1_epi16((short)0xbf80)));
#else
  static const float value[256] = {NF_E4M3_HALF(+), NF_E4M3_HALF(-)};
  return (v8){value[p[0]], value[p[1]], value[p[2]], value[p[3]],
              value[p[4]], value[p[5]], value[p[6]], value[p[7]]};
#endif
}

// a * b + c, fused where the processor has it.
NF_INLINE v8 v8_fma(v8 a, v8 b, v8 c) {
#if defined(__FMA__)
  return (v8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// As many floats as the processor multiplies at once, for loops whose lanes have nothing to do with each
// other: the same bits whatever the width.
#if defined(__AVX512F__)
enum { NF_WIDE = 16 };
#else
enum { NF_WIDE = 8 };
#endif
typedef float vw __attribute__((vector_size(NF_WIDE * sizeof(float))));
NF_INLINE vw vw_splat(float x) { return x - (vw){0}; } // -0 stays what it is
NF_INLINE vw vw_load(const float *p) {
  vw r;
  memcpy(&r, p, sizeof r);
  return r;
}
NF_INLINE void vw_store(float *p, vw x) { memcpy(p, &x, sizeof x); }
NF_INLINE vw vw_fma(vw a, vw b, vw c) {
#if defined(__AVX512F__)
  return (vw)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
  return v8_fma(a, b, c);
#endif
}

// a > b ? a : b and a < b ? a : b, so that b is what comes of no number.
NF_INLINE v8 v8_max(v8 a, v8 b) {
#if defined(__AVX2__)
  return (v8)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return v8_select(a > b, a, b);
#endif
}
NF_INLINE v8 v8_min(v8 a, v8 b) {
#if defined(__AVX2__)
  return (v8)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return v8_select(a < b, a, b);
#endif
}

// Lanes are added pairwise, always in the same order.
NF_INLINE float v8_sum(v8 x) { return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])); }
NF_INLINE float v8_highest(v8 x) {
  float m = x[0];
  for (int i = 1; i < 8; i++) m = x[i] > m ? x[i] : m;
  return m;
}

// e^x for x <= 0, to 2 units in the last place; below -87 it is 0. x = n ln 2 + r, |r| <= ln 2 / 2, and a
// polynomial for e^r (Taylor to the 7th power: 4e-9 relative).
NF_INLINE v8 v8_exp(v8 x) {
  const v8 shift = v8_splat(0x1.8p23f); // adding and taking it away rounds to a whole number
  const v8 n = (v8_fma(x, v8_splat(1.44269504f), shift)) - shift;
  v8 r = v8_fma(n, v8_splat(-0.693359375f), x);
  r = v8_fma(n, v8_splat(2.12194440e-4f), r);
  v8 p = v8_splat(1.0f / 5040);
  p = v8_fma(p, r, v8_splat(1.0f / 720));
  p = v8_fma(p, r, v8_splat(1.0f / 120));
  p = v8_fma(p, r, v8_splat(1.0f / 24));
  p = v8_fma(p, r, v8_splat(1.0f / 6));
  p = v8_fma(p, r, v8_splat(0.5f));
  p = v8_fma(p, r, v8_splat(1.0f));
  p = v8_fma(p, r, v8_splat(1.0f));
  const v8i scale = (__builtin_convertvector(n, v8i) + 127) << 23;
#if defined(NF_HAS_MASKS)
  const __mmask8 live = _mm256_cmp_ps_mask((__m256)v8_abs(x), (__m256)v8_splat(87.0f), _CMP_LT_OQ);
  return (v8)_mm256_maskz_mul_ps(live, (__m256)p, (__m256)scale);
#else
  const v8i live = v8i_less((v8i)v8_abs(x), (v8i)v8_splat(87.0f));
  return (v8)((v8i)(p * (v8)scale) & live);
#endif
}

// 1 / (1 + e^-x): e^-|x| never overflows.
NF_INLINE v8 v8_sigmoid(v8 x) {
  const v8 e = v8_exp((v8)((v8u)x | 0x80000000)), one = v8_splat(1);
#if defined(NF_HAS_MASKS)
  const __mmask8 nan = _mm256_cmp_ps_mask((__m256)x, (__m256)x, _CMP_UNORD_Q);
  const __m256 of = _mm256_mask_blend_ps(_mm256_movepi32_mask((__m256i)x), (__m256)one, (__m256)e);
  return (v8)_mm256_mask_blend_ps(nan, _mm256_div_ps(of, (__m256)(one + e)), (__m256)x);
#else
  const v8 y = v8_select((v8i)x >> 31, e, one) / (one + e);
  return v8_select(v8_is_nan(x), x, y);
#endif
}

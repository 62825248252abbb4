// SPDX-License-Identifier: Apache-2.0
// Weights of 16 rows side by side whose columns lie in pairs, and the order in which their products are
// summed. The sources of this folder are compiled for AVX-512 and for AMX.
//
// The order of sums is that of AMX's TDPBF16PS, whatever computes them: of each 32 columns the even and the
// odd ones are a chain of fused multiply-adds from zero each, and their sum is added to what was there.
// Subnormal numbers count as zero. So all kernels that read this order give the same bits.
//
// Scales never meet a code before it is multiplied. Those of 128 columns are multiplied with sums over these
// columns, those of rows with whole sums. Powers of two of MXFP4 change no bit wherever they are multiplied;
// they are taken as at least 2^-126 and at most 2^125, so that a weight is a bf16 number.
#pragma once
#include "base/checked.h"
#include "kernels/contract/args.h"
#include "kernels/cpu/generic/vec.h"
#include <immintrin.h>
#include <math.h>

enum {
  NF_STRIP = 16,  // rows side by side
  NF_STEP = 32,   // columns of a pair of chains, and columns of MXFP4 that share a scale
  NF_BLOCK = 128, // columns, and rows, of fp8b128 that share a scale; columns of fp8g128
  NF_FEW = 12,    // tokens of the largest tile of vector registers
  NF_PAIR = 32,   // bf16 numbers of two columns of a strip
};

typedef struct nf_matrix { // [N, K], in strips
  nf_dtype dtype;
  int64_t K, N;
  int64_t strip_bytes, step_bytes; // of codes
  const char *codes;
  const uint8_t *mx; // MXFP4: scales, mx_bytes of a strip
  int64_t mx_bytes;
  const nf_tensor *w; // whose rows from `first` on it is
  int64_t first;
} nf_matrix;

// Matrix e of w.
NF_INLINE nf_matrix nf_matrix_of(const nf_tensor *w, int64_t e) {
  const int64_t K = w->dim[w->rank - 1], N = w->dim[w->rank - 2], bits = nf_dtype_of(w->dtype)->bits;
  const int64_t strips = e * nf_ceil_div(N, NF_STRIP);
  nf_matrix m = {.dtype = w->dtype, .K = K, .N = N, .w = w, .first = e * N};
  m.strip_bytes = nf_round_up(K, 2) * NF_STRIP * bits / 8;
  m.step_bytes = NF_STEP * NF_STRIP * bits / 8;
  m.codes = (const char *)w->data + strips * m.strip_bytes;
  m.mx_bytes = K / NF_STEP * NF_STRIP;
  if (w->dtype == NF_MXFP4) m.mx = (const uint8_t *)w->scale + strips * m.mx_bytes;
  return m;
}

NF_INLINE int64_t nf_strips(const nf_matrix *m) { return nf_ceil_div(m->N, NF_STRIP); }
NF_INLINE const char *nf_codes_at(const nf_matrix *m, int64_t strip, int64_t k) {
  return m->codes + strip * m->strip_bytes + k / 2 * (m->step_bytes / 16);
}
NF_INLINE const uint8_t *nf_mx_at(const nf_matrix *m, int64_t strip, int64_t k) {
  return m->mx == NULL ? NULL : m->mx + strip * m->mx_bytes + k / NF_STEP * NF_STRIP;
}

// What sums over 128 columns each are multiplied with; NULL where there is no such scale.
NF_INLINE const float *nf_block_scales(const nf_matrix *m, int64_t strip) {
  return m->dtype == NF_FP8_BLOCK ? nf_tensor_scales(m->w, m->first + strip * NF_STRIP) : NULL;
}

NF_INLINE __mmask16 nf_first(int64_t n) { return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1); }

// ---- bf16 ----

NF_INLINE __m512 nf_widen_bf16(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

// The even and the odd ones of 32.
NF_INLINE __m512 nf_even_of(__m512i pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }
NF_INLINE __m512 nf_odd_of(__m512i pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000)));
}

// Rounded to nearest even, in the upper halves; NaN stays a quiet NaN.
NF_INLINE __m512i nf_bf16_bits(__m512 x) {
  const __m512i u = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i near = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 none = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  return _mm512_mask_or_epi32(near, none, u, _mm512_set1_epi32(0x400000));
}
NF_INLINE __m256i nf_to_bf16(__m512 x) {
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(nf_bf16_bits(x), 16));
}

// ---- codes ----

// 16 scales of MXFP4.
NF_INLINE __m512i nf_mx_exponents(const uint8_t *scales) {
  const __m512i s = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)scales));
  return _mm512_max_epi32(_mm512_min_epi32(s, _mm512_set1_epi32(252)), _mm512_set1_epi32(1));
}

// 2^-8 of 64 codes of E4M3, the even and the odd bytes, as float16, whose smallest numbers are converted to
// float32 whatever becomes of subnormal ones.
NF_INLINE __m512i nf_e4m3_even(__m512i codes) {
  return _mm512_and_si512(_mm512_srai_epi16(_mm512_slli_epi16(codes, 8), 1),
                          _mm512_set1_epi16((short)0xbf80));
}
NF_INLINE __m512i nf_e4m3_odd(__m512i codes) {
  return _mm512_and_si512(_mm512_srai_epi16(codes, 1), _mm512_set1_epi16((short)0xbf80));
}

// 32 codes of E4M3 as bf16.
NF_INLINE __m512i nf_e4m3_bf16(__m256i codes) {
  // 0 to 7 units of 2^-9, as often as the index has places
  const __m512i small =
      _mm512_broadcast_i32x4(_mm_setr_epi16(0, 0x3b00, 0x3b80, 0x3bc0, 0x3c00, 0x3c20, 0x3c40, 0x3c60));
  const __m512i c = _mm512_cvtepu8_epi16(codes);
  const __m512i usual = _mm512_add_epi16(_mm512_and_si512(_mm512_slli_epi16(c, 4), _mm512_set1_epi16(0x7f0)),
                                         _mm512_set1_epi16(0x3c00));
  const __mmask32 is_small = _mm512_testn_epi16_mask(c, _mm512_set1_epi16(0x78));
  const __m512i all = _mm512_mask_permutexvar_epi16(usual, is_small, c, small);
  return _mm512_or_si512(all, _mm512_and_si512(_mm512_slli_epi16(c, 8), _mm512_set1_epi16((short)0x8000)));
}

// 64 codes of E4M3 as bf16, the first 32 in *a. Upper and lower bytes are looked up apart. What the usual
// ones are wrong by where the exponent is 0 or 1 is found by the lower four bits; other codes find zeros.
NF_INLINE void nf_e4m3_lines(__m512i codes, __m512i *a, __m512i *b) {
  const __m512i upper = _mm512_broadcast_i32x4(_mm_setr_epi8(0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43,
                                                             (char)0xbc, (char)0xbd, (char)0xbe, (char)0xbf,
                                                             (char)0xc0, (char)0xc1, (char)0xc2, (char)0xc3));
  const __m512i less =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0x3c, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m512i other = _mm512_broadcast_i32x4(
      _mm_setr_epi8(0, 0x10, (char)0xa0, (char)0xf0, 0x40, 0x70, 0x20, 0x10, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m512i c = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), codes);
  const __m512i first = _mm512_and_si512(_mm512_srli_epi16(c, 4), _mm512_set1_epi8(0x0f));
  const __m512i small = _mm512_add_epi8(_mm512_and_si512(c, _mm512_set1_epi8(0x7f)), _mm512_set1_epi8(0x70));
  const __m512i high = _mm512_sub_epi8(_mm512_shuffle_epi8(upper, first), _mm512_shuffle_epi8(less, small));
  const __m512i low =
      _mm512_xor_si512(_mm512_and_si512(_mm512_slli_epi16(c, 4), _mm512_set1_epi8((char)0xf0)),
                       _mm512_shuffle_epi8(other, small));
  *a = _mm512_unpacklo_epi8(low, high);
  *b = _mm512_unpackhi_epi8(low, high);
}

NF_INLINE __m512 nf_low_of(__m512i halves) { return _mm512_cvtph_ps(_mm512_castsi512_si256(halves)); }
NF_INLINE __m512 nf_high_of(__m512i halves) { return _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1)); }

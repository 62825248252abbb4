// SPDX-License-Identifier: Apache-2.0
// Strips as lines of bf16: 16 rows times two columns are 64 bytes, 16 lines are a tile of AMX. For steps of
// many tokens, which decode a code once.
#pragma once
#include "kernels/cpu/pairs/strips.h"

// 32 columns of E4M3.
NF_INLINE void nf_lines_of_e4m3(const char *codes, uint16_t *out) {
  for (int i = 0; i < 16; i += 2) {
    __m512i a, b;
    nf_e4m3_lines(_mm512_loadu_si512(codes + i * NF_PAIR), &a, &b);
    _mm512_store_si512(out + i * NF_PAIR, a);
    _mm512_store_si512(out + (i + 1) * NF_PAIR, b);
  }
}

// 32 columns of MXFP4, scaled. The table has what codes are worth under the largest scale. What a row's scale
// is less is taken from the exponent, and from nothing, which stays zero, of either sign.
NF_INLINE void nf_lines_of_mx(const char *codes, const uint8_t *scales, uint16_t *out) {
  const __m512i table = _mm512_broadcast_i64x4(_mm256_setr_epi16(
      0, 0x7d80, 0x7e00, 0x7e40, 0x7e80, 0x7ec0, 0x7f00, 0x7f40, 0, (short)0xfd80, (short)0xfe00,
      (short)0xfe40, (short)0xfe80, (short)0xfec0, (short)0xff00, (short)0xff40));
  const __m512i less =
      _mm512_slli_epi32(_mm512_sub_epi32(_mm512_set1_epi32(252), nf_mx_exponents(scales)), 7);
  const __m512i down = _mm512_or_si512(less, _mm512_slli_epi32(less, 16));
  for (int i = 0; i < 4; i++) {
    const __m512i words = _mm512_loadu_si512(codes + 64 * i);
    for (int j = 0; j < 4; j++) {
      const __m512i value = _mm512_permutexvar_epi16(_mm512_srli_epi16(words, (unsigned)(4 * j)), table);
      _mm512_store_si512(out + (4 * i + j) * NF_PAIR, _mm512_subs_epu16(value, down));
    }
  }
}

// Codes of the columns behind the last whole 32, and zeros.
NF_INLINE void nf_end_of_strip(const nf_matrix *m, int64_t strip, int64_t k, int64_t n, char *out) {
  const int64_t bytes = nf_ceil_div(n, 2) * (m->step_bytes / 16);
  memset(out, 0, (size_t)m->step_bytes);
  memcpy(out, nf_codes_at(m, strip, k), (size_t)bytes);
}

static inline void nf_decode_step(const nf_matrix *m, const char *codes, const uint8_t *mx, uint16_t *out) {
  if (m->dtype == NF_MXFP4)
    nf_lines_of_mx(codes, mx, out);
  else if (m->dtype == NF_BF16)
    memcpy(out, codes, NF_STEP * NF_STRIP * sizeof *out);
  else
    nf_lines_of_e4m3(codes, out);
}

// Columns [k, k + n) of a strip in lines, zeros behind them up to a whole step: in `room`, or where they lie.
static inline const uint16_t *nf_lines(const nf_matrix *m, int64_t strip, int64_t k, int64_t n,
                                       uint16_t *room) {
  enum { AHEAD = 2048 };
  if (m->dtype == NF_BF16 && n % NF_STEP == 0) return (const uint16_t *)nf_codes_at(m, strip, k);
  int64_t i = 0;
  for (; i + NF_STEP <= n; i += NF_STEP) {
    const char *codes = nf_codes_at(m, strip, k + i);
    for (int64_t b = 0; b < m->step_bytes; b += 64) __builtin_prefetch(codes + AHEAD + b);
    nf_decode_step(m, codes, nf_mx_at(m, strip, k + i), room + i * NF_STRIP);
  }
  if (i < n) {
    char end[NF_STEP * NF_STRIP * sizeof(uint16_t)];
    nf_end_of_strip(m, strip, k + i, n - i, end);
    nf_decode_step(m, end, NULL, room + i * NF_STRIP);
  }
  return room;
}

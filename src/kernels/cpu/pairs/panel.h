// SPDX-License-Identifier: Apache-2.0
// Rows of activations, a panel of columns at a time: as float32 for vectors, as bf16 for tiles. Codes of FP8
// stay codes.
#pragma once
#include "kernels/cpu/generic/row.h"
#include "kernels/cpu/pairs/strips.h"

enum {
  NF_PANEL = 256, // columns: two strips of them as bf16 and two tiles of rows fit the first-level cache
#if NF_WITH_TILES
  NF_ROWS = 128, // rows that a block takes: whole pairs of tiles
#else
  NF_ROWS = 96, // whole tiles of NF_FEW
#endif
};

// What sums over 128 columns of a panel are multiplied with, out[group][padded]; 1 where there is no such
// scale.
static inline void nf_group_scales(const nf_tensor *x, const int64_t *from, int rows, int padded, int64_t k,
                                   int64_t n, float *out) {
  for (int t = 0; t < rows; t++) {
    const float *scale = x->dtype == NF_FP8_GROUP ? nf_tensor_scales(x, from[t]) : NULL;
    for (int64_t g = 0; g < n; g += NF_BLOCK)
      out[g / NF_BLOCK * padded + t] = scale ? scale[(k + g) / NF_BLOCK] : 1;
  }
}
NF_INLINE float nf_row_scale(const nf_tensor *x, int64_t row) {
  return x->dtype == NF_FP8_ROW ? *(const float *)nf_tensor_scales(x, row) : 1;
}

NF_INLINE __m512 nf_float_codes(const uint8_t *code, __mmask16 there) {
  const __m128i c = _mm_maskz_loadu_epi8(there, code), magnitude = _mm_and_si128(c, _mm_set1_epi8(0x7f));
  const __m256i wide = _mm256_cvtepi8_epi16(c);
  const __m256i half = _mm256_and_si256(_mm256_slli_epi16(wide, 7), _mm256_set1_epi16((short)0xbf80));
  const __mmask16 none = _mm_cmpeq_epi8_mask(magnitude, _mm_set1_epi8(0x7f));
  return _mm512_mask_mov_ps(_mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(0x1p8f)), none,
                            _mm512_set1_ps(NAN));
}

// Columns [k, k + n) of a row, zeros behind them up to a whole step.
static inline void nf_float_row(const nf_tensor *x, int64_t row, int64_t k, int64_t n, float *out) {
  const char *at = nf_tensor_row(x, row);
  for (int64_t i = 0; i < nf_round_up(n, NF_STEP); i += 16) {
    const __mmask16 there = nf_first(nf_max(0, n - i));
    __m512 v;
    if (x->dtype == NF_F32)
      v = _mm512_maskz_loadu_ps(there, (const float *)at + k + i);
    else if (x->dtype == NF_BF16)
      v = nf_widen_bf16(_mm256_maskz_loadu_epi16(there, (const uint16_t *)at + k + i));
    else
      v = nf_float_codes((const uint8_t *)at + k + i, there);
    _mm512_storeu_ps(out + i, v);
  }
}

// Rows from[t] as out[t][NF_PANEL], rows of zeros up to `padded` of them.
static inline void nf_float_panel(const nf_tensor *x, const int64_t *from, int rows, int padded, int64_t k,
                                  int64_t n, float *out) {
  for (int t = 0; t < rows; t++) nf_float_row(x, from[t], k, n, out + t * NF_PANEL);
  for (int t = rows; t < padded; t++)
    memset(out + t * NF_PANEL, 0, (size_t)nf_round_up(n, NF_STEP) * sizeof *out);
}

// The same as bf16 lines of 32 columns, [step][padded][32]: 16 rows of a step are a tile. x is bf16 or FP8.
static inline void nf_bf16_panel(const nf_tensor *x, const int64_t *from, int rows, int padded, int64_t k,
                                 int64_t n, uint16_t *out) {
  for (int t = 0; t < padded; t++) {
    const char *at = nf_tensor_row(x, from[nf_min(t, rows - 1)]);
    for (int64_t i = 0; i < n; i += NF_STEP) {
      const __mmask32 there = t < rows ? (__mmask32)((1ull << nf_min(NF_STEP, n - i)) - 1) : 0;
      __m512i v;
      if (x->dtype == NF_BF16) {
        v = _mm512_maskz_loadu_epi16(there, (const uint16_t *)at + k + i);
      } else {
        const __m256i c = _mm256_maskz_loadu_epi8(there, (const uint8_t *)at + k + i);
        const __mmask32 none =
            _mm256_cmpeq_epi8_mask(_mm256_and_si256(c, _mm256_set1_epi8(0x7f)), _mm256_set1_epi8(0x7f));
        v = _mm512_mask_mov_epi16(nf_e4m3_bf16(c), none, _mm512_set1_epi16(0x7fc0));
      }
      _mm512_store_si512(out + (i / NF_STEP * padded + t) * NF_STEP, v);
    }
  }
}

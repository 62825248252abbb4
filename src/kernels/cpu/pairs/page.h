// SPDX-License-Identifier: Apache-2.0
// A page of keys and values of one head, as strips of lines: keys side by side with pairs of their columns,
// and columns of values side by side with pairs of keys. Either is the second factor of a product.
#pragma once
#include "kernels/cpu/pairs/strips.h"

enum { NF_MOST_PAGE = 64, NF_MOST_HEAD = 256 };

typedef struct nf_page { // [strip][step][16 lines][NF_PAIR]
  _Alignas(64) uint16_t keys[NF_MOST_PAGE * NF_MOST_HEAD];
  uint16_t values[NF_MOST_PAGE * NF_MOST_HEAD];
} nf_page;

typedef struct nf_span { // keys [first, last] of a page
  int64_t first, last;
} nf_span;
NF_INLINE bool nf_span_is_empty(nf_span s) { return s.first > s.last; }
NF_INLINE bool nf_span_has(nf_span s, int64_t i) { return i >= s.first && i <= s.last; }

// Words of 16 rows, which become its columns.
NF_INLINE void nf_transpose(__m512i r[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m512i a = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    const __m512i c = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    const __m512i d = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
    t[i] = _mm512_shuffle_i32x4(a, b, 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
    t[8 + i] = _mm512_shuffle_i32x4(a, b, 0xdd);
    t[12 + i] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

// rows[page][head], `stride` apart. The same place of the next page is asked for, `ahead` from here.
static inline void nf_lines_of_keys(const uint16_t *rows, int64_t stride, int64_t page, int64_t head,
                                    int64_t ahead, uint16_t *out) {
  for (int64_t i = 0; i < page; i += NF_STRIP)
    for (int64_t d = 0; d < head; d += NF_STEP, out += 16 * NF_PAIR) {
      __m512i r[16];
      const uint16_t *at = rows + i * stride + d;
#pragma GCC unroll 16
      for (int j = 0; j < 16; j++) {
        r[j] = _mm512_loadu_si512(at + j * stride);
        __builtin_prefetch(at + j * stride + ahead, 0, 2);
      }
      nf_transpose(r);
#pragma GCC unroll 16
      for (int j = 0; j < 16; j++) _mm512_store_si512(out + j * NF_PAIR, r[j]);
    }
}

NF_INLINE __m512i nf_wide_words(const uint16_t *p, bool there) {
  return _mm512_maskz_cvtepu16_epi32(there ? 0xffff : 0, _mm256_loadu_si256((const __m256i *)p));
}

// The same of values. Those of other keys are nobody's and may be anything: zeros instead.
static inline void nf_lines_of_values(const uint16_t *rows, int64_t stride, int64_t page, int64_t head,
                                      int64_t ahead, nf_span keys, uint16_t *out) {
  for (int64_t i = 0; i < page; i += 2) {
    const uint16_t *even = rows + i * stride, *odd = even + stride;
    const bool has_even = nf_span_has(keys, i), has_odd = nf_span_has(keys, i + 1);
    for (int64_t d = 0; d < head; d += NF_STRIP) {
      const __m512i low = nf_wide_words(even + d, has_even), high = nf_wide_words(odd + d, has_odd);
      __builtin_prefetch(even + d + ahead, 0, 2);
      __builtin_prefetch(odd + d + ahead, 0, 2);
      _mm512_store_si512(out + d * page + i / 2 * NF_PAIR, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
  }
}

// Whether the values of these keys are all finite.
static inline bool nf_values_finite(const uint16_t *rows, int64_t stride, int64_t head, nf_span keys) {
  const __m512i exponent = _mm512_set1_epi16(0x7f80);
  __mmask32 none = 0;
  for (int64_t i = keys.first; i <= keys.last; i++)
    for (int64_t d = 0; d < head; d += NF_STEP) {
      const __m512i x = _mm512_and_si512(_mm512_loadu_si512(rows + i * stride + d), exponent);
      none |= _mm512_cmpeq_epi16_mask(x, exponent);
    }
  return none == 0;
}

// SPDX-License-Identifier: Apache-2.0
// Products of a few tokens: weights are decoded on their way into registers, each once.
#pragma once
#include "kernels/cpu/pairs/lines.h"

enum {
  // Weights are asked for so many bytes ahead, into the strip's next page. Where there are tiles (Xeons)
  // asking
  // for the first-level cache reads 4 to 13 % faster, elsewhere (an EPYC) for the second.
  NF_AHEAD = 2048,
#if NF_WITH_TILES
  NF_NEAR = 3,
#else
  NF_NEAR = 2,
#endif
};

typedef enum nf_as { NF_AS_LINES, NF_AS_E4M3, NF_AS_E2M1 } nf_as; // what 64 bytes of a strip are

// Pair i of 64 bytes of a strip, of E4M3 2^-8 of it. `as` and i are constants.
NF_INLINE void nf_pair(nf_as as, __m512i word, int i, __m512 *even, __m512 *odd) {
  if (as == NF_AS_LINES) {
    *even = nf_even_of(word);
    *odd = nf_odd_of(word);
  } else if (as == NF_AS_E4M3) {
    *even = i == 0 ? nf_low_of(nf_e4m3_even(word)) : nf_high_of(nf_e4m3_even(word));
    *odd = i == 0 ? nf_low_of(nf_e4m3_odd(word)) : nf_high_of(nf_e4m3_odd(word));
  } else {
    const __m512 table = _mm512_setr_ps(0, .5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -.5f, -1, -1.5f, -2, -3, -4, -6);
    *even = _mm512_permutexvar_ps(_mm512_srl_epi32(word, _mm_cvtsi32_si128(4 * i)), table);
    *odd = _mm512_permutexvar_ps(_mm512_srl_epi32(word, _mm_cvtsi32_si128(4 * i + 16)), table);
  }
}

// sum[strip][token][16] += x[token][k] w[strip][k][16] over n columns, whole steps. Numbers of tokens and
// strips are constants: both chains of all sums are in registers. More than two rounds unrolled gain nothing,
// and take compilers long.
NF_INLINE void nf_few_tile(int tokens, int strips, nf_as as, const float *x, int64_t ldx, const char *w,
                           int64_t strip_bytes, const uint8_t *mx, int64_t mx_bytes, int64_t n, float *sum,
                           int64_t strip_sums) {
  enum { MOST = 12 };
  const int pairs = as == NF_AS_LINES ? 1 : as == NF_AS_E4M3 ? 2 : 4; // of 64 bytes
  for (int64_t k = 0; k < n; k += NF_STEP) {
    __m512 even[MOST], odd[MOST];
    for (int i = 0; i < tokens * strips; i++) even[i] = odd[i] = _mm512_setzero_ps();
#pragma GCC unroll 2
    for (int p = 0; p < 16; p += pairs, w += 64) {
      __m512i word[4];
      for (int s = 0; s < strips; s++) {
        word[s] = _mm512_loadu_si512(w + s * strip_bytes);
        __builtin_prefetch(w + s * strip_bytes + NF_AHEAD, 0, NF_NEAR);
      }
      for (int i = 0; i < pairs; i++)
        for (int s = 0; s < strips; s++) {
          __m512 e, o;
          nf_pair(as, word[s], i, &e, &o);
          for (int t = 0; t < tokens; t++) {
            const float *at = x + t * ldx + k + 2 * (p + i);
            even[s * tokens + t] = _mm512_fmadd_ps(_mm512_set1_ps(at[0]), e, even[s * tokens + t]);
            odd[s * tokens + t] = _mm512_fmadd_ps(_mm512_set1_ps(at[1]), o, odd[s * tokens + t]);
          }
        }
    }
    for (int s = 0; s < strips; s++)
      for (int t = 0; t < tokens; t++) {
        float *to = sum + s * strip_sums + t * NF_STRIP;
        const __m512 both = _mm512_add_ps(even[s * tokens + t], odd[s * tokens + t]);
        if (as == NF_AS_E2M1) {
          const __m512i scale = _mm512_slli_epi32(nf_mx_exponents(mx + s * mx_bytes), 23);
          _mm512_storeu_ps(to, _mm512_fmadd_ps(both, _mm512_castsi512_ps(scale), _mm512_loadu_ps(to)));
        } else {
          _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), both));
        }
      }
    mx = as == NF_AS_E2M1 ? mx + NF_STRIP : mx;
  }
}

// Tokens that a tile takes of so many: what is more are rows of zeros.
NF_INLINE int nf_few_tokens(int tokens) { return tokens > 2 ? tokens + tokens % 2 : tokens; }
// Strips that one tile of them can take. Codes need registers on their way.
NF_INLINE int nf_few_strips(nf_as as, int tokens) {
  return tokens <= 2 ? 4 : tokens <= 6 && as == NF_AS_LINES ? 2 : 1;
}
// Tokens of each tile, if more than one are of the same size.
NF_INLINE int nf_few_of(int64_t rows) {
  return nf_few_tokens((int)nf_ceil_div(rows, nf_ceil_div(rows, NF_FEW)));
}

typedef struct nf_few { // the operands of a tile
  const float *x;
  int64_t ldx;
  const char *w;
  int64_t strip_bytes;
  const uint8_t *mx;
  int64_t mx_bytes, n;
  float *sum;
  int64_t strip_sums;
} nf_few;

// A tile of as many tokens and strips as those two functions allow.
NF_INLINE void nf_few_run(nf_as as, int tokens, int strips, const nf_few *f) {
#define TILE(T, S) \
  nf_few_tile(T, S, as, f->x, f->ldx, f->w, f->strip_bytes, f->mx, f->mx_bytes, f->n, f->sum, f->strip_sums)
  switch (tokens * 8 + strips) {
  case 1 * 8 + 4:
    TILE(1, 4);
    return;
  case 1 * 8 + 1:
    TILE(1, 1);
    return;
  case 2 * 8 + 4:
    TILE(2, 4);
    return;
  case 2 * 8 + 1:
    TILE(2, 1);
    return;
  case 4 * 8 + 2:
    TILE(4, 2);
    return;
  case 4 * 8 + 1:
    TILE(4, 1);
    return;
  case 6 * 8 + 2:
    TILE(6, 2);
    return;
  case 6 * 8 + 1:
    TILE(6, 1);
    return;
  case 8 * 8 + 1:
    TILE(8, 1);
    return;
  case 10 * 8 + 1:
    TILE(10, 1);
    return;
  default:
    TILE(12, 1);
  }
#undef TILE
}

static __attribute__((noinline, unused)) void nf_few_as(nf_as as, int tokens, int strips, const nf_few *f) {
  if (as == NF_AS_LINES)
    nf_few_run(NF_AS_LINES, tokens, strips, f);
  else if (as == NF_AS_E4M3)
    nf_few_run(NF_AS_E4M3, tokens, strips, f);
  else
    nf_few_run(NF_AS_E2M1, tokens, strips, f);
}

// SPDX-License-Identifier: Apache-2.0
// Softmax of a row, a page of keys at a time, and how parts of the keys are joined.
#pragma once
#include "kernels/cpu/pairs/page.h"

typedef struct nf_softmax { // the largest logit so far, and the sum of weights relative to it
  float max, sum;
} nf_softmax;

// e^x, x <= 0 but for rounding; below -87 it is 0, of what is no number none. x = n ln 2 + r, and Taylor's
// polynomial for e^r.
NF_INLINE __m512 nf_exp(__m512 x) {
  const __mmask16 live = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87), _CMP_NLE_UQ);
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693359375f), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
  static const float c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1};
  __m512 p = _mm512_set1_ps(1.0f / 5040);
  for (int i = 0; i < 7; i++) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c[i]));
  return _mm512_maskz_scalef_ps(live, p, n);
}
NF_INLINE float nf_exp_of(float x) { return _mm512_cvtss_f32(nf_exp(_mm512_set1_ps(x))); }

// The nearest bf16 number; of two the larger.
NF_INLINE __m512 nf_near_bf16(__m512 x) {
  const __m512i up = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32((int)0xffff0000)));
}

// Logits of a page in n vectors, of which `keys` count, become weights in two parts, w and low, which are
// what is left of them: to 2^-17 of each. What older keys gave fades by the result.
NF_INLINE float nf_weigh(int n, nf_span keys, float by, __m512 *w, __m512 *low, nf_softmax *s) {
  const uint64_t seen = ~0ull >> (63 - (keys.last - keys.first)) << keys.first;
  const __m512 scale = _mm512_set1_ps(by), none = _mm512_set1_ps(-INFINITY);
  __m512 highest = none, sum = _mm512_setzero_ps();
  for (int i = 0; i < n; i++) {
    w[i] = _mm512_mask_mul_ps(none, (__mmask16)(seen >> 16 * i), w[i], scale);
    highest = _mm512_max_ps(highest, w[i]);
  }
  const float page_max = _mm512_reduce_max_ps(highest), max = page_max > s->max ? page_max : s->max;
  const float fade = nf_exp_of(s->max - max);
  for (int i = 0; i < n; i++) {
    const __m512 weight = nf_exp(_mm512_sub_ps(w[i], _mm512_set1_ps(max)));
    w[i] = nf_near_bf16(weight);
    low[i] = nf_near_bf16(_mm512_sub_ps(weight, w[i]));
    sum = _mm512_add_ps(sum, _mm512_add_ps(w[i], low[i]));
  }
  s->max = max;
  s->sum = fmaf(s->sum, fade, _mm512_reduce_add_ps(sum));
  return fade;
}

// ---- splits: keys at fixed positions ----

enum {
  NF_SPLIT = 256,      // keys of the shortest, whole pages
  NF_MOST_SPLITS = 16, // of a token
};

// Keys of a split for a token at this position.
NF_INLINE int64_t nf_split_keys(int64_t position) {
  int64_t keys = NF_SPLIT;
  while (keys * NF_MOST_SPLITS <= position) keys *= 2;
  return keys;
}

// A split's softmax joins those before it: what they gave times `before`, and its own times `now`.
typedef struct nf_joint {
  float before, now;
} nf_joint;
NF_INLINE nf_joint nf_join(nf_softmax *all, nf_softmax split) {
  const float max = split.max > all->max ? split.max : all->max;
  const nf_joint j = {nf_exp_of(all->max - max), nf_exp_of(split.max - max)};
  *all = (nf_softmax){max, fmaf(split.sum, j.now, all->sum * j.before)};
  return j;
}
NF_INLINE __m512 nf_joined(nf_joint j, __m512 before, __m512 now) {
  return _mm512_fmadd_ps(now, _mm512_set1_ps(j.now), _mm512_mul_ps(before, _mm512_set1_ps(j.before)));
}

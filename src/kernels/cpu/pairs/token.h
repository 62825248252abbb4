// SPDX-License-Identifier: Apache-2.0
// Attention of one token: each page is read once, keys by way of registers that are transposed, values as
// they lie. Sums are those of strips.h, so that it has the bits of the kernels for many tokens.
#pragma once
#include "kernels/cpu/pairs/heads.h"

// Results of rows lie by 32 columns: the even ones, then the odd ones.
typedef struct nf_token_part { // of some keys
  nf_softmax s[NF_MOST_GROUP];
  _Alignas(64) float o[NF_MOST_GROUP][NF_MOST_HEAD];
} nf_token_part;

typedef struct nf_token_room {
  nf_token_part all, split;
  _Alignas(64) float q[NF_MOST_GROUP][NF_MOST_HEAD], logits[NF_MOST_GROUP][NF_MOST_PAGE];
  float high[NF_MOST_GROUP][NF_MOST_PAGE], low[NF_MOST_GROUP][NF_MOST_PAGE]; // parts of weights
  float fade[NF_MOST_GROUP];
} nf_token_room;

// ---- keys ----

// logits[row][16] += q[row] times 32 columns of 16 keys, as lines.
NF_INLINE void nf_dot_lines(int rows, const float *q, const __m512i line[16], float *logits) {
  __m512 even[4], odd[4];
  for (int r = 0; r < rows; r++) even[r] = odd[r] = _mm512_setzero_ps();
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++) {
    const __m512 e = nf_even_of(line[j]), o = nf_odd_of(line[j]);
    for (int r = 0; r < rows; r++) {
      even[r] = _mm512_fmadd_ps(_mm512_set1_ps(q[r * NF_MOST_HEAD + 2 * j]), e, even[r]);
      odd[r] = _mm512_fmadd_ps(_mm512_set1_ps(q[r * NF_MOST_HEAD + 2 * j + 1]), o, odd[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    float *to = logits + r * NF_MOST_PAGE;
    _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), _mm512_add_ps(even[r], odd[r])));
  }
}

// Keys [i, i + 16) of a page. The same place of the next page is asked for, `ahead` from here.
NF_INLINE void nf_dot_keys(const nf_heads *r, const uint16_t *k, int64_t i, int64_t ahead, nf_token_room *m) {
  const int64_t stride = r->a->kv.stride[3];
  for (int row = 0; row < r->n; row++) _mm512_store_ps(m->logits[row] + i, _mm512_setzero_ps());
  for (int64_t d = 0; d < r->head; d += NF_STEP) {
    __m512i line[16];
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++) {
      line[j] = _mm512_loadu_si512(k + (i + j) * stride + d);
      __builtin_prefetch(k + (i + j) * stride + d + ahead, 0, 2);
    }
    nf_transpose(line);
    for (int row = 0; row < r->n;) {
      const int left = r->n - row;
      const float *q = m->q[row] + d;
      float *to = m->logits[row] + i;
      if (left >= 4)
        nf_dot_lines(4, q, line, to), row += 4;
      else if (left >= 2)
        nf_dot_lines(2, q, line, to), row += 2;
      else
        nf_dot_lines(1, q, line, to), row += 1;
    }
  }
}

NF_INLINE void nf_weigh_rows(const nf_heads *r, nf_span keys, nf_token_room *m) {
  enum { MOST = NF_MOST_PAGE / NF_STRIP };
  const int n = (int)(r->page / NF_STRIP);
  for (int row = 0; row < r->n; row++) {
    __m512 w[MOST], low[MOST];
    for (int i = 0; i < n; i++) w[i] = _mm512_load_ps(m->logits[row] + i * NF_STRIP);
    m->fade[row] = nf_weigh(n, keys, r->a->attr.scale, w, low, &m->split.s[row]);
    for (int i = 0; i < n; i++) {
      _mm512_store_ps(m->high[row] + i * NF_STRIP, w[i]);
      _mm512_store_ps(m->low[row] + i * NF_STRIP, low[i]);
    }
  }
}

// ---- values ----

// The chains of so many rows over keys of a step, for the even and the odd of 32 columns.
NF_INLINE void nf_add_step(int rows, const uint16_t *v, int64_t stride, int64_t step, nf_span keys,
                           int64_t ahead, const float *high, const float *low, __m512 part[2][2],
                           __m512 rest[2][2]) {
  static const uint16_t nothing[NF_STEP];
  __m512 h[2][2][2], l[2][2][2]; // [row][even, odd key][even, odd column]
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < 4; i++) h[r][i / 2][i % 2] = l[r][i / 2][i % 2] = _mm512_setzero_ps();
  const int64_t first = nf_max(step, keys.first) / 2 * 2, last = nf_min(step + NF_STEP - 1, keys.last);
  for (int64_t i = first; i <= last; i += 2)
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; odd++) {
      const uint16_t *row = v + (i + odd) * stride;
      const __m512i x = _mm512_loadu_si512(nf_span_has(keys, i + odd) ? row : nothing);
      const __m512 column[2] = {nf_even_of(x), nf_odd_of(x)};
      __builtin_prefetch(row + ahead, 0, 2);
      for (int r = 0; r < rows; r++)
        for (int c = 0; c < 2; c++) {
          const int64_t at = r * NF_MOST_PAGE + i + odd;
          h[r][odd][c] = _mm512_fmadd_ps(_mm512_set1_ps(high[at]), column[c], h[r][odd][c]);
          l[r][odd][c] = _mm512_fmadd_ps(_mm512_set1_ps(low[at]), column[c], l[r][odd][c]);
        }
    }
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < 2; c++) {
      part[r][c] = _mm512_add_ps(part[r][c], _mm512_add_ps(h[r][0][c], h[r][1][c]));
      rest[r][c] = _mm512_add_ps(l[r][0][c], l[r][1][c]);
    }
}

NF_INLINE void nf_add_rows(int rows, const nf_heads *r, const uint16_t *v, nf_span keys, int64_t ahead,
                           int row, nf_token_room *m) {
  const int64_t stride = r->a->kv.stride[3], steps = r->page / NF_STEP;
  for (int64_t d = 0; d < r->head; d += NF_STEP) {
    __m512 part[2][2], rest[2][2][2];
    for (int i = 0; i < rows; i++) part[i][0] = part[i][1] = _mm512_setzero_ps();
    for (int64_t s = 0; s < steps; s++)
      nf_add_step(rows, v + d, stride, s * NF_STEP, keys, ahead, m->high[row], m->low[row], part, rest[s]);
    for (int i = 0; i < rows; i++)
      for (int c = 0; c < 2; c++) {
        for (int64_t s = 0; s < steps; s++) part[i][c] = _mm512_add_ps(part[i][c], rest[s][i][c]);
        float *o = m->split.o[row + i] + d + c * NF_STRIP;
        _mm512_store_ps(o, _mm512_fmadd_ps(_mm512_load_ps(o), _mm512_set1_ps(m->fade[row + i]), part[i][c]));
      }
  }
}

// ---- splits ----

NF_INLINE void nf_token_begin(const nf_heads *r, nf_token_part *p) {
  for (int row = 0; row < r->n; row++) {
    p->s[row] = nf_begin(r, row);
    memset(p->o[row], 0, (size_t)r->head * sizeof(float));
  }
}

NF_INLINE void nf_token_query(const nf_heads *r, nf_token_room *m) {
  for (int row = 0; row < r->n; row++)
    for (int64_t d = 0; d < r->head; d += NF_STEP) {
      __m512 low, high;
      nf_load_q(r, row, d, &low, &high);
      _mm512_store_ps(m->q[row] + d, low);
      _mm512_store_ps(m->q[row] + d + NF_STRIP, high);
    }
}

// What the keys of a split give, in m->split.
static inline void nf_token_split(const nf_heads *r, int64_t split, nf_token_room *m) {
  const int64_t position = r->a->batch->position[r->t0], keys = nf_split_keys(position);
  const int64_t oldest = nf_max(nf_oldest_key(r->a, r->t0), split * keys);
  const int64_t last = nf_min(position, (split + 1) * keys - 1) / r->page;
  for (int row = 0; row < r->n; row++) {
    m->split.s[row] = (nf_softmax){-INFINITY, 0};
    memset(m->split.o[row], 0, (size_t)r->head * sizeof(float));
  }
  for (int64_t p = oldest / r->page; p <= last; p++) {
    const uint16_t *k = nf_page_rows(r, p, 0), *v = nf_page_rows(r, p, 1);
    const int64_t ahead = p < last ? nf_page_rows(r, p + 1, 0) - k : 0;
    const nf_span seen = nf_seen_by(r, p * r->page, 0);
    for (int64_t i = 0; i < r->page; i += NF_STRIP) nf_dot_keys(r, k, i, ahead, m);
    nf_weigh_rows(r, seen, m);
    int row = 0;
    for (; row + 2 <= r->n; row += 2) nf_add_rows(2, r, v, seen, ahead, row, m);
    if (row < r->n) nf_add_rows(1, r, v, seen, ahead, row, m);
  }
}

// split: its results, row after row, ldo apart.
NF_INLINE void nf_token_join(const nf_heads *r, nf_token_part *all, const nf_softmax *s, const float *split,
                             int64_t ldo) {
  for (int row = 0; row < r->n; row++, split += ldo) {
    const nf_joint j = nf_join(&all->s[row], s[row]);
    for (int64_t d = 0; d < r->head; d += NF_STRIP) {
      float *o = all->o[row] + d;
      _mm512_store_ps(o, nf_joined(j, _mm512_load_ps(o), _mm512_load_ps(split + d)));
    }
  }
}

NF_INLINE void nf_token_finish(const nf_heads *r, const nf_token_part *all) {
  for (int row = 0; row < r->n; row++) {
    uint16_t *to = nf_result_row(r, row);
    const __m512 sum = _mm512_set1_ps(all->s[row].sum);
    for (int64_t d = 0; d < r->head; d += NF_STEP) {
      const __m512i even = nf_bf16_bits(_mm512_div_ps(_mm512_load_ps(all->o[row] + d), sum));
      const __m512i odd = nf_bf16_bits(_mm512_div_ps(_mm512_load_ps(all->o[row] + d + NF_STRIP), sum));
      _mm512_storeu_si512(to + d, _mm512_or_si512(_mm512_srli_epi32(even, 16),
                                                  _mm512_and_si512(odd, _mm512_set1_epi32((int)0xffff0000))));
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Attention of several tokens of a sequence: their query heads are the rows of two products with each page of
// keys and values, as lines.
#pragma once
#include "kernels/cpu/pairs/heads.h"
#if NF_WITH_TILES
#include "kernels/cpu/pairs/tiles.h"
#else
#include "kernels/cpu/pairs/few.h"
#endif

enum {
  ROWS = 64,          // most of a block
  PADDED = ROWS + 16, // whole tiles
  MOST_STRIPS = NF_MOST_HEAD / NF_STRIP,
};

#if NF_WITH_TILES
typedef uint16_t factor; // [step][PADDED][NF_STEP]
#else
typedef float factor; // [row][NF_MOST_HEAD]
#endif

typedef struct nf_rows_part { // of some keys
  _Alignas(64) float o[MOST_STRIPS][PADDED][NF_STRIP];
  nf_softmax s[PADDED];
} nf_rows_part;

typedef struct nf_rows_room { // a block's own
  nf_page page;
  nf_rows_part all, split;
  _Alignas(64) float product[MOST_STRIPS][PADDED][NF_STRIP];
  float logits[NF_MOST_PAGE / NF_STRIP][PADDED][NF_STRIP];
  factor q[PADDED * NF_MOST_HEAD], weights[2][PADDED * NF_MOST_HEAD]; // high and low parts of weights
} nf_rows_room;

// ---- products ----

#if NF_WITH_TILES
NF_INLINE int padded_rows(int n) { return (int)nf_round_up(n, 16); }
NF_INLINE void set_row(factor *x, int row, int64_t k, __m512 low, __m512 high) {
  const __m512i pairs = _mm512_permutex2var_epi16(_mm512_castps_si512(low),
                                                  _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43,
                                                                   41, 39, 37, 35, 33, 31, 29, 27, 25, 23, 21,
                                                                   19, 17, 15, 13, 11, 9, 7, 5, 3, 1),
                                                  _mm512_castps_si512(high));
  _mm512_store_si512(x + (k / NF_STEP * PADDED + row) * NF_STEP, pairs);
}

// out[strip][row][16] = or += x times so many strips of k rows each.
static void multiply(const nf_heads *r, const factor *x, const uint16_t *lines, int strips, int64_t k,
                     bool from_zero, float (*out)[PADDED][NF_STRIP]) {
  const nf_ahead none = {{NULL, NULL}, 0};
  nf_tiles_begin(16);
  for (int t = 0; t < r->padded; t += 32)
    for (int s = 0; s < strips; s += 2) {
      const uint16_t *w[2] = {lines + s * k * NF_STRIP, lines + (s + 1) * k * NF_STRIP};
      float *acc[2] = {out[s][t], out[s + 1][t]};
      const uint16_t *from = x + t * NF_STEP;
      if (t + 16 < r->padded)
        nf_tiles_multiply(true, from, PADDED, w, k, from_zero, acc, &none);
      else
        nf_tiles_multiply(false, from, PADDED, w, k, from_zero, acc, &none);
    }
  nf_tiles_end();
}
#else
NF_INLINE int padded_rows(int n) {
  const int whole = n / NF_FEW * NF_FEW;
  return whole + nf_few_tokens(n - whole);
}
NF_INLINE void set_row(factor *x, int row, int64_t k, __m512 low, __m512 high) {
  _mm512_storeu_ps(x + row * NF_MOST_HEAD + k, low);
  _mm512_storeu_ps(x + row * NF_MOST_HEAD + k + 16, high);
}

static void multiply(const nf_heads *r, const factor *x, const uint16_t *lines, int strips, int64_t k,
                     bool from_zero, float (*out)[PADDED][NF_STRIP]) {
  for (int s = 0; from_zero && s < strips; s++) memset(out[s], 0, (size_t)r->padded * sizeof *out[s]);
  for (int t = 0; t < r->n; t += NF_FEW) {
    const int tokens = nf_few_tokens((int)nf_min(NF_FEW, r->n - t)),
              together = nf_few_strips(NF_AS_LINES, tokens);
    for (int s = 0; s < strips;) {
      const int n = s + together <= strips ? together : 1;
      const nf_few f = {.x = x + t * NF_MOST_HEAD,
                        .ldx = NF_MOST_HEAD,
                        .w = (const char *)(lines + s * k * NF_STRIP),
                        .strip_bytes = k * NF_PAIR,
                        .n = k,
                        .sum = out[s][t],
                        .strip_sums = PADDED * NF_STRIP};
      nf_few_as(NF_AS_LINES, tokens, n, &f);
      s += n;
    }
  }
}
#endif

// ---- rows ----

static void start_row(const nf_heads *r, int row, nf_softmax s, nf_rows_part *p) {
  p->s[row] = s;
  for (int64_t i = 0; i < r->head / NF_STRIP; i++) _mm512_store_ps(p->o[i][row], _mm512_setzero_ps());
}

static void start_rows(const nf_heads *r, nf_rows_room *m) {
  for (int row = 0; row < r->padded; row++) {
    for (int64_t d = 0; d < r->head; d += NF_STEP) {
      __m512 low = _mm512_setzero_ps(), high = low;
      if (row < r->n) nf_load_q(r, row, d, &low, &high);
      set_row(m->q, row, d, low, high);
    }
    if (row >= r->n) continue;
    start_row(r, row, nf_begin(r, row), &m->all);
    start_row(r, row, (nf_softmax){-INFINITY, 0}, &m->split);
  }
}

// Logits of the keys that the row sees become weights; what older keys gave fades by the result.
static float weigh(const nf_heads *r, int row, nf_span keys, nf_rows_room *m) {
  enum { MOST = NF_MOST_PAGE / NF_STRIP };
  __m512 w[MOST], low[MOST];
  const int n = (int)(r->page / NF_STRIP);
  for (int i = 0; i < n; i++) w[i] = _mm512_load_ps(m->logits[i][row]);
  const float fade = nf_weigh(n, keys, r->a->attr.scale, w, low, &m->split.s[row]);
  for (int i = 0; i < n; i += 2) {
    set_row(m->weights[0], row, i * NF_STRIP, w[i], w[i + 1]);
    set_row(m->weights[1], row, i * NF_STRIP, low[i], low[i + 1]);
  }
  return fade;
}

// Values v of these keys join rows [from, to).
static void add_values(const nf_heads *r, const uint16_t *v, int64_t ahead, nf_span keys, int from, int to,
                       const float *fade, nf_rows_room *m) {
  const int strips = (int)(r->head / NF_STRIP);
  nf_lines_of_values(v, r->a->kv.stride[3], r->page, r->head, ahead, keys, m->page.values);
  multiply(r, m->weights[0], m->page.values, strips, r->page, true, m->product);
  multiply(r, m->weights[1], m->page.values, strips, r->page, false, m->product);
  for (int s = 0; s < strips; s++)
    for (int row = from; row < to; row++) {
      float *o = m->split.o[s][row];
      _mm512_store_ps(o, _mm512_fmadd_ps(_mm512_load_ps(o), _mm512_set1_ps(fade[row]),
                                         _mm512_load_ps(m->product[s][row])));
    }
}

// Whether weights of 0 are enough to keep rows [from, to) from what they do not see: 0 times infinity, or
// times what is no number, is none. Keys that all of them see are seen in any case.
static bool zeros_hide(const nf_heads *r, const uint16_t *v, int64_t begin, int from, int to) {
  const nf_span first = nf_seen_by(r, begin, from), last = nf_seen_by(r, begin, to - 1);
  const int64_t stride = r->a->kv.stride[3];
  return nf_values_finite(v, stride, r->head, (nf_span){first.first, last.first - 1}) &&
         nf_values_finite(v, stride, r->head, (nf_span){first.last + 1, last.last});
}

// Of rows [from, to), which see something of the page that begins there, those whose split ends with it.
static void join_splits(const nf_heads *r, int64_t begin, int from, int to, nf_rows_room *m) {
  const int64_t end = begin + r->page;
  for (int row = from; row < to; row++) {
    const int64_t position = r->a->batch->position[nf_token_of(r, row)];
    if (end % nf_split_keys(position) != 0 && end <= position) continue;
    const nf_joint j = nf_join(&m->all.s[row], m->split.s[row]);
    for (int64_t s = 0; s < r->head / NF_STRIP; s++) {
      float *o = m->all.o[s][row];
      _mm512_store_ps(o, nf_joined(j, _mm512_load_ps(o), _mm512_load_ps(m->split.o[s][row])));
    }
    start_row(r, row, (nf_softmax){-INFINITY, 0}, &m->split);
  }
}

static void add_page(const nf_heads *r, int64_t p, int64_t next, nf_rows_room *m) {
  const int64_t stride = r->a->kv.stride[3], begin = p * r->page;
  const uint16_t *k = nf_page_rows(r, p, 0), *v = nf_page_rows(r, p, 1);
  const int64_t ahead = nf_page_rows(r, next, 0) - k;
  int from = 0, to = r->n;
  while (nf_span_is_empty(nf_seen_by(r, begin, from))) from += (int)r->group;
  while (nf_span_is_empty(nf_seen_by(r, begin, to - 1))) to -= (int)r->group;
  nf_lines_of_keys(k, stride, r->page, r->head, ahead, m->page.keys);
  multiply(r, m->q, m->page.keys, (int)(r->page / NF_STRIP), r->head, true, m->logits);
  float fade[PADDED];
  for (int row = from; row < to; row++) fade[row] = weigh(r, row, nf_seen_by(r, begin, row), m);
  const int together = zeros_hide(r, v, begin, from, to) ? to - from : (int)r->group;
  for (int row = from; row < to; row += together) {
    const nf_span first = nf_seen_by(r, begin, row), last = nf_seen_by(r, begin, row + together - 1);
    add_values(r, v, ahead, (nf_span){first.first, last.last}, row, row + together, fade, m);
  }
  join_splits(r, begin, from, to, m);
}

static void finish_rows(const nf_heads *r, const nf_rows_part *all) {
  for (int row = 0; row < r->n; row++) {
    uint16_t *to = nf_result_row(r, row);
    for (int64_t d = 0; d < r->head; d += 8)
      v8_store_bf16(to + d, v8_load(all->o[d / NF_STRIP][row] + d % NF_STRIP) / v8_splat(all->s[row].sum));
  }
}

static inline void run_rows(nf_heads *r, int64_t last_token, nf_rows_room *m) {
  r->padded = padded_rows(r->n);
  const int64_t last = r->a->batch->position[last_token] / r->page;
  start_rows(r, m);
  for (int64_t p = nf_oldest_key(r->a, r->t0) / r->page; p <= last; p++)
    add_page(r, p, p < last ? p + 1 : p, m);
  finish_rows(r, &m->all);
}

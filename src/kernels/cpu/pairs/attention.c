// SPDX-License-Identifier: Apache-2.0
// attention over a bf16 paged cache. A block is one kv head and some tokens: their query heads are the rows
// of two products with each page of keys and values, which is read once for all of them. Online softmax, page
// by page at absolute positions, and products in the order of strips.h: a token's bits do not depend on what
// shares its block, nor on which of the kernels of this source runs.
//
// Weights of keys enter the second product as two bf16 numbers, which are 17 bits of them.
#include "kernels/cpu/pairs/page.h"
#if NF_WITH_TILES
#include "kernels/cpu/pairs/tiles.h"
#else
#include "kernels/cpu/pairs/few.h"
#include "tensor/scalar.h"
#endif

enum {
  ROWS = 64,          // most of a block
  SPREAD = 64,        // blocks, if it can be
  PADDED = ROWS + 16, // whole tiles
  MOST_STRIPS = NF_MOST_HEAD / NF_STRIP,
  FLUSH = 0x8040, // subnormal numbers are zeros
};

#if NF_WITH_TILES
typedef uint16_t factor; // [step][PADDED][NF_STEP]
#else
typedef float factor; // [row][NF_MOST_HEAD]
#endif

typedef struct room { // a block's own
  nf_page page;
  _Alignas(64) float o[MOST_STRIPS][PADDED][NF_STRIP], part[MOST_STRIPS][PADDED][NF_STRIP];
  float logits[NF_MOST_PAGE / NF_STRIP][PADDED][NF_STRIP];
  factor q[PADDED * NF_MOST_HEAD], weights[2][PADDED * NF_MOST_HEAD]; // high and low parts of weights
  float max[PADDED], sum[PADDED];
} room;

typedef struct rows { // of a block: all heads of the group of token t0, then of the next
  const nf_attention_args *a;
  int64_t group, head, page, t0, kv_head;
  int n, padded;
} rows;

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
static void multiply(const rows *r, const factor *x, const uint16_t *lines, int strips, int64_t k,
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

static void multiply(const rows *r, const factor *x, const uint16_t *lines, int strips, int64_t k,
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

// ---- softmax ----

// e^x, x <= 0 but for rounding; below -87 it is 0, of what is no number none. x = n ln 2 + r, and Taylor's
// polynomial for e^r.
NF_INLINE __m512 exp_of(__m512 x) {
  const __mmask16 live = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87), _CMP_NLE_UQ);
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693359375f), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
  static const float c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1};
  __m512 p = _mm512_set1_ps(1.0f / 5040);
  for (int i = 0; i < 7; i++) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c[i]));
  return _mm512_maskz_scalef_ps(live, p, n);
}

// The nearest bf16 number; of two the larger.
NF_INLINE __m512 near_bf16(__m512 x) {
  const __m512i up = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32((int)0xffff0000)));
}

// Weights in two parts, which are what is left of them: to 2^-17 of each.
NF_INLINE void set_weights(const rows *r, int row, __m512 *w, room *m) {
  for (int64_t k = 0; k < r->page; k += NF_STEP, w += 2) {
    const __m512 first = near_bf16(w[0]), second = near_bf16(w[1]);
    const __m512 low_first = near_bf16(_mm512_sub_ps(w[0], first));
    const __m512 low_second = near_bf16(_mm512_sub_ps(w[1], second));
    set_row(m->weights[0], row, k, first, second);
    set_row(m->weights[1], row, k, low_first, low_second);
    w[0] = _mm512_add_ps(first, low_first);
    w[1] = _mm512_add_ps(second, low_second);
  }
}

// Logits of the keys that the row sees become weights; what older keys gave fades by the result.
static float weigh(const rows *r, int row, nf_span keys, room *m) {
  enum { MOST = NF_MOST_PAGE / NF_STRIP };
  __m512 w[MOST];
  const int n = (int)(r->page / NF_STRIP);
  const uint64_t seen = ~0ull >> (63 - (keys.last - keys.first)) << keys.first;
  const __m512 scale = _mm512_set1_ps(r->a->attr.scale), none = _mm512_set1_ps(-INFINITY);
  __m512 highest = none;
  for (int i = 0; i < n; i++) {
    w[i] = _mm512_load_ps(m->logits[i][row]);
    w[i] = _mm512_mask_mul_ps(none, (__mmask16)(seen >> 16 * i), w[i], scale);
    highest = _mm512_max_ps(highest, w[i]);
  }
  const float page_max = _mm512_reduce_max_ps(highest), was = m->max[row];
  const __m512 max = _mm512_set1_ps(page_max > was ? page_max : was);
  const float fade = _mm512_cvtss_f32(exp_of(_mm512_sub_ps(_mm512_set1_ps(was), max)));
  for (int i = 0; i < n; i++) w[i] = exp_of(_mm512_sub_ps(w[i], max));
  set_weights(r, row, w, m);
  __m512 sum = _mm512_setzero_ps();
  for (int i = 0; i < n; i++) sum = _mm512_add_ps(sum, w[i]);
  m->max[row] = _mm512_cvtss_f32(max);
  m->sum[row] = fmaf(m->sum[row], fade, _mm512_reduce_add_ps(sum));
  return fade;
}

// ---- rows ----

static void start_rows(const rows *r, room *m) {
  const nf_attention_args *a = r->a;
  for (int row = 0; row < r->padded; row++) {
    const int64_t h = r->kv_head * r->group + row % r->group, t = r->t0 + row / r->group;
    const uint16_t *q = (const uint16_t *)a->q.data + t * a->q.stride[0] + h * a->q.stride[1];
    const __mmask32 there = row < r->n ? ~0u : 0;
    for (int64_t d = 0; d < r->head; d += NF_STEP) {
      const __m512i x = _mm512_maskz_loadu_epi16(there, q + d);
      const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(x));
      const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(x, 1));
      set_row(m->q, row, d, _mm512_castsi512_ps(_mm512_slli_epi32(low, 16)),
              _mm512_castsi512_ps(_mm512_slli_epi32(high, 16)));
    }
    for (int64_t s = 0; s < r->head / NF_STRIP; s++) _mm512_store_ps(m->o[s][row], _mm512_setzero_ps());
    const bool sink = a->sinks.data != NULL && row < r->n;
    m->sum[row] = sink ? 1 : 0;
    m->max[row] = !sink                      ? -INFINITY
                  : a->sinks.dtype == NF_F32 ? ((const float *)a->sinks.data)[h]
                                             : nf_bf16_decode(((const uint16_t *)a->sinks.data)[h]);
  }
}

NF_INLINE int64_t oldest_key(const nf_attention_args *a, int64_t t) {
  const int64_t window = a->attr.window, p = a->batch->position[t];
  return window > 0 ? nf_max(0, p - window + 1) : 0;
}

// Keys that the page which begins with key `begin` has between two others.
NF_INLINE nf_span in_page(const rows *r, int64_t begin, int64_t oldest, int64_t newest) {
  return (nf_span){nf_max(0, oldest - begin), nf_min(r->page - 1, newest - begin)};
}
NF_INLINE nf_span seen_by(const rows *r, int64_t begin, int row) {
  const int64_t t = r->t0 + row / r->group;
  return in_page(r, begin, oldest_key(r->a, t), r->a->batch->position[t]);
}

// Values v of these keys join rows [from, to).
static void add_values(const rows *r, const uint16_t *v, int64_t ahead, nf_span keys, int from, int to,
                       const float *fade, room *m) {
  const int strips = (int)(r->head / NF_STRIP);
  nf_lines_of_values(v, r->a->kv.stride[3], r->page, r->head, ahead, keys, m->page.values);
  multiply(r, m->weights[0], m->page.values, strips, r->page, true, m->part);
  multiply(r, m->weights[1], m->page.values, strips, r->page, false, m->part);
  for (int s = 0; s < strips; s++)
    for (int row = from; row < to; row++)
      _mm512_store_ps(m->o[s][row], _mm512_fmadd_ps(_mm512_load_ps(m->o[s][row]), _mm512_set1_ps(fade[row]),
                                                    _mm512_load_ps(m->part[s][row])));
}

// Whether weights of 0 are enough to keep rows [from, to) from what they do not see: 0 times infinity, or
// times what is no number, is none. Keys that all of them see are seen in any case.
static bool zeros_hide(const rows *r, const uint16_t *v, int64_t begin, int from, int to) {
  const nf_span first = seen_by(r, begin, from), last = seen_by(r, begin, to - 1);
  const int64_t stride = r->a->kv.stride[3];
  return nf_values_finite(v, stride, r->head, (nf_span){first.first, last.first - 1}) &&
         nf_values_finite(v, stride, r->head, (nf_span){first.last + 1, last.last});
}

// Page p in `slot`; the next one in slot `next`.
static void add_page(const rows *r, int64_t p, int64_t slot, int64_t next, room *m) {
  const int64_t *stride = r->a->kv.stride, begin = p * r->page, ahead = (next - slot) * stride[0];
  const uint16_t *k = (const uint16_t *)r->a->kv.data + slot * stride[0] + r->kv_head * stride[2];
  const uint16_t *v = k + stride[1];
  int from = 0, to = r->n;
  while (nf_span_is_empty(seen_by(r, begin, from))) from += (int)r->group;
  while (nf_span_is_empty(seen_by(r, begin, to - 1))) to -= (int)r->group;
  nf_lines_of_keys(k, stride[3], r->page, r->head, ahead, m->page.keys);
  multiply(r, m->q, m->page.keys, (int)(r->page / NF_STRIP), r->head, true, m->logits);
  float fade[PADDED];
  for (int row = from; row < to; row++) fade[row] = weigh(r, row, seen_by(r, begin, row), m);
  const int together = zeros_hide(r, v, begin, from, to) ? to - from : (int)r->group;
  for (int row = from; row < to; row += together) {
    const nf_span first = seen_by(r, begin, row), last = seen_by(r, begin, row + together - 1);
    add_values(r, v, ahead, (nf_span){first.first, last.last}, row, row + together, fade, m);
  }
}

static void finish_rows(const rows *r, const room *m) {
  const nf_tensor *o = &r->a->o;
  for (int row = 0; row < r->n; row++) {
    const int64_t h = r->kv_head * r->group + row % r->group, t = r->t0 + row / r->group;
    uint16_t *to = (uint16_t *)o->data + t * o->stride[0] + h * o->stride[1];
    for (int64_t d = 0; d < r->head; d += 8)
      v8_store_bf16(to + d, v8_load(m->o[d / NF_STRIP][row] + d % NF_STRIP) / v8_splat(m->sum[row]));
  }
}

// Tokens [t0, t1) of sequence s.
static void run_tokens(const nf_attention_args *a, int64_t s, int64_t kv_head, int64_t t0, int64_t t1,
                       room *m) {
  const int64_t group = a->q.dim[1] / a->kv.dim[2], n = (t1 - t0) * group;
  const rows r = {.a = a,
                  .group = group,
                  .head = a->q.dim[2],
                  .page = a->kv.dim[3],
                  .t0 = t0,
                  .kv_head = kv_head,
                  .n = (int)n,
                  .padded = padded_rows((int)n)};
  const int32_t *table = nf_batch_pages(a->batch, a->kv.cache, s);
  const int64_t last = a->batch->position[t1 - 1] / r.page;
  start_rows(&r, m);
  for (int64_t p = oldest_key(a, t0) / r.page; p <= last; p++)
    add_page(&r, p, table[p], p < last ? table[p + 1] : table[p], m);
  finish_rows(&r, m);
}

// ---- blocks ----

static int64_t tokens_of_block(const nf_attention_args *a) {
  const int64_t most = ROWS / (a->q.dim[1] / a->kv.dim[2]);
  return nf_max(1, nf_min(most, a->q.dim[0] * a->kv.dim[2] / SPREAD));
}

int64_t NF_BLOCKS(attention_pairs)(const nf_attention_args *a) {
  return nf_ceil_div(a->q.dim[0], tokens_of_block(a)) * a->kv.dim[2];
}

size_t NF_SCRATCH(attention_pairs)(const nf_attention_args *) { return sizeof(room); }

void NF_KERNEL(attention_pairs)(const nf_attention_args *a, int64_t block, void *scratch) {
  const int64_t kv_heads = a->kv.dim[2], tokens = tokens_of_block(a), t0 = block / kv_heads * tokens;
  const int32_t *start = a->batch->q_start;
  const unsigned was = _mm_getcsr();
  _mm_setcsr(was | FLUSH);
  for (int64_t s = 0; s < a->batch->sizes.of[NF_S]; s++) {
    const int64_t low = nf_max(start[s], t0), high = nf_min(start[s + 1], nf_min(t0 + tokens, a->q.dim[0]));
    if (low < high) run_tokens(a, s, block % kv_heads, low, high, scratch);
  }
  _mm_setcsr(was);
}

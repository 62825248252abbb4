// SPDX-License-Identifier: Apache-2.0
// Few rows are multiplied with codes on their way into registers, more with lines, by tiles where there are
// any; the bits are the same.
#include "kernels/cpu/pairs/product.h"
#include "kernels/cpu/pairs/few.h"
#include "kernels/cpu/pairs/tiles.h"

NF_INLINE bool nf_in_blocks(const nf_product *p) {
  return p->x->dtype == NF_FP8_GROUP || p->w->dtype == NF_FP8_BLOCK;
}

// sum += part times the scales of rows [first, first + rows), as far as there are any, over 128 columns from
// k on. of_x: their scales of all rows.
static inline void nf_add_part(const nf_product *p, int64_t i, int64_t k, const float *of_x, int first,
                               int rows, const float (*part)[NF_STRIP], nf_room *room) {
  const __m512 of_w = _mm512_set1_ps(room->block[i] != NULL ? room->block[i][k / NF_BLOCK] : 1);
  float(*sum)[NF_STRIP] = room->sum[i];
  for (int t = first; t < nf_min(p->rows, first + rows); t++) {
    const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(of_x[t]), of_w);
    _mm512_store_ps(sum[t], _mm512_fmadd_ps(_mm512_load_ps(part[t]), scale, _mm512_load_ps(sum[t])));
  }
}

// ---- by vectors ----

NF_INLINE nf_as nf_as_of(const nf_matrix *w) {
  return w->dtype == NF_MXFP4 ? NF_AS_E2M1 : w->dtype == NF_BF16 ? NF_AS_LINES : NF_AS_E4M3;
}

// sum[strip][..][16] += the first `tokens` rows of x times columns [k, k + n) of strips from s on, which are
// in the panel from column `at` on.
static inline void nf_few_columns(const nf_product *p, int tokens, int64_t s, int strips, int64_t k,
                                  int64_t at, int64_t n, const nf_room *room, float *sum) {
  const nf_matrix *w = p->w;
  const int64_t whole = n / NF_STEP * NF_STEP;
  nf_few f = {room->x[0] + at, NF_PANEL, nf_codes_at(w, s, k), w->strip_bytes, nf_mx_at(w, s, k), w->mx_bytes,
              whole,           sum,      NF_ROWS * NF_STRIP};
  nf_few_as(nf_as_of(w), tokens, strips, &f);
  if (whole == n) return;
  char end[4][NF_STEP * NF_STRIP * sizeof(uint16_t)];
  for (int i = 0; i < strips; i++) nf_end_of_strip(w, s + i, k + whole, n - whole, end[i]);
  f.x += whole, f.w = end[0], f.strip_bytes = sizeof *end, f.n = NF_STEP;
  nf_few_as(nf_as_of(w), tokens, strips, &f);
}

static inline void nf_few_strips_at(const nf_product *p, int tokens, int64_t i, int strips, int64_t k,
                                    int64_t n, nf_room *room) {
  const int64_t s = p->strip + i;
  if (!nf_in_blocks(p)) {
    nf_few_columns(p, tokens, s, strips, k, 0, n, room, room->sum[i][0]);
    return;
  }
  for (int64_t g = 0; g < n; g += NF_BLOCK) {
    for (int j = 0; j < strips; j++)
      for (int t = 0; t < tokens; t++) _mm512_store_ps(room->part[j][t], _mm512_setzero_ps());
    nf_few_columns(p, tokens, s, strips, k + g, g, nf_min(NF_BLOCK, n - g), room, room->part[0][0]);
    for (int j = 0; j < strips; j++)
      nf_add_part(p, i + j, k + g, room->scale + g / NF_BLOCK * tokens, 0, tokens,
                  (const float(*)[NF_STRIP])room->part[j], room);
  }
}

static inline void nf_multiply_few(const nf_product *p, nf_room *room) {
  const int tokens = nf_few_tokens(p->rows), together = nf_few_strips(nf_as_of(p->w), tokens);
  for (int64_t k = 0; k < p->w->K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, p->w->K - k);
    nf_float_panel(p->x, p->from, p->rows, tokens, k, n, room->x[0]);
    nf_group_scales(p->x, p->from, p->rows, tokens, k, n, room->scale);
    int64_t i = 0;
    for (; i + together <= p->strips; i += together) nf_few_strips_at(p, tokens, i, together, k, n, room);
    for (; i < p->strips; i++) nf_few_strips_at(p, tokens, i, 1, k, n, room);
  }
}

#if !NF_WITH_TILES
// Lines of a strip times all rows.
static inline void nf_multiply_lines(const nf_product *p, const uint16_t *lines, int64_t at, int64_t n,
                                     const nf_room *room, float (*sum)[NF_STRIP]) {
  const int tokens = nf_few_of(p->rows);
  for (int t = 0; t < p->rows; t += tokens) {
    const nf_few f = {.x = room->x[t] + at, .ldx = NF_PANEL, .w = (const char *)lines, .n = n, .sum = sum[t]};
    nf_few_as(NF_AS_LINES, tokens, 1, &f);
  }
}

static inline void nf_multiply_many(const nf_product *p, nf_room *room) {
  const int padded = (int)nf_round_up(p->rows, nf_few_of(p->rows));
  for (int64_t k = 0; k < p->w->K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, p->w->K - k);
    nf_float_panel(p->x, p->from, p->rows, padded, k, n, room->x[0]);
    nf_group_scales(p->x, p->from, p->rows, padded, k, n, room->scale);
    for (int64_t i = 0; i < p->strips; i++) {
      const uint16_t *lines = nf_lines(p->w, p->strip + i, k, n, room->lines[0]);
      if (!nf_in_blocks(p)) nf_multiply_lines(p, lines, 0, nf_round_up(n, NF_STEP), room, room->sum[i]);
      for (int64_t g = 0; nf_in_blocks(p) && g < n; g += NF_BLOCK) {
        memset(room->part[0], 0, (size_t)padded * sizeof *room->part[0]);
        nf_multiply_lines(p, lines + g * NF_STRIP, g, nf_round_up(nf_min(NF_BLOCK, n - g), NF_STEP), room,
                          room->part[0]);
        nf_add_part(p, i, k + g, room->scale + g / NF_BLOCK * padded, 0, p->rows,
                    (const float(*)[NF_STRIP])room->part[0], room);
      }
    }
  }
}
#else
// ---- by tiles ----

// Lines of two strips times rows [t, t + 32), or the last 16 of `padded`.
static inline void nf_multiply_tiles(int t, int padded, const uint16_t *const lines[2], int64_t at, int64_t n,
                                     bool from_zero, const nf_room *room, float *const sum[2],
                                     const nf_ahead *ahead) {
  const uint16_t *x = room->lines_of_x + (at / NF_STEP * padded + t) * NF_STEP;
  if (t + 32 <= padded)
    nf_tiles_multiply(true, x, padded, lines, n, from_zero, sum, ahead);
  else
    nf_tiles_multiply(false, x, padded, lines, n, from_zero, sum, ahead);
}

// Lines that lie in the weight are read by tiles first. Those that come next are asked for, a part with each
// step: of the next columns, of the next two strips, of the next panel, or of the next block.
static inline nf_ahead nf_ahead_of(const nf_product *p, int64_t i, int padded, int64_t k, int64_t at,
                                   int64_t end) {
  const int64_t bytes = p->w->dtype == NF_BF16 ? p->w->step_bytes : 0;
  const bool same = at + NF_PANEL < end, panel = i + 2 < p->strips, last = end == p->w->K;
  const int64_t column = same ? at + NF_PANEL : panel ? k : last ? 0 : end;
  const int64_t s = p->strip + (same ? i : panel ? i + 2 : last ? p->strips : 0);
  return (nf_ahead){{nf_codes_at(p->w, s, column), nf_codes_at(p->w, s + 1, column)},
                    nf_round_up(bytes / nf_ceil_div(padded, 32), 64)};
}

// Columns [k, k + n) of two strips, which are in the panel from column `at` on, times all rows.
static inline void nf_multiply_two(const nf_product *p, int64_t i, int padded, int64_t k, int64_t at,
                                   int64_t n, const nf_ahead *ahead, nf_room *room) {
  const int64_t whole = nf_round_up(n, NF_STEP), s = p->strip + i;
  const bool two = i + 1 < p->strips;
  const uint16_t *const lines[2] = {nf_lines(p->w, s, k, n, room->lines[0]),
                                    two ? nf_lines(p->w, s + 1, k, n, room->lines[1]) : room->lines[0]};
  for (int t = 0; t < padded; t += 32) {
    float *const sum[2] = {room->sum[i][t], two ? room->sum[i + 1][t] : room->none[t]};
    const int64_t asked = t / 32 * (whole / NF_STEP) * ahead->bytes;
    const nf_ahead now = {{ahead->at[0] + asked, ahead->at[1] + asked}, ahead->bytes};
    if (!nf_in_blocks(p)) nf_multiply_tiles(t, padded, lines, at, whole, false, room, sum, &now);
    for (int64_t g = 0; nf_in_blocks(p) && g < n; g += NF_BLOCK) {
      const int64_t m = nf_round_up(nf_min(NF_BLOCK, n - g), NF_STEP);
      const uint16_t *const from[2] = {lines[0] + g * NF_STRIP, lines[1] + g * NF_STRIP};
      const float *scale = room->scale + (at + g) / NF_BLOCK * padded;
      float *const part[2] = {room->part[0][t], room->part[1][t]};
      nf_multiply_tiles(t, padded, from, at + g, m, true, room, part, &(nf_ahead){0});
      for (int j = 0; j <= two; j++)
        nf_add_part(p, i + j, k + g, scale, t, 32, (const float(*)[NF_STRIP])room->part[j], room);
    }
  }
}

// A panel of fewer rows has more columns, so that strips are read from end to end.
static inline void nf_multiply_many(const nf_product *p, nf_room *room) {
  const int padded = p->rows < 16 ? p->rows : (int)nf_round_up(p->rows, 16);
  const int64_t panel = (int64_t)NF_PANEL * NF_ROWS / padded / NF_PANEL * NF_PANEL;
  nf_tiles_begin(nf_min(padded, 16));
  for (int64_t k = 0; k < p->w->K; k += panel) {
    const int64_t end = nf_min(p->w->K, k + panel);
    nf_bf16_panel(p->x, p->from, p->rows, padded, k, end - k, room->lines_of_x);
    nf_group_scales(p->x, p->from, p->rows, padded, k, end - k, room->scale);
    for (int64_t i = 0; i < p->strips; i += 2)
      for (int64_t at = k; at < end; at += NF_PANEL) {
        const nf_ahead ahead = nf_ahead_of(p, i, padded, k, at, end);
        nf_multiply_two(p, i, padded, at, at - k, nf_min(NF_PANEL, end - at), &ahead, room);
      }
  }
  nf_tiles_end();
}
#endif

// ---- results ----

NF_INLINE __m512 nf_load_floats(const nf_tensor *t, int64_t row, int64_t k, __mmask16 there) {
  const char *at = nf_tensor_row(t, row);
  if (t->dtype == NF_F32) return _mm512_maskz_loadu_ps(there, (const float *)at + k);
  return nf_widen_bf16(_mm256_maskz_loadu_epi16(there, (const uint16_t *)at + k));
}

typedef struct nf_ending { // how the sums of a strip become results
  __mmask16 there;
  int64_t n0, n;
  __m512 scale, bias;
} nf_ending;

NF_INLINE nf_ending nf_ending_of(const nf_product *p, int64_t i) {
  const int64_t n0 = (p->strip + i) * NF_STRIP, n = nf_min(NF_STRIP, p->w->N - n0);
  nf_ending e = {
      .there = nf_first(n), .n0 = n0, .n = n, .scale = _mm512_set1_ps(1), .bias = _mm512_setzero_ps()};
  if (p->w->dtype == NF_FP8_ROW)
    e.scale = _mm512_maskz_loadu_ps(e.there, nf_tensor_scales(p->w->w, p->w->first + n0));
  if (p->bias->data != NULL) e.bias = nf_load_floats(p->bias, p->bias_row, n0, e.there);
  return e;
}

static inline void nf_store_row(const nf_product *p, int t, const nf_ending *e, float factor,
                                const nf_room *room) {
  char *row = nf_tensor_row(p->y, p->to[t]);
  const __m512 of_x = _mm512_set1_ps(nf_row_scale(p->x, p->from[t]) * factor);
  for (int64_t i = 0; i < p->strips; i++, e++) {
    const __m512 sum = _mm512_mul_ps(_mm512_mul_ps(_mm512_load_ps(room->sum[i][t]), of_x), e->scale);
    const __m512 v = _mm512_add_ps(sum, e->bias);
    nf_clear_padding(p->y, row, e->n0 + e->n);
    if (p->y->dtype == NF_F32)
      _mm512_mask_storeu_ps((float *)row + e->n0, e->there, v);
    else
      _mm256_mask_storeu_epi16((uint16_t *)row + e->n0, e->there, nf_to_bf16(v));
  }
}

static __attribute__((noinline)) void nf_multiply(const nf_product *p, nf_room *room) {
  const bool few = p->rows <= nf_most_few(p->w->dtype);
  const int64_t padded = nf_min(NF_ROWS, nf_round_up(p->rows, 48));
  for (int64_t i = 0; i < p->strips; i++) {
    memset(room->sum[i], 0, (size_t)padded * sizeof *room->sum[i]);
    room->block[i] = nf_block_scales(p->w, p->strip + i);
  }
  if (few)
    nf_multiply_few(p, room);
  else
    nf_multiply_many(p, room);
  nf_ending ending[NF_GROUP];
  for (int64_t i = 0; i < p->strips; i++) ending[i] = nf_ending_of(p, i);
  for (int t = 0; t < p->rows; t++)
    nf_store_row(p, t, ending, few && nf_as_of(p->w) == NF_AS_E4M3 ? 0x1p8f : 1, room);
}

// Subnormal numbers count as zero.
void NF_KERNEL(product)(const nf_product *p, nf_room *room) {
  enum { FLUSH = 0x8040 };
  const unsigned was = _mm_getcsr();
  _mm_setcsr(was | FLUSH);
  nf_multiply(p, room);
  _mm_setcsr(was);
}

// SPDX-License-Identifier: Apache-2.0
// What linear and grouped_linear do for a group of strips of any type of weight that lies in n16: a
// panel of x, a panel of weights, their tiles, the results.
//
// Scales of FP8 weights never meet the weights: a group of strips lies within 128 rows, so that those of
// blocks are one number for 128 columns, which x is multiplied with, and those of rows are multiplied with
// the sums.
#pragma once
#include "kernels/cpu/generic/row.h"
#include "kernels/cpu/generic/tile.h"
#include <math.h>

enum {
  NF_MX = 32,     // columns of MXFP4 that share a scale
  NF_BLOCK = 128, // columns, and rows, of fp8b128 that do
  // So few tokens are one tile, which reads each code once: codes of bf16 and FP8 are decoded on their way
  // into it, not into a panel. The bits are the same.
  NF_DIRECT = 6,
  NF_TOGETHER = 4,
};

typedef struct nf_strips { // some strips of one matrix
  nf_dtype dtype;
  int64_t first, n;                  // row of the first one, of all matrices; strips
  int64_t strip_bytes, column_bytes; // of codes
  const char *codes;
  const uint8_t *mx;  // MXFP4: scales of the first strip
  int64_t mx_bytes;   // from one strip to the next
  const float *scale; // FP8: scales of the first row
} nf_strips;

// Strips [s0, s0 + n) of matrix e of K columns and N rows.
NF_INLINE nf_strips nf_strips_of(const nf_tensor *w, int64_t e, int64_t s0, int64_t n) {
  const int64_t K = w->dim[w->rank - 1], N = w->dim[w->rank - 2];
  const int64_t at = e * nf_ceil_div(N, NF_STRIP) + s0, column = NF_STRIP * nf_dtype_of(w->dtype)->bits / 8;
  nf_strips s = {w->dtype, e * N + s0 * NF_STRIP, n, K * column, column, NULL, NULL, 0, NULL};
  s.codes = (const char *)w->data + at * s.strip_bytes;
  s.mx_bytes = K / NF_MX * NF_STRIP;
  if (w->dtype == NF_MXFP4) s.mx = (const uint8_t *)w->scale + at * s.mx_bytes;
  if (nf_is_fp8(w->dtype)) s.scale = nf_tensor_scales(w, s.first);
  return s;
}

// ---- x ----

// FP8 codes [k, k + n) of a row, times its scales. NaN codes are activations that were no numbers.
static inline void nf_widen_fp8(const nf_tensor *x, int64_t row, int64_t k, int64_t n, float *out) {
  const uint8_t *code = (const uint8_t *)nf_tensor_row(x, row) + k;
  const float *scale = nf_tensor_scales(x, row);
  const bool groups = x->dtype == NF_FP8_GROUP;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    v8_store(out + i,
             v8_load_e4m3(code + i) * v8_splat(0x1p8f) * v8_splat(scale[groups ? (k + i) / NF_BLOCK : 0]));
  for (; i < n; i++) out[i] = nf_e4m3_decode(code[i]) * scale[groups ? (k + i) / NF_BLOCK : 0];
  for (i = 0; i < n; i++)
    if ((code[i] & 0x7f) == 0x7f) out[i] = NAN;
}

// Columns [k, k + n) of row `row` of x for these strips; k is a multiple of NF_PANEL.
static inline void nf_panel_of_x(const nf_tensor *x, int64_t row, const nf_strips *s, int64_t k, int64_t n,
                                 float *out) {
  if (nf_is_fp8(x->dtype))
    nf_widen_fp8(x, row, k, n, out);
  else
    nf_widen(x, nf_tensor_row(x, row), k, n, out);
  for (int64_t g = 0; s->dtype == NF_FP8_BLOCK && g < n; g += NF_BLOCK) {
    const float scale = s->scale[(k + g) / NF_BLOCK];
    for (int64_t i = g; i < nf_min(n, g + NF_BLOCK); i++) out[i] *= scale;
  }
}

// ---- weights ----

// Sixteen E2M1 codes, one a row: low nibbles are rows 0 to 7, high nibbles rows 8 to 15. Values are doubled:
// whole numbers.
NF_INLINE void nf_decode_e2m1(const uint8_t *codes, v8 scale_low, v8 scale_high, float *out) {
#if defined(__AVX2__)
  const __m128i table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  const __m128i bytes = _mm_loadl_epi64((const __m128i *)codes), nibble = _mm_set1_epi8(15);
  const __m128i low = _mm_shuffle_epi8(table, _mm_and_si128(bytes, nibble));
  const __m128i high = _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
  v8_store(out, (v8)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low)) * scale_low);
  v8_store(out + 8, (v8)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high)) * scale_high);
#else
  static const float table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  v8 low, high;
  for (int i = 0; i < 8; i++) low[i] = table[codes[i] & 15], high[i] = table[codes[i] >> 4];
  v8_store(out, low * scale_low);
  v8_store(out + 8, high * scale_high);
#endif
}

// Half of 2^(s - 127), for doubled values. s = 0 gives the subnormal 2^-128 exactly.
NF_INLINE v8 nf_mx_scales(const uint8_t *s) {
  v8 r;
  for (int i = 0; i < 8; i++)
    r[i] = s[i] >= 2 ? nf_of_bits((uint32_t)(s[i] - 1) << 23) : nf_of_bits(0x200000u << s[i]);
  return r;
}

static inline void nf_decode_mx(const uint8_t *codes, const uint8_t *scales, int64_t n, float *w) {
  for (int64_t k0 = 0; k0 < n; k0 += NF_MX, scales += NF_STRIP) {
    const v8 low = nf_mx_scales(scales), high = nf_mx_scales(scales + 8);
    for (int64_t k = k0; k < k0 + NF_MX; k++) nf_decode_e2m1(codes + k * 8, low, high, w + k * NF_STRIP);
  }
}

// Columns [k, k + n) of strip s into w[n][16]; of FP8 2^-8 of the codes' values.
static inline void nf_panel_of_w(const nf_strips *g, int64_t s, int64_t k, int64_t n, float *w) {
  const char *codes = g->codes + s * g->strip_bytes + k * g->column_bytes;
  if (g->dtype == NF_MXFP4) {
    nf_decode_mx((const uint8_t *)codes, g->mx + s * g->mx_bytes + k / NF_MX * NF_STRIP, n, w);
    return;
  }
  for (int64_t i = 0; g->dtype == NF_BF16 && i < n * NF_STRIP; i += 8)
    v8_store(w + i, v8_load_bf16((const uint16_t *)codes + i));
  for (int64_t i = 0; g->dtype != NF_BF16 && i < n * NF_STRIP; i += 8)
    v8_store(w + i, v8_load_e4m3((const uint8_t *)codes + i));
}

// sum[strip][NF_TILE_TOKENS][16] += x[tokens][NF_PANEL] times columns [k, k + n) of the strips.
static inline void nf_multiply(const nf_strips *g, const float *x, int tokens, int64_t k, int64_t n,
                               float *sum) {
  const char *codes = g->codes + k * g->column_bytes;
  if (g->dtype == NF_BF16 && tokens <= NF_DIRECT) {
    nf_tiles(NF_AS_BF16, x, codes, g->strip_bytes, (int)g->n, tokens, n, sum);
    return;
  }
  if (nf_is_fp8(g->dtype) && tokens <= NF_DIRECT) {
    nf_tiles(NF_AS_E4M3, x, codes, g->strip_bytes, (int)g->n, tokens, n, sum);
    return;
  }
  // Of few tokens, narrow panels of several strips: their sums do not wait for each other.
  const int64_t together = tokens <= NF_DIRECT ? NF_TOGETHER : 1, cols = NF_PANEL / together;
  float w[NF_PANEL * NF_STRIP];
  for (int64_t s = 0; s < g->n; s += together)
    for (int64_t c = 0; c < n; c += cols) {
      const int64_t strips = nf_min(together, g->n - s), m = nf_min(cols, n - c);
      for (int64_t i = 0; i < strips; i++) nf_panel_of_w(g, s + i, k + c, m, w + i * cols * NF_STRIP);
      nf_tiles(NF_AS_F32, x + c, w, cols * NF_STRIP * (int64_t)sizeof *w, (int)strips, tokens, m,
               sum + s * NF_TILE_TOKENS * NF_STRIP);
    }
}

// ---- results ----

// Columns of row `row` of y that strip s gives, as far as there are any: sums, times the scales of FP8, plus
// row `bias_row` of the bias, rounded once.
static inline void nf_store_strip(const nf_strips *g, int64_t s0, int64_t s, const float *sum,
                                  const nf_tensor *bias, int64_t bias_row, const nf_tensor *y, int64_t row) {
  const int64_t n0 = (s0 + s) * NF_STRIP, n = nf_min(NF_STRIP, nf_tensor_cols(y) - n0);
  float out[NF_STRIP], b[NF_STRIP] = {0};
  if (bias->data != NULL) nf_widen(bias, nf_tensor_row(bias, bias_row), n0, n, b);
  for (int64_t i = 0; i < n; i++) {
    const float f = g->dtype == NF_FP8_ROW     ? g->scale[s * NF_STRIP + i] * 0x1p8f
                    : g->dtype == NF_FP8_BLOCK ? 0x1p8f
                                               : 1;
    out[i] = sum[i] * f + b[i];
  }
  nf_round(y, nf_tensor_row(y, row), n0, n, out);
}

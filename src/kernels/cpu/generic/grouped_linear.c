// SPDX-License-Identifier: Apache-2.0
// grouped_linear with MXFP4 weights, 16 rows side by side. A block is one expert and a group of strips; it
// gathers the tokens that chose the expert itself, so nothing is sorted, and decodes each panel of weights
// once for all of them.
#include "kernels/cpu/generic/tile.h"

enum { GROUP = 4, MX = 32 }; // strips of a block: 64 rows; columns that share a scale

typedef struct rows_of_expert {  // a tile of (token, choice) pairs of one expert
  int64_t index[NF_TILE_TOKENS]; // t * J + j
  int n;
} rows_of_expert;

int64_t NF_BLOCKS(grouped_linear_mxfp4_n16)(const nf_grouped_linear_args *a) {
  if (nf_tensor_rows(&a->ids) == 0) return 0;
  return a->w.dim[0] * nf_ceil_div(a->w.dim[1], GROUP * NF_STRIP);
}

// The next pairs of expert e from pair *at on.
static void gather(const nf_grouped_linear_args *a, int64_t e, int64_t *at, rows_of_expert *out) {
  const int64_t J = a->ids.dim[1], pairs = a->ids.dim[0] * J;
  out->n = 0;
  for (; *at < pairs && out->n < NF_TILE_TOKENS; ++*at)
    if (((const int32_t *)nf_tensor_row(&a->ids, *at / J))[*at % J] == e) out->index[out->n++] = *at;
}

// Sixteen codes, one a row: low nibbles are rows 0 to 7, high nibbles rows 8 to 15. Values are doubled: whole
// numbers.
NF_INLINE void decode_k(const uint8_t *codes, v8 scale_low, v8 scale_high, float *out) {
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
NF_INLINE v8 scales_at(const uint8_t *s) {
  v8 r;
  for (int i = 0; i < 8; i++)
    r[i] = s[i] >= 2 ? nf_of_bits((uint32_t)(s[i] - 1) << 23) : nf_of_bits(0x200000u << s[i]);
  return r;
}

// Columns [0, n) of a strip from its codes (8 bytes a column) and scales (16 bytes a 32 columns) into
// w[n][16].
static void decode_panel(const uint8_t *codes, const uint8_t *scales, int64_t n, float *w) {
  for (int64_t k0 = 0; k0 < n; k0 += MX, scales += NF_STRIP) {
    const v8 low = scales_at(scales), high = scales_at(scales + 8);
    for (int64_t k = k0; k < k0 + MX; k++) decode_k(codes + k * 8, low, high, w + k * NF_STRIP);
  }
}

static void run_rows(const nf_grouped_linear_args *a, int64_t e, int64_t s0, int strips,
                     const rows_of_expert *rows) {
  const int64_t K = a->w.dim[2], N = a->w.dim[1], J = a->ids.dim[1], all = nf_ceil_div(N, NF_STRIP);
  const uint8_t *codes = a->w.data, *scales = a->w.scale;
  float sum[GROUP][NF_TILE_TOKENS * NF_STRIP], x[NF_TILE_TOKENS * NF_PANEL], w[NF_PANEL * NF_STRIP];
  memset(sum, 0, sizeof sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < rows->n; t++) {
      const int64_t row = a->x.rank == 3 ? rows->index[t] : rows->index[t] / J;
      nf_widen(&a->x, nf_tensor_row(&a->x, row), k, n, x + t * NF_PANEL);
    }
    for (int s = 0; s < strips; s++) {
      const int64_t strip = e * all + s0 + s;
      decode_panel(codes + (strip * K + k) * 8, scales + (strip * K + k) / MX * NF_STRIP, n, w);
      nf_tiles(true, x, w, 0, 1, rows->n, n, sum[s]);
    }
  }
  for (int s = 0; s < strips; s++)
    for (int t = 0; t < rows->n; t++)
      nf_store_strip(&a->y, rows->index[t], (s0 + s) * NF_STRIP, sum[s] + t * NF_STRIP, &a->bias, e);
}

// Rows without an expert: those with a negative id.
static void clear_rows(const nf_grouped_linear_args *a, int64_t s0, int strips) {
  const int64_t size = nf_dtype_of(a->y.dtype)->bits / 8, from = s0 * NF_STRIP;
  const int64_t n = nf_min(strips * NF_STRIP, a->w.dim[1] - from);
  rows_of_expert rows;
  for (int64_t at = 0; gather(a, -1, &at, &rows), rows.n != 0;)
    for (int i = 0; i < rows.n; i++)
      memset((char *)nf_tensor_row(&a->y, rows.index[i]) + from * size, 0, (size_t)(n * size));
}

void NF_KERNEL(grouped_linear_mxfp4_n16)(const nf_grouped_linear_args *a, int64_t block) {
  const int64_t all = nf_ceil_div(a->w.dim[1], NF_STRIP), groups = nf_ceil_div(all, GROUP);
  const int64_t e = block / groups, s0 = block % groups * GROUP;
  const int strips = (int)nf_min(GROUP, all - s0);
  rows_of_expert rows;
  if (e == 0) clear_rows(a, s0, strips);
  for (int64_t at = 0; gather(a, e, &at, &rows), rows.n != 0;) run_rows(a, e, s0, strips, &rows);
}

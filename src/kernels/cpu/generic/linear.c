// SPDX-License-Identifier: Apache-2.0
// linear with bf16 weights, 16 rows side by side. A block is a group of strips and a tile of tokens; its
// weights are read once, panel by panel.
#include "kernels/cpu/generic/tile.h"

enum { GROUP = 8 }; // strips of a block: 128 rows

int64_t NF_BLOCKS(linear_bf16_n16)(const nf_linear_args *a) {
  const int64_t rows = nf_tensor_rows(&a->x),
                groups = (nf_tensor_cols(&a->y) + GROUP * NF_STRIP - 1) / (GROUP * NF_STRIP);
  return (rows + NF_TILE_TOKENS - 1) / NF_TILE_TOKENS * groups;
}

// The strips of one block over one panel for `tokens` tokens of the tile.
static void run_panel(const float *x, const char *w, int64_t strip_bytes, int strips, int tokens, int64_t n,
                      float *sum) {
  const int64_t strip_sums = NF_TILE_TOKENS * NF_STRIP;
#define TILE(T, S)                                                                      \
  nf_tile(T, S, false, x + t * NF_PANEL, NF_PANEL, w + s * strip_bytes, strip_bytes, n, \
          sum + s * strip_sums + t * NF_STRIP, strip_sums)
  for (int t = 0; t < tokens;) {
    const int left = tokens - t, step = left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    for (int s = 0; s < strips;) {
      const int wide = strips - s;
      if (step == 6)
        TILE(6, 1), s++;
      else if (step == 4)
        TILE(4, 1), s++;
      else if (step == 2 && wide >= 2)
        TILE(2, 2), s += 2;
      else if (step == 2)
        TILE(2, 1), s++;
      else if (wide >= 4)
        TILE(1, 4), s += 4;
      else
        TILE(1, 1), s++;
    }
    t += step;
  }
#undef TILE
}

static void store(const nf_linear_args *a, int64_t row, int64_t n0, int64_t n, const float *sum) {
  float y[NF_STRIP];
  for (int64_t i = 0; i < n; i++) {
    const int64_t b = n0 + i;
    const float bias = a->bias.data == NULL      ? 0
                       : a->bias.dtype == NF_F32 ? ((const float *)a->bias.data)[b]
                                                 : nf_bf16_decode(((const uint16_t *)a->bias.data)[b]);
    y[i] = sum[i] + bias;
  }
  char *to = nf_tensor_row(&a->y, row);
  if (a->y.dtype == NF_F32)
    memcpy((float *)to + n0, y, (size_t)n * sizeof *y);
  else
    for (int64_t i = 0; i < n; i++) ((uint16_t *)to)[n0 + i] = nf_bf16_encode(y[i]);
}

void NF_KERNEL(linear_bf16_n16)(const nf_linear_args *a, int64_t block) {
  const int64_t rows = nf_tensor_rows(&a->x), K = nf_tensor_cols(&a->x), N = nf_tensor_cols(&a->y);
  const int64_t groups = (N + GROUP * NF_STRIP - 1) / (GROUP * NF_STRIP);
  const int64_t t0 = block / groups * NF_TILE_TOKENS, s0 = block % groups * GROUP;
  const int tokens = (int)(rows - t0 < NF_TILE_TOKENS ? rows - t0 : NF_TILE_TOKENS);
  const int64_t all = (N + NF_STRIP - 1) / NF_STRIP;
  const int strips = (int)(all - s0 < GROUP ? all - s0 : GROUP);
  const int64_t strip_bytes = K * NF_STRIP * (int64_t)sizeof(uint16_t);
  const char *w = (const char *)a->w.data + s0 * strip_bytes;

  float sum[GROUP * NF_TILE_TOKENS * NF_STRIP], x[NF_TILE_TOKENS * NF_PANEL];
  memset(sum, 0, sizeof sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = K - k < NF_PANEL ? K - k : NF_PANEL;
    for (int t = 0; t < tokens; t++) nf_widen(&a->x, nf_tensor_row(&a->x, t0 + t), k, n, x + t * NF_PANEL);
    run_panel(x, w + k * NF_STRIP * (int64_t)sizeof(uint16_t), strip_bytes, strips, tokens, n, sum);
  }
  for (int s = 0; s < strips; s++)
    for (int t = 0; t < tokens; t++) {
      const int64_t n0 = (s0 + s) * NF_STRIP;
      store(a, t0 + t, n0, N - n0 < NF_STRIP ? N - n0 : NF_STRIP, sum + (s * NF_TILE_TOKENS + t) * NF_STRIP);
    }
}

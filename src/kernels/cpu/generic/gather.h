// SPDX-License-Identifier: Apache-2.0
// What grouped_linear and the fused experts share: the (token, choice) pairs of an expert, found without
// sorting, and their rows times a group of strips of its weights.
#pragma once
#include "kernels/cpu/generic/panel.h"

enum { NF_MOST_PAIRS = 2 * NF_TILE_TOKENS };

typedef struct nf_pairs {       // (token, choice) pairs of one expert
  int64_t index[NF_MOST_PAIRS]; // t * J + j
  int n;
} nf_pairs;

// The next pairs of expert e from pair *at on, at most `most`.
static inline void nf_gather(const nf_tensor *all, int64_t e, int most, int64_t *at, nf_pairs *out) {
  const int64_t J = all->dim[1], T = all->dim[0];
  int64_t t = *at / J, j = *at % J;
  out->n = 0;
  for (; t < T && out->n < most; t++, j = 0) {
    const int32_t *ids = nf_tensor_row(all, t);
    for (; j < J && out->n < most; j++)
      if (ids[j] == e) out->index[out->n++] = t * J + j;
    if (j < J) break;
  }
  *at = t * J + j;
}

// nf_multiply for more tokens than a tile has, whose weights are decoded once:
// sum[tile][strip][NF_TILE_TOKENS][16].
static inline void nf_multiply_tiles(const nf_strips *g, const float *x, int tokens, int64_t k, int64_t n,
                                     float *sum) {
  float w[NF_PANEL * NF_STRIP];
  if (tokens <= NF_TILE_TOKENS) {
    nf_multiply(g, x, tokens, k, n, sum);
    return;
  }
  for (int64_t s = 0; s < g->n; s++) {
    nf_panel_of_w(g, s, k, n, w);
    for (int64_t tile = 0, t = 0; t < tokens; tile++, t += NF_TILE_TOKENS)
      nf_tiles(NF_AS_F32, x + t * NF_PANEL, w, 0, 1, (int)nf_min(NF_TILE_TOKENS, tokens - t), n,
               sum + (tile * g->n + s) * NF_TILE_TOKENS * NF_STRIP);
  }
}

// Rows from[i] of x into rows to[i] of y, as far as the strips from s0 on give its columns. `group` is the
// most strips and `most` the most rows, constants at every call.
NF_INLINE void nf_rows_times_strips(int group, int most, const nf_tensor *x, const int64_t *from, int rows,
                                    const nf_strips *strips, int64_t K, int64_t s0, const nf_tensor *bias,
                                    int64_t e, const nf_tensor *y, const int64_t *to) {
  float sum[group * most * NF_STRIP], panel[most * NF_PANEL];
  memset(sum, 0,
         (size_t)(nf_ceil_div(rows, NF_TILE_TOKENS) * strips->n * NF_TILE_TOKENS * NF_STRIP) * sizeof *sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < rows; t++) nf_panel_of_x(x, from[t], strips, k, n, panel + t * NF_PANEL);
    nf_multiply_tiles(strips, panel, rows, k, n, sum);
  }
  for (int64_t s = 0; s < strips->n; s++)
    for (int t = 0; t < rows; t++) {
      const int64_t tile = t / NF_TILE_TOKENS * strips->n + s;
      nf_store_strip(strips, s0, s, sum + (tile * NF_TILE_TOKENS + t % NF_TILE_TOKENS) * NF_STRIP, bias, e, y,
                     to[t]);
    }
}

// SPDX-License-Identifier: Apache-2.0
// What grouped_linear and the fused experts share: the (token, choice) pairs of an expert, found without
// sorting, and their rows times a group of strips of its weights.
#pragma once
#include "kernels/cpu/generic/panel.h"

typedef struct nf_pairs {        // a tile of (token, choice) pairs of one expert
  int64_t index[NF_TILE_TOKENS]; // t * J + j
  int n;
} nf_pairs;

// The next pairs of expert e from pair *at on.
static inline void nf_gather(const nf_tensor *all, int64_t e, int64_t *at, nf_pairs *out) {
  const int64_t J = all->dim[1], T = all->dim[0];
  int64_t t = *at / J, j = *at % J;
  out->n = 0;
  for (; t < T && out->n < NF_TILE_TOKENS; t++, j = 0) {
    const int32_t *ids = nf_tensor_row(all, t);
    for (; j < J && out->n < NF_TILE_TOKENS; j++)
      if (ids[j] == e) out->index[out->n++] = t * J + j;
    if (j < J) break;
  }
  *at = t * J + j;
}

// Rows from[i] of x into rows to[i] of y, as far as the strips from s0 on give its columns. `group` is the
// most strips, a constant at every call.
NF_INLINE void nf_rows_times_strips(int group, const nf_tensor *x, const int64_t *from, int rows,
                                    const nf_strips *strips, int64_t K, int64_t s0, const nf_tensor *bias,
                                    int64_t e, const nf_tensor *y, const int64_t *to) {
  float sum[group * NF_TILE_TOKENS * NF_STRIP], panel[NF_TILE_TOKENS * NF_PANEL];
  memset(sum, 0, (size_t)(strips->n * NF_TILE_TOKENS * NF_STRIP) * sizeof *sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < rows; t++) nf_panel_of_x(x, from[t], strips, k, n, panel + t * NF_PANEL);
    nf_multiply(strips, panel, rows, k, n, sum);
  }
  for (int64_t s = 0; s < strips->n; s++)
    for (int t = 0; t < rows; t++)
      nf_store_strip(strips, s0, s, sum + (s * NF_TILE_TOKENS + t) * NF_STRIP, bias, e, y, to[t]);
}

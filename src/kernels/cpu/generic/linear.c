// SPDX-License-Identifier: Apache-2.0
// linear with bf16 weights, 16 rows side by side. A block is a group of strips and a tile of tokens; its
// weights are read once, panel by panel.
#include "kernels/cpu/generic/tile.h"

enum { GROUP = 8 }; // strips of a block: 128 rows

int64_t NF_BLOCKS(linear_bf16_n16)(const nf_linear_args *a) {
  return nf_ceil_div(nf_tensor_rows(&a->x), NF_TILE_TOKENS) *
         nf_ceil_div(nf_tensor_cols(&a->y), GROUP * NF_STRIP);
}

void NF_KERNEL(linear_bf16_n16)(const nf_linear_args *a, int64_t block) {
  const int64_t K = nf_tensor_cols(&a->x), N = nf_tensor_cols(&a->y),
                groups = nf_ceil_div(N, GROUP * NF_STRIP);
  const int64_t t0 = block / groups * NF_TILE_TOKENS, s0 = block % groups * GROUP;
  const int tokens = (int)nf_min(NF_TILE_TOKENS, nf_tensor_rows(&a->x) - t0);
  const int strips = (int)nf_min(GROUP, nf_ceil_div(N, NF_STRIP) - s0);
  const int64_t column_bytes = NF_STRIP * (int64_t)sizeof(uint16_t), strip_bytes = K * column_bytes;
  const char *w = (const char *)a->w.data + s0 * strip_bytes;

  float sum[GROUP * NF_TILE_TOKENS * NF_STRIP], x[NF_TILE_TOKENS * NF_PANEL];
  memset(sum, 0, sizeof sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < tokens; t++) nf_widen(&a->x, nf_tensor_row(&a->x, t0 + t), k, n, x + t * NF_PANEL);
    nf_tiles(false, x, w + k * column_bytes, strip_bytes, strips, tokens, n, sum);
  }
  for (int s = 0; s < strips; s++)
    for (int t = 0; t < tokens; t++)
      nf_store_strip(&a->y, t0 + t, (s0 + s) * NF_STRIP, sum + (s * NF_TILE_TOKENS + t) * NF_STRIP, &a->bias,
                     0);
}

// SPDX-License-Identifier: Apache-2.0
// linear with weights of 16 rows side by side. A block is a group of strips and a tile of tokens; its weights
// are read once, panel by panel. Blocks of the same weights follow one another, which are in a cache then.
#include "kernels/cpu/generic/panel.h"

enum { GROUP = 8 }; // strips of a block: 128 rows

static int64_t blocks(const nf_linear_args *a) {
  return nf_ceil_div(nf_tensor_rows(&a->x), NF_TILE_TOKENS) *
         nf_ceil_div(nf_tensor_cols(&a->y), GROUP * NF_STRIP);
}

static void run(const nf_linear_args *a, int64_t block) {
  const int64_t K = nf_tensor_cols(&a->x), N = nf_tensor_cols(&a->y),
                tiles = nf_ceil_div(nf_tensor_rows(&a->x), NF_TILE_TOKENS);
  const int64_t t0 = block % tiles * NF_TILE_TOKENS, s0 = block / tiles * GROUP;
  const int tokens = (int)nf_min(NF_TILE_TOKENS, nf_tensor_rows(&a->x) - t0);
  const nf_strips strips = nf_strips_of(&a->w, 0, s0, nf_min(GROUP, nf_ceil_div(N, NF_STRIP) - s0));
  float sum[GROUP * NF_TILE_TOKENS * NF_STRIP], x[NF_TILE_TOKENS * NF_PANEL];
  memset(sum, 0, sizeof sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < tokens; t++) nf_panel_of_x(&a->x, t0 + t, &strips, k, n, x + t * NF_PANEL);
    nf_multiply(&strips, x, tokens, k, n, sum);
  }
  for (int64_t s = 0; s < strips.n; s++)
    for (int t = 0; t < tokens; t++)
      nf_store_strip(&strips, s0, s, sum + (s * NF_TILE_TOKENS + t) * NF_STRIP, &a->bias, 0, &a->y, t0 + t);
}

int64_t NF_BLOCKS(linear_bf16_n16)(const nf_linear_args *a) { return blocks(a); }
void NF_KERNEL(linear_bf16_n16)(const nf_linear_args *a, int64_t block) { run(a, block); }

int64_t NF_BLOCKS(linear_fp8_n16)(const nf_linear_args *a) { return blocks(a); }
void NF_KERNEL(linear_fp8_n16)(const nf_linear_args *a, int64_t block) { run(a, block); }

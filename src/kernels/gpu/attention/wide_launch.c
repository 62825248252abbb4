// SPDX-License-Identifier: Apache-2.0
// The grid of wide.c, Hopper's attention by wide tiles, for attention_launch.c.
#include "kernels/gpu/attention/launch.h"

// Blocks of a cluster share keys where a multiprocessor would have none. A sequence may begin in the middle
// of a tile.
static int32_t cluster_of(const nf_gpu_attention *p, int64_t at_once) {
  const int64_t tiles = nf_ceil_div(p->tokens, p->tile_tokens) + p->sequences - 1;
  const int64_t blocks = nf_max(1, tiles * p->kv_heads * p->chunks);
  int32_t of = 1;
  while (2 * of <= NF_GPU_CLUSTER && 2 * of * blocks <= at_once) of *= 2;
  return of;
}

// Two tiles of keys and two of values, queries of large heads, a word of each wave and tile; behind the last
// tile what blocks of a cluster have of rows lies in their place.
nf_grid nf_gpu_attention_wide_grid(nf_gpu_attention *p, int64_t head, int32_t keys, int64_t at_once) {
  enum { ROWS = NF_GPU_WIDE_ROWS, THREADS = ROWS * 2 };
  const int64_t queries = head >= 256 ? ROWS * head : 0;
  const int64_t tiles = 2 * (4 * keys * head + queries) + 2 * (THREADS / 32) * 4;
  nf_gpu_attention_columns(p, ROWS);
  p->cluster = cluster_of(p, at_once);
  const int64_t joined = p->cluster > 1 ? ROWS * (head + 4) * 4 : 0;
  nf_grid g = nf_gpu_grid(nf_gpu_attention_tiles(p), THREADS, (size_t)nf_max(tiles, joined));
  g.blocks[1] = (uint32_t)(p->kv_heads * p->chunks * p->cluster);
  g.cluster = p->cluster > 1 ? (uint32_t)p->cluster : 0;
  return g;
}

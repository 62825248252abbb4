// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/attention/launch.h"

// Two tiles of keys and two of values, queries of large heads, a word of each wave and tile.
nf_grid nf_gpu_attention_wide_grid(nf_gpu_attention *p, int64_t head, int32_t keys) {
  enum { ROWS = NF_GPU_WIDE_ROWS, THREADS = ROWS * 2 };
  const int64_t queries = head >= 256 ? ROWS * head : 0;
  nf_gpu_attention_columns(p, ROWS);
  nf_grid g = nf_gpu_grid(nf_gpu_attention_tiles(p), THREADS,
                          (size_t)(2 * (4 * keys * head + queries) + 2 * (THREADS / 32) * 4));
  g.blocks[1] = (uint32_t)(p->kv_heads * p->chunks);
  return g;
}

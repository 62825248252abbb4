// SPDX-License-Identifier: Apache-2.0
// Matrix tiles that linear and grouped_linear share: rows of x as float32 panels, strips of 16 weight rows
// that lie side by side (n16), and sums [token][16] that stay in registers.
//
// Every sum runs over k in order, one fma after the other, whatever the tile: a token's result is the same
// bits alone, in a batch, and with any number of threads.
#pragma once
#include "base/checked.h"
#include "kernels/cpu/generic/vec.h"
#include "tensor/pack.h"

enum {
  NF_STRIP = 16,     // weight rows side by side
  NF_PANEL = 256,    // k at a time: a panel of x and of decoded weights stays in the first-level cache
  NF_TILE_SUMS = 12, // vectors of sums that one tile keeps: strips * tokens * 2 at most
  // Packed weights are asked for so many bytes ahead, into the strip's next panel, which is another page.
  // 12288 x 4096, 1 token, one core of a Xeon of model 167: 4.6 ms without, 4.0 with 1024, 4.0 with 2048, 4.3
  // with 4096 (2026-11-25).
  NF_AHEAD = 2048,
  NF_TILE_TOKENS = 24, // tokens whose panel of x is widened together
};

// Weights of a strip: float32 as decoded (panel.h), or as they are packed.
typedef enum nf_strip_as { NF_AS_F32, NF_AS_BF16, NF_AS_E4M3 } nf_strip_as;

// 8 weights of a strip at k; of E4M3 2^-8 of them. `as` is a constant at every call.
NF_INLINE v8 nf_strip_at(const void *w, nf_strip_as as, int64_t k, int half) {
  if (as == NF_AS_F32) return v8_load((const float *)w + k * NF_STRIP + 8 * half);
  if (as == NF_AS_E4M3) return v8_load_e4m3((const uint8_t *)w + k * NF_STRIP + 8 * half);
  return v8_load_bf16((const uint16_t *)w + k * NF_STRIP + 8 * half);
}

// sum[s][t][16] += x[t][k] w_s[k][16] for `tokens` tokens and `strips` strips, both constants: all sums in
// registers.
NF_INLINE void nf_tile(int tokens, int strips, nf_strip_as as, const float *x, int64_t ldx, const void *w,
                       int64_t strip_bytes, int64_t n, float *sum, int64_t strip_sums, int64_t token_sums) {
  v8 acc[NF_TILE_SUMS];
  for (int i = 0; i < strips * tokens; i++)
    for (int h = 0; h < 2; h++)
      acc[2 * i + h] = v8_load(sum + i / tokens * strip_sums + i % tokens * token_sums + 8 * h);
  for (int64_t k = 0; k < n; k++)
    for (int s = 0; s < strips; s++) {
      const char *strip = (const char *)w + s * strip_bytes;
      if (as != NF_AS_F32) __builtin_prefetch(strip + k * NF_STRIP * (as == NF_AS_BF16 ? 2 : 1) + NF_AHEAD);
      const v8 low = nf_strip_at(strip, as, k, 0), high = nf_strip_at(strip, as, k, 1);
      for (int t = 0; t < tokens; t++) {
        const v8 xt = v8_splat(x[t * ldx + k]);
        acc[2 * (s * tokens + t)] = v8_fma(xt, low, acc[2 * (s * tokens + t)]);
        acc[2 * (s * tokens + t) + 1] = v8_fma(xt, high, acc[2 * (s * tokens + t) + 1]);
      }
    }
  for (int i = 0; i < strips * tokens; i++)
    for (int h = 0; h < 2; h++)
      v8_store(sum + i / tokens * strip_sums + i % tokens * token_sums + 8 * h, acc[2 * i + h]);
}

// The tiles of a block over one panel of n columns: sum[strip][NF_TILE_TOKENS][16] += x[tokens][NF_PANEL] w.
// `as` is a constant at every call.
NF_INLINE void nf_tiles(nf_strip_as as, const float *x, const void *w, int64_t strip_bytes, int strips,
                        int tokens, int64_t n, float *sum) {
  const int64_t strip_sums = NF_TILE_TOKENS * NF_STRIP;
#define TILE(T, S)                                                                                 \
  nf_tile(T, S, as, x + t * NF_PANEL, NF_PANEL, (const char *)w + s * strip_bytes, strip_bytes, n, \
          sum + s * strip_sums + t * NF_STRIP, strip_sums, NF_STRIP)
  for (int t = 0; t < tokens;) {
    const int left = tokens - t, step = left >= 6 ? 6 : left;
    for (int s = 0; s < strips;) {
      const int more = strips - s;
      if (step == 6)
        TILE(6, 1), s++;
      else if (step == 5)
        TILE(5, 1), s++;
      else if (step == 4)
        TILE(4, 1), s++;
      else if (step == 3 && more >= 2)
        TILE(3, 2), s += 2;
      else if (step == 3)
        TILE(3, 1), s++;
      else if (step == 2 && more >= 2)
        TILE(2, 2), s += 2;
      else if (step == 2)
        TILE(2, 1), s++;
      else if (more >= 4)
        TILE(1, 4), s += 4;
      else
        TILE(1, 1), s++;
    }
    t += step;
  }
#undef TILE
}

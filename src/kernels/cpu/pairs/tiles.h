// SPDX-License-Identifier: Apache-2.0
// Matrix tiles: eight registers of rows of 64 bytes, those of weights of 16 rows, the others of as many as
// there are tokens, which is what a product takes time for. NF_PLAIN_TILES computes the same bits in plain C,
// for tests on machines without AMX. That wants what the callers set: subnormal numbers count as zero.
#pragma once
#include "kernels/cpu/pairs/strips.h"
#include "tensor/scalar.h"

enum {
  NF_TILE = 16 * 64, // bytes, one row after the other
  NF_TILES_OF_W = 6, // the first register of weights
};

#if NF_PLAIN_TILES

static _Thread_local float nf_tile_register[8][256];
static _Thread_local int nf_tile_rows;

NF_INLINE void nf_tiles_begin(int rows) { nf_tile_rows = rows; }
NF_INLINE size_t nf_tile_bytes(int r) { return (size_t)(r < NF_TILES_OF_W ? nf_tile_rows : 16) * 64; }
NF_INLINE void nf_tiles_end(void) {}
#define NF_TILE_ZERO(r) memset(nf_tile_register[r], 0, NF_TILE)
#define NF_TILE_LOAD(r, p) memcpy(nf_tile_register[r], p, nf_tile_bytes(r))
#define NF_TILE_STORE(r, p) memcpy(p, nf_tile_register[r], nf_tile_bytes(r))
#define NF_TILE_DOT(c, a, b) nf_tile_dot(nf_tile_register[c], nf_tile_register[a], nf_tile_register[b])

static void nf_tile_dot(float *c, const float *a, const float *b) {
  uint16_t x[512], w[512];
  memcpy(x, a, sizeof x);
  memcpy(w, b, sizeof w);
  for (int m = 0; m < nf_tile_rows; m++)
    for (int n = 0; n < 16; n++) {
      float chain[2] = {0, 0};
      for (int k = 0; k < 32; k++)
        chain[k % 2] =
            fmaf(nf_bf16_decode(x[m * 32 + k]), nf_bf16_decode(w[k / 2 * 32 + n * 2 + k % 2]), chain[k % 2]);
      c[m * 16 + n] += chain[0] + chain[1];
    }
}

#else

// The configuration is an operand with all its bytes: compilers that are told of
// fewer drop the stores that fill the rest.
NF_INLINE void nf_tiles_begin(int rows) {
  struct {
    uint8_t palette, start, zero[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } c = {.palette = 1};
  for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = (uint8_t)(i < NF_TILES_OF_W ? rows : 16);
  __asm__ volatile("ldtilecfg %0" : : "m"(c));
}
NF_INLINE void nf_tiles_end(void) { __asm__ volatile("tilerelease"); }
#define NF_TILE_ZERO(r) __asm__ volatile("tilezero %%tmm" #r : :)
#define NF_TILE_LOAD(r, p)                         \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #r \
                   :                               \
                   : "r"(p), "r"((int64_t)64), "m"(*(const char(*)[NF_TILE])(p)))
#define NF_TILE_STORE(r, p)                            \
  __asm__ volatile("tilestored %%tmm" #r ", (%1,%2,1)" \
                   : "=m"(*(char(*)[NF_TILE])(p))      \
                   : "r"(p), "r"((int64_t)64))
#define NF_TILE_DOT(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)

#endif

typedef struct nf_ahead { // what is asked for meanwhile: `bytes` of each of two strips with each step
  const char *at[2];
  int64_t bytes;
} nf_ahead;

// acc[rows / 16][16][16] += x times lines: two or one tiles of rows (constant `pair`) times two strips, over
// whole steps. x: [step][ldx] lines from the first row on. w: lines of each strip. acc of each strip.
NF_INLINE void nf_tiles_multiply(bool pair, const uint16_t *x, int64_t ldx, const uint16_t *const w[2],
                                 int64_t n, bool from_zero, float *const acc[2], const nf_ahead *ahead) {
  if (from_zero) {
    NF_TILE_ZERO(0);
    NF_TILE_ZERO(1);
    if (pair) {
      NF_TILE_ZERO(2);
      NF_TILE_ZERO(3);
    }
  } else {
    NF_TILE_LOAD(0, acc[0]);
    NF_TILE_LOAD(1, acc[1]);
    if (pair) {
      NF_TILE_LOAD(2, acc[0] + 256);
      NF_TILE_LOAD(3, acc[1] + 256);
    }
  }
  for (int64_t k = 0; k < n; k += NF_STEP) {
    const uint16_t *xk = x + k / NF_STEP * ldx * NF_STEP;
    NF_TILE_LOAD(4, xk);
    NF_TILE_LOAD(6, w[0] + k * NF_STRIP);
    NF_TILE_DOT(0, 4, 6);
    NF_TILE_LOAD(7, w[1] + k * NF_STRIP);
    NF_TILE_DOT(1, 4, 7);
    if (pair) {
      NF_TILE_LOAD(5, xk + 16 * NF_STEP);
      NF_TILE_DOT(2, 5, 6);
      NF_TILE_DOT(3, 5, 7);
    }
    for (int64_t b = k / NF_STEP * ahead->bytes, end = b + ahead->bytes; b < end; b += 64) {
      __builtin_prefetch(ahead->at[0] + b);
      __builtin_prefetch(ahead->at[1] + b);
    }
  }
  NF_TILE_STORE(0, acc[0]);
  NF_TILE_STORE(1, acc[1]);
  if (pair) {
    NF_TILE_STORE(2, acc[0] + 256);
    NF_TILE_STORE(3, acc[1] + 256);
  }
}

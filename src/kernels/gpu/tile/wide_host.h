// SPDX-License-Identifier: Apache-2.0
// Products of a group of four waves on the host: a collective in which every lane puts down rows of the tiles
// and its own of A, and computes its own sums. They show only after wide_wait: until then d holds their bits
// inverted.
#pragma once
#include "kernels/gpu/tile/wide.h"

INLINE wide_b wide_tile(const SHARED void *p) { return (wide_b){(uintptr_t)p}; }
INLINE wide_b wide_step(wide_b b, int step) { return (wide_b){b.at + (uint64_t)(step * WIDE_STEP)}; }

// Both are multiples of 1,024; the stride is in the bits that addresses don't use.
enum { WIDE_ADDRESS = 48 };
INLINE wide_b wide_turned(const SHARED void *p, int stride) {
  return (wide_b){(uintptr_t)p | (uint64_t)(stride / WIDE_ALIGN) << WIDE_ADDRESS};
}

typedef enum wide_type { WIDE_TURNED, WIDE_BF16, WIDE_F16, WIDE_E4M3 } wide_type;

// The numbers of 4 bytes of k: how many.
INLINE int wide_decode(wide_type t, uint32_t x, float *out) {
  if (t == WIDE_E4M3) {
    for (int i = 0; i < 4; i++) out[i] = e4m3_to_f32((uint8_t)(x >> 8 * i));
    return 4;
  }
  for (int i = 0; i < 2; i++)
    out[i] = t != WIDE_F16 ? bf16_to_f32((uint16_t)(x >> 16 * i)) : f16_to_f32((uint16_t)(x >> 16 * i));
  return 2;
}

// Row `row` of a tile, the WIDE_STEP bytes that `b` stands for.
INLINE void wide_read(const nf_lane_site *site, wide_type t, wide_b b, int row, float *out) {
  const uint64_t tile = b.at & ~(uint64_t)(WIDE_LINE - 1);
  if (tile % WIDE_ALIGN) nf_lane_fail(site, "a tile must begin at a multiple of %d bytes", WIDE_ALIGN);
  for (int half = 0; half < 2; half++) {
    const int pack = (int)(b.at % WIDE_LINE / 16) + half;
    const u32x4 *p = (const u32x4 *)(uintptr_t)tile + wide_place(row, pack);
    nf_shared_read_wide(site, p);
    for (int i = 0; i < 4; i++) out += wide_decode(t, (*p)[i], out);
  }
}

// Pack `pack` of row k of what wide_turned stands for: 8 columns of b.
INLINE void wide_read_turned(const nf_lane_site *site, wide_b b, int k, int pack, float (*to)[32]) {
  const uint64_t tile = b.at & ((1ull << WIDE_ADDRESS) - 1), stride = (b.at >> WIDE_ADDRESS) * WIDE_ALIGN;
  if (tile % WIDE_ALIGN) nf_lane_fail(site, "a tile must begin at a multiple of %d bytes", WIDE_ALIGN);
  const u32x4 *p = (const u32x4 *)(uintptr_t)(tile + (uint64_t)(pack / 8) * stride) + wide_place(k, pack % 8);
  nf_shared_read_wide(site, p);
  for (int i = 0; i < 8; i++) to[8 * pack + i][k] = bf16_to_f32((uint16_t)((*p)[i / 2] >> i % 2 * 16));
}

// x without what lies more than 13 bits behind the point of a number with that exponent.
INLINE float wide_cut(float x, int exponent) {
  return ldexpf(truncf(ldexpf(x, 13 - exponent)), exponent - 13);
}

// c + sum of a[k] b[k]: of FP8 with all addends cut.
INLINE float wide_dot(wide_type t, const float *a, const float *b, float c) {
  if (t != WIDE_E4M3) {
    for (int k = 0; k < 16; k++) c += a[k] * b[k];
    return c;
  }
  float most = fabsf(c);
  for (int k = 0; k < 32; k++) most = fmaxf(most, fabsf(a[k] * b[k]));
  if (most == 0 || !isfinite(most)) most = 1;
  const int exponent = ilogbf(most);
  c = wide_cut(c, exponent);
  for (int k = 0; k < 32; k++) c += wide_cut(a[k] * b[k], exponent);
  return c;
}

// A is in registers or, where these are NULL, in a tile.
INLINE void wide_mma(const nf_lane_site *site, wide_type t, int n, float *d, const wide_a *a, wide_b a_tile,
                     wide_b b, bool add) {
  const int lane = lane_thread() % WIDE_LANES;
  nf_lane_wide *w = nf_lane_wide_mine();
  nf_lane_wide_begin(site, n, d, add);
  for (int i = 0; a != NULL && i < 4; i++)
    wide_decode(t, a->r[i], &w->a[wide_row(i % 2)][wide_k(i / 2) / (t == WIDE_E4M3 ? 1 : 2)]);
  if (a == NULL && lane < WIDE_ROWS) wide_read(site, t, a_tile, lane, w->a[lane]);
  for (int row = lane; t != WIDE_TURNED && row < n; row += WIDE_LANES) wide_read(site, t, b, row, w->b[row]);
  for (int i = lane; t == WIDE_TURNED && i < 2 * n; i += WIDE_LANES)
    wide_read_turned(site, b, i % 16, i / 16, w->b);
  nf_lane_wide_meet(site);
  for (int j = 0; j < n / 8; j++)
    for (int i = 0; i < 4; i++) {
      float *sum = &d[4 * j + i];
      *sum = nf_inverted(wide_dot(t, w->a[wide_row(i / 2)], w->b[wide_col(j) + i % 2], nf_inverted(*sum)));
    }
}
#define WIDE_MMA(type, n, d, a, tile, b, add) \
  wide_mma(LANE_SITE("wide_mma"), WIDE_##type, n, d, a, tile, b, add)
#define WIDE_REGISTERS(type, n, d, x, b, add)       \
  do {                                              \
    const wide_a a_ = x;                            \
    WIDE_MMA(type, n, d, &a_, (wide_b){0}, b, add); \
  } while (0)
#define wide_mma_bf16(...) WIDE_REGISTERS(BF16, __VA_ARGS__)
#define wide_mma_f16(...) WIDE_REGISTERS(F16, __VA_ARGS__)
#define wide_mma_e4m3(...) WIDE_REGISTERS(E4M3, __VA_ARGS__)
#define wide_mma_bf16_turned(...) WIDE_REGISTERS(TURNED, __VA_ARGS__)
#define wide_mma_bf16_tiles(n, d, a, b, add) WIDE_MMA(BF16, n, d, NULL, a, b, add)
#define wide_mma_f16_tiles(n, d, a, b, add) WIDE_MMA(F16, n, d, NULL, a, b, add)
#define wide_mma_e4m3_tiles(n, d, a, b, add) WIDE_MMA(E4M3, n, d, NULL, a, b, add)
#define wide_publish() nf_lane_wide_publish()
#define wide_begin() nf_lane_wide_fence()
#define wide_commit() nf_lane_wide_commit()
#define wide_wait(sets, n, d) nf_lane_wide_wait(LANE_SITE("wide_wait"), sets)

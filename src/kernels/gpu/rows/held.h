// SPDX-License-Identifier: Apache-2.0
// Rows that are held in registers between a sum over all of their columns and what is made of it: by a block,
// or, where they are short, by a group of lanes. A lane has packs of 8 columns.
#pragma once
#include "kernels/gpu/rows/rows.h"

// Who holds what: lane `first` of `step` lanes; a group of so many, or 0 for the block.
typedef struct holder {
  int row, part; // a row, or one of the parts that it is cut to
  bool inside;   // lanes without a row only take part in sums
  int first, step, group;
  SHARED float *room; // a block's, 4 sums of its waves
} holder;

// Of n rows, or parts of rows, one for each block or group of lanes.
INLINE holder hold(int group, int n, int parts) {
  const int threads = lane_threads(), thread = lane_thread();
  holder h = {.row = lane_block(), .first = thread, .step = threads, .room = block_shared()};
  if (group != 0)
    h = (holder){.row = lane_block() * (threads / group) + thread / group,
                 .first = thread % group,
                 .step = group,
                 .group = group};
  h.inside = h.row < n;
  if (parts != 1) {
    const uint32_t at = (uint32_t)h.row;
    h.row = (int)(at / (uint32_t)parts), h.part = (int)(at % (uint32_t)parts);
  }
  return h;
}

// `use`: which of the row's sums, as each has a room of its own.
INLINE float held_sum(const holder *h, float v, int use) {
  return h->group != 0 ? lane_sum_of(v, h->group) : block_sum(v, h->room + use * lane_waves());
}
INLINE float held_max(const holder *h, float v, int use) {
  return h->group != 0 ? lane_max_of(v, h->group) : block_max(v, h->room + use * lane_waves());
}

INLINE float largest_of(eight e) {
  float most = 0;
  UNROLL for (int i = 0; i < 8; i++) most = __builtin_fmaxf(most, __builtin_fabsf(e.v[i]));
  return most;
}

INLINE float scale_for(float most) { return most == 0 ? 1 : most / 448; }

// x / scale as division rounds it, or a number with the same code: where the reciprocal is rounded to nearest
// a quotient with its remainder put right is exact (Markstein), as long as nothing underflows that matters.
INLINE float divided(float x, float scale, float by) {
  const float q = x * by;
  return __builtin_fmaf(__builtin_fmaf(-q, scale, x), by, q);
}

INLINE u32x2 codes_of(eight e, float scale) {
  u32x2 c = {0, 0};
  if (scale > 0x1p-64f && scale < 0x1p64f) {
    const float by = 1 / scale;
    UNROLL for (int i = 0; i < 8; i++) e.v[i] = divided(e.v[i], scale, by);
  } else {
    UNROLL for (int i = 0; i < 8; i++) e.v[i] /= scale;
  }
  UNROLL for (int i = 0; i < 4; i++) c[i / 2] |= (uint32_t)f32_to_e4m3x2(e.v[2 * i], e.v[2 * i + 1])
                                                 << i % 2 * 16;
  return c;
}

enum { GROUP_LANES = 16 }; // that have 128 columns

// Codes of `each` packs of the row, and their scales; `use` as for sums. Every lane of the row comes here.
INLINE void store_codes(const holder *h, const u32x4 *e, int each, int packs, bool by_row, char *codes,
                        float *scales, int use) {
  float most = 0;
  if (by_row) {
    UNROLL for (int i = 0; i < each; i++) most = __builtin_fmaxf(most, largest_of(unpacked(e[i])));
    most = held_max(h, most, use);
    if (h->inside && h->first == 0) scales[0] = scale_for(most);
  }
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h->first + i * h->step;
    const int lanes = h->group != 0 && h->group < GROUP_LANES ? h->group : GROUP_LANES;
    const eight v = unpacked(e[i]);
    const float scale = scale_for(by_row ? most : lane_max_of(largest_of(v), lanes));
    if (!h->inside || p >= packs) continue;
    if (!by_row && p % GROUP_LANES == 0) scales[p / GROUP_LANES] = scale;
    *(u32x2 *)(codes + (int64_t)p * 8) = codes_of(v, scale);
  }
}

// The kernels of a struct that hold rows, in the order of NF_HELD_SYMBOLS: hold(a, group, each).
#define HELD_KERNELS(name, type, hold_)                \
  KERNEL(name##_4, type, 256, 5) { hold_(a, 4, 1); }   \
  KERNEL(name##_8, type, 256, 5) { hold_(a, 8, 1); }   \
  KERNEL(name##_16, type, 256, 5) { hold_(a, 16, 1); } \
  KERNEL(name##_32, type, 256, 5) { hold_(a, 32, 1); } \
  KERNEL(name##_x1, type, 640, 2) { hold_(a, 0, 1); }  \
  KERNEL(name##_x2, type, 512, 1) { hold_(a, 0, 2); }  \
  KERNEL(name##_x4, type, 512, 1) { hold_(a, 0, 4); }  \
  KERNEL(name##_x8, type, 512, 1) { hold_(a, 0, 8); }

// SPDX-License-Identifier: Apache-2.0
// Rows in device code: where they are, and packs of 16 bytes of them.
#pragma once
#include "kernels/gpu/abi/rows.h"
#include "kernels/gpu/lane/lane.h"

INLINE char *row_of(const nf_gpu_rows *t, int64_t r) {
  char *data = t->data;
  if (t->inner == 1) return data + r * t->outer;
  return data + r / t->inner * t->outer + r % t->inner * t->stride;
}

// A pack of 8 numbers of 16 bits. Rows of a view may begin at any number, so that a pack is not always one
// load; where it is can be told from the address, which is alike for all lanes.
INLINE u32x4 row_load(const char *p) {
  if ((uintptr_t)p % 16 == 0) return lane_load16(p);
  const uint16_t *h = (const uint16_t *)p;
  u32x4 v;
  UNROLL for (int i = 0; i < 4; i++) v[i] = h[2 * i] | (uint32_t)h[2 * i + 1] << 16;
  return v;
}

INLINE void row_store(char *p, u32x4 v) {
  if ((uintptr_t)p % 16 == 0) {
    lane_store16(p, v);
    return;
  }
  uint16_t *h = (uint16_t *)p;
  UNROLL for (int i = 0; i < 4; i++) h[2 * i] = (uint16_t)v[i], h[2 * i + 1] = (uint16_t)(v[i] >> 16);
}

// SPDX-License-Identifier: Apache-2.0
// Rows in device code: where they are, and packs of 16 bytes of them.
#pragma once
#include "kernels/gpu/abi/rows.h"
#include "kernels/gpu/lane/lane.h"

INLINE char *row_of(const nf_gpu_rows *t, int64_t r) {
  char *data = t->data;
  if (t->inner == 1) return data + r * t->outer;
  const uint32_t row = (uint32_t)r, inner = (uint32_t)t->inner;
  return data + row / inner * t->outer + (int64_t)(row % inner) * t->stride;
}

// 128 bits, 16 further down.
INLINE u32x4 row_shifted(u32x4 v, uint32_t above) {
  UNROLL for (int i = 0; i < 4; i++) v[i] = v[i] >> 16 | (i < 3 ? v[(i + 1) % 4] : above) << 16;
  return v;
}

// A pack of 8 numbers of 16 bits. Rows of a view may begin at any number, so that a pack is not always one
// load; where it is can be told from the address, which is alike for all lanes. The loop stays one: the few
// rows that need it shall not cost all others registers.
INLINE u32x4 row_load(const char *p) {
  if ((uintptr_t)p % 16 == 0) return lane_load16(p);
  u32x4 v = {0};
  _Pragma("GCC unroll 1") for (int i = 0; i < 8; i++) v = row_shifted(v, ((const uint16_t *)p)[i]);
  return v;
}

INLINE void row_store(char *p, u32x4 v) {
  if ((uintptr_t)p % 16 == 0) {
    lane_store16(p, v);
    return;
  }
  _Pragma("GCC unroll 1") for (int i = 0; i < 8; i++) {
    ((uint16_t *)p)[i] = (uint16_t)v[0];
    v = row_shifted(v, 0);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rows in device code: where they are, packs of 16 bytes of them, and the numbers in those.
#pragma once
#include "kernels/gpu/abi/rows.h"
#include "kernels/gpu/lane/lane.h"

INLINE char *row_of(const nf_gpu_rows *t, int64_t r) {
  char *data = t->data;
  if (t->inner == 1) return data + r * t->outer;
  const uint32_t row = (uint32_t)r, inner = (uint32_t)t->inner;
  return data + row / inner * t->outer + (int64_t)(row % inner) * t->stride;
}

// Evenly apart, and whole packs at multiples of 16 bytes.
INLINE bool rows_plain(const nf_gpu_rows *t) {
  return t->inner == 1 && ((uintptr_t)t->data | (uint64_t)t->outer) % 16 == 0;
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

// Padding is zeros, whatever is left of it: pack p of a row that goes to column `padded`.
INLINE void row_store_padded(char *row, int p, int padded, u32x4 v) {
  if (8 * p + 8 <= padded) {
    row_store(row + (int64_t)p * 16, v);
    return;
  }
  for (int k = 8 * p; k < padded; k++) ((uint16_t *)row)[k] = 0;
}

// The numbers of a pack.
typedef struct eight {
  float v[8];
} eight;

INLINE eight unpacked(u32x4 p) {
  eight e;
  UNROLL for (int i = 0; i < 4; i++) e.v[2 * i] = bf16x2_lo(p[i]), e.v[2 * i + 1] = bf16x2_hi(p[i]);
  return e;
}
INLINE u32x4 packed(eight e) {
  u32x4 p;
  UNROLL for (int i = 0; i < 4; i++) p[i] = f32x2_to_bf16x2(e.v[2 * i], e.v[2 * i + 1]);
  return p;
}
INLINE float rounded(float x) { return bf16_to_f32(f32_to_bf16(x)); }
INLINE eight rounded8(eight e) { return unpacked(packed(e)); }

// Number i of float32, or of bf16.
INLINE float number_at(const void *p, int64_t i, bool f32) {
  return f32 ? ((const float *)p)[i] : bf16_to_f32(((const uint16_t *)p)[i]);
}
INLINE void number_put(void *p, int64_t i, bool f32, float v) {
  if (f32)
    ((float *)p)[i] = v;
  else
    ((uint16_t *)p)[i] = f32_to_bf16(v);
}

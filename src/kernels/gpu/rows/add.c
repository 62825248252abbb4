// SPDX-License-Identifier: Apache-2.0
// add of bf16: a lane adds packs of 16 bytes.
#include "kernels/gpu/rows/rows.h"

INLINE u32x4 add_pack(u32x4 a, u32x4 b) {
  eight x = unpacked(a);
  const eight y = unpacked(b);
  UNROLL for (int i = 0; i < 8; i++) x.v[i] += y.v[i];
  return packed(x);
}

KERNEL(nf_add_bf16, nf_gpu_add, 256, 1) {
  const int64_t i = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (i >= (int64_t)a->rows * a->packs) return;
  const int64_t row = i / a->packs, at = i % a->packs * 16;
  const u32x4 y = add_pack(row_load(row_of(&a->a, row) + at), row_load(row_of(&a->b, row) + at));
  row_store(row_of(&a->y, row) + at, y);
}

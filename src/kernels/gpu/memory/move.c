// SPDX-License-Identifier: Apache-2.0
// What memory gives: bytes read, and bytes copied, by lanes that have several packs of 16 on their way.
#include "kernels/gpu/abi/memory.h"
#include "kernels/gpu/lane/lane.h"

enum { AT_ONCE = 8 };

INLINE int64_t first_pack(void) { return (int64_t)lane_block() * lane_threads() * AT_ONCE + lane_thread(); }
INLINE int64_t next_pack(int64_t i) { return i + (int64_t)lane_blocks() * lane_threads() * AT_ONCE; }
INLINE u32x4 pack_at(const nf_gpu_move *a, int64_t i) {
  return i < a->packs ? lane_load16_once((const char *)a->from + 16 * i) : (u32x4){0};
}

// What is read must be of some use, or it is not read.
KERNEL(nf_memory_read, nf_gpu_move, 512, 2) {
  u32x4 all = {0};
  lane_wait();
  for (int64_t i = first_pack(); i < a->packs; i = next_pack(i))
    UNROLL for (int k = 0; k < AT_ONCE; k++) all ^= pack_at(a, i + (int64_t)k * lane_threads());
  lane_release();
  if ((all[0] & all[1] & all[2] & all[3]) == 0x5bd1e995u) lane_store16(a->to, all);
}

KERNEL(nf_memory_copy, nf_gpu_move, 512, 2) {
  lane_wait();
  for (int64_t i = first_pack(); i < a->packs; i = next_pack(i)) {
    u32x4 v[AT_ONCE];
    UNROLL for (int k = 0; k < AT_ONCE; k++) v[k] = pack_at(a, i + (int64_t)k * lane_threads());
    UNROLL for (int k = 0; k < AT_ONCE; k++) {
      const int64_t at = i + (int64_t)k * lane_threads();
      if (at < a->packs) lane_store16((char *)a->to + 16 * at, v[k]);
    }
  }
  lane_release();
}

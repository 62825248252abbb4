// SPDX-License-Identifier: Apache-2.0
// A kernel for the emulator's own tests of clusters: each lane of block r gives 16 bytes to block r + 1 of
// its cluster of 4, twice. `wrong` says which fault it has; 0: none.
#include "kernels/gpu/lane/lane.h"
#include "kernels/gpu/lane/planted.h"

enum { CLUSTER = 4 };
enum { RIGHT, EARLY_PUT, LATE_PUT, EARLY_END, OVERWRITE, NO_ARRIVE, FAR_BLOCK };

INLINE SHARED u32x4 *mine(void) { return (SHARED u32x4 *)block_shared() + lane_thread(); }
INLINE void give(const nf_planted *a, int to) {
  cluster_put16(mine(), to, ((u32x4){lane_as_u32(a->in[lane_thread()]), (uint32_t)lane_block_y(), 0, 0}));
}
INLINE void meet(void) {
  cluster_arrive();
  cluster_wait();
}

KERNEL(nf_planted_cluster, nf_planted, 1024, 1) {
  const int next = (lane_block_y() + 1) % CLUSTER, wrong = a->wrong;
  lane_wait();
  if (wrong == NO_ARRIVE) cluster_wait();
  if (wrong == EARLY_END && lane_block_y() == 2) return;
  if (wrong != EARLY_PUT) meet();
  give(a, wrong == FAR_BLOCK ? CLUSTER : next);
  meet();
  const uint32_t before = shared_get(mine())[1];
  if (wrong != OVERWRITE) meet();
  give(a, next);
  if (wrong == LATE_PUT) return;
  meet();
  const u32x4 got = shared_get(mine());
  const int at = (lane_block_y() * lane_blocks() + lane_block()) * lane_threads() + lane_thread();
  a->out[at] = before == got[1] ? lane_as_f32(got[0]) + (float)got[1] : -1;
}

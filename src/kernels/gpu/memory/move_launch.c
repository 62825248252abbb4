// SPDX-License-Identifier: Apache-2.0
#include "base/checked.h"
#include "kernels/gpu/memory/move.h"

enum { THREADS = 512, AT_ONCE = 8, BLOCKS_EACH = 4 }; // on a multiprocessor, two at a time

nf_grid nf_gpu_move_grid(const nf_gpu_move *m, int multiprocessors) {
  const int64_t enough = nf_ceil_div(m->packs, THREADS * AT_ONCE);
  return (nf_grid){
      {(uint32_t)nf_min(enough, BLOCKS_EACH * nf_max(1, multiprocessors)), 1, 1}, {THREADS, 1, 1}, 0};
}

// SPDX-License-Identifier: Apache-2.0
// Grids of move.c, which reads and copies as fast as memory gives.
#include "kernels/gpu/launch.h"
#include "kernels/gpu/memory/move.h"

nf_grid nf_gpu_read_grid(int64_t packs) {
  return nf_gpu_grid(nf_ceil_div(packs, NF_GPU_READ_THREADS * NF_GPU_READ_PACKS), NF_GPU_READ_THREADS, 0);
}

nf_grid nf_gpu_copy_grid(int64_t packs) {
  return nf_gpu_grid(nf_ceil_div(packs, NF_GPU_COPY_THREADS), NF_GPU_COPY_THREADS, 0);
}

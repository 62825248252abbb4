// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels that measure memory.
#pragma once
#include <stdint.h>

typedef struct nf_gpu_move {
  const void *from;
  void *to;
  int64_t packs; // of 16 bytes
} nf_gpu_move;

enum { NF_GPU_READ_THREADS = 512, NF_GPU_READ_PACKS = 8, NF_GPU_COPY_THREADS = 256 }; // packs: of a lane

// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels that measure memory.
#pragma once
#include <stdint.h>

typedef struct nf_gpu_move {
  const void *from;
  void *to;
  int64_t packs; // of 16 bytes
} nf_gpu_move;

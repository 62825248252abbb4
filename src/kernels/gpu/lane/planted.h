// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels in planted.c, here and in tile/.
#pragma once
#include <stdint.h>

typedef struct nf_planted {
  const float *in;
  float *out;
  uint32_t *bits;
  const void *pack; // 16 bytes for every lane
  int32_t wrong;    // 0: the kernel is right
} nf_planted;

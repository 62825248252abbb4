// SPDX-License-Identifier: Apache-2.0
// The compiled kernels of GPUs.
#pragma once
#include "hw/hw.h"

typedef struct nf_image {
  const void *data;
  size_t bytes;
} nf_image;

// What a device of these facts loads; bytes of the library. NF_UNAVAILABLE: there is nothing for it.
nf_status nf_gpu_image(const nf_hw *hw, nf_image *out);

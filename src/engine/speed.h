// SPDX-License-Identifier: Apache-2.0
// What a GPU's memory gives, measured.
#pragma once
#include "device/device.h"

typedef struct nf_gpu_speed {
  double read, copy; // bytes/s; of a copy those read and those written
} nf_gpu_speed;

// By kernels of the module (nf_gpu_image) in a captured run, over up to 4 GiB, which are allocated for it, or
// as much of a quarter of what is free, twice; best of a few rounds, in some 50 ms. Nothing else uses the
// device meanwhile.
nf_status nf_gpu_measure(nf_device *d, const nf_module *module, nf_gpu_speed *out);

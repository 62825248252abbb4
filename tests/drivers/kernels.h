// SPDX-License-Identifier: Apache-2.0
// Host forms of kernels, by the names that they have in modules: all of src/kernels/gpu, through the
// emulator, and what the suite of devices has.
#pragma once
#include "kernels/gpu/lane/emulator.h"

typedef struct fake_kernel {
  size_t args_bytes; // of its one parameter
  const nf_emulated_kernel *emulated;
  void (*block)(const void *args, unsigned block); // of one that is no GPU's, instead
} fake_kernel;

bool fake_kernel_find(const char *symbol, int lanes, fake_kernel *out); // false: there is none
// Its blocks. NF_CHECK_FAILED and the like: what the emulator has against it.
nf_status fake_kernel_run(const fake_kernel *k, const nf_grid *grid, const void *args);

// SPDX-License-Identifier: Apache-2.0
// Host forms of kernels, by the names that they have in modules.
#pragma once
#include "device/launch.h"

typedef struct fake_kernel {
  const char *name;
  size_t args_bytes; // of its one parameter
  size_t shared_most;
  void (*block)(const void *args, unsigned block); // of double_it
} fake_kernel;

const fake_kernel *fake_kernel_find(const char *symbol, int lanes); // NULL: there is none
void fake_kernel_share(const fake_kernel *k, size_t bytes);         // of shared memory a block may have
int fake_kernel_run(const fake_kernel *k, const nf_grid *grid, const void *args); // the driver's code

// SPDX-License-Identifier: Apache-2.0
#include "tests/drivers/kernels.h"
#include "tests/drivers/memory.h"
#include "tests/support/conformance.h"
#include <stdlib.h>
#include <string.h>

static void double_it(const void *args, unsigned block) {
  const nf_doubled *a = args;
  a->y[block] = 2 * a->x[block];
}

bool fake_kernel_find(const char *symbol, int lanes, fake_kernel *out) {
  const nf_emulated_kernel *k = nf_emulated_find(symbol, lanes);
  if (k != NULL)
    *out = (fake_kernel){.args_bytes = k->args_bytes, .emulated = k};
  else if (strcmp(symbol, "double_it") == 0)
    *out = (fake_kernel){.args_bytes = sizeof(nf_doubled), .block = double_it};
  else
    return false;
  return true;
}

// The first launch in order, each later one in another: a result must not depend on it.
static nf_status emulate(const fake_kernel *k, const nf_grid *grid, const void *args) {
  static uint64_t runs;
  nf_emulation how = {.seed = __atomic_fetch_add(&runs, 1, __ATOMIC_RELAXED)};
  if (!fake_memory_ranges(&how)) return nf_error(NF_NO_MEMORY, "no memory for a launch");
  const nf_status st = nf_emulate(k->emulated, grid, args, k->args_bytes, &how);
  free((void *)how.legal);
  return st;
}

nf_status fake_kernel_run(const fake_kernel *k, const nf_grid *grid, const void *args) {
  if (k->emulated != NULL) return emulate(k, grid, args);
  for (unsigned i = 0; i < grid->blocks[0]; i++) k->block(args, i);
  return nf_ok();
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/products/linear_launch.h"

// The first stages are of scales by row, the others of those by group and block.
static nf_grid launch(const nf_launch_site *s, int stage, void *packed) {
  nf_gpu_linear p = nf_linear_packed(s);
  const bool blocks = stage >= NF_LINEAR_FP8_KERNELS;
  nf_grid grid = nf_linear_grid(s, stage % NF_LINEAR_FP8_KERNELS, &p);
  if (blocks != (p.x_groups > 0)) grid.blocks[0] = 0;
  *(nf_gpu_linear *)packed = p;
  return grid;
}

static size_t scratch(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  return nf_linear_partial(s, nf_tensor_rows(&a->y), nf_tensor_cols(&a->y));
}

#define KERNELS(scales)                                                                              \
  "nf_linear_fp8_" scales "_8", "nf_linear_fp8_" scales "_16", "nf_linear_fp8_" scales "_32",        \
      "nf_linear_fp8_" scales "_64", "nf_linear_fp8_" scales "_128", "nf_linear_fp8_" scales "_s32", \
      "nf_linear_fp8_" scales "_s64"
const nf_module_kernel nf_gpu_linear_fp8 = {
    .stages = 2 * NF_LINEAR_FP8_KERNELS,
    .symbol = {KERNELS("row"), KERNELS("block")},
    .packed = {[0 ... 2 * NF_LINEAR_FP8_KERNELS - 1] = sizeof(nf_gpu_linear)},
    .launch = launch,
    .scratch = scratch};

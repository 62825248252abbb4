// SPDX-License-Identifier: Apache-2.0
// Launches of linear_bf16.c: what there is to be gathered, then one of the kernels.
#include "kernels/gpu/products/linear_launch.h"

// Stage 0 gathers; the others are the kernels, the last that for few rows.
static nf_grid launch(const nf_launch_site *s, int stage, void *packed) {
  const nf_linear_args *a = s->args;
  nf_gpu_linear p = nf_linear_packed(s);
  if (stage == 0) return nf_linear_gather(s, packed);
  p.partial = (float *)((char *)s->scratch + nf_linear_gathered(a));
  const bool is_last = stage == NF_LINEAR_KERNELS + 1;
  nf_grid grid = is_last ? nf_linear_small_grid(s, &p) : nf_linear_grid(s, stage - 1, &p);
  if (is_last != nf_linear_is_small(s, &p)) grid.blocks[0] = 0;
  *(nf_gpu_linear *)packed = p;
  return grid;
}

static size_t scratch(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  return nf_linear_gathered(a) + nf_linear_partial(s, nf_tensor_rows(&a->y), nf_tensor_cols(&a->y));
}

const nf_module_kernel nf_gpu_linear_bf16 = {
    .stages = NF_LINEAR_KERNELS + 2,
    .symbol = {"nf_linear_gather", "nf_linear_bf16_8", "nf_linear_bf16_16", "nf_linear_bf16_32",
               "nf_linear_bf16_64", "nf_linear_bf16_128", "nf_linear_bf16_s32", "nf_linear_bf16_s64",
               "nf_linear_bf16_s128", "nf_linear_bf16_p128", "nf_linear_bf16_p256", "nf_linear_bf16_small"},
    .packed = {sizeof(nf_gpu_gather), [1 ... NF_LINEAR_KERNELS + 1] = sizeof(nf_gpu_linear)},
    .launch = launch,
    .scratch = scratch};

// SPDX-License-Identifier: Apache-2.0
// Launches of combine.c: experts' results added up, with those of a shared expert or without.
#include "kernels/gpu/launch.h"

static nf_grid launch(nf_gpu_combine *p, const nf_tensor *x, const nf_tensor *weights, const nf_tensor *y) {
  const int64_t columns = nf_tensor_cols(y), padded = nf_max(columns, y->padded);
  p->x = nf_gpu_rows_of(x), p->weights = nf_gpu_rows_of(weights), p->y = nf_gpu_rows_of(y);
  p->rows = (int32_t)nf_tensor_rows(y), p->k = (int32_t)nf_tensor_cols(weights);
  p->columns = (int32_t)columns, p->padded = (int32_t)padded;
  return nf_gpu_grid(p->rows * nf_ceil_div(nf_ceil_div(padded, 8), 128), 128, 0);
}

static nf_grid launch_combine(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_combine_args *a = s->args;
  *(nf_gpu_combine *)packed = (nf_gpu_combine){0};
  return launch(packed, &a->x, &a->weights, &a->y);
}

static nf_grid launch_combine_shared(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_combine_shared_args *a = s->args;
  *(nf_gpu_combine *)packed = (nf_gpu_combine){.shared = nf_gpu_rows_of(&a->shared),
                                               .gate = nf_gpu_rows_of(&a->gate),
                                               .gate_f32 = a->gate.dtype == NF_F32};
  return launch(packed, &a->x, &a->weights, &a->y);
}

const nf_module_kernel nf_gpu_combine_bf16 = {
    .stages = 1, .symbol = {"nf_combine"}, .packed = {sizeof(nf_gpu_combine)}, .launch = launch_combine};
const nf_module_kernel nf_gpu_combine_shared_bf16 = {.stages = 1,
                                                     .symbol = {"nf_combine"},
                                                     .packed = {sizeof(nf_gpu_combine)},
                                                     .launch = launch_combine_shared};

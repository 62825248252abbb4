// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/rows/held_launch.h"

static nf_grid launch(const nf_launch_site *s, int stage, void *packed, nf_gpu_gate gate, const nf_tensor *x,
                      const nf_tensor *b, const nf_tensor *y) {
  nf_gpu_quantise *p = packed;
  const int64_t columns = nf_tensor_cols(y), part = y->dtype == NF_FP8_ROW ? columns : 128,
                parts = nf_max(1, nf_ceil_div(columns, nf_max(1, part)));
  *p = (nf_gpu_quantise){.x = nf_gpu_rows_of(x),
                         .y = nf_gpu_rows_of(y),
                         .scales = y->scale,
                         .scale_stride = y->scale_stride,
                         .rows = (int32_t)(nf_tensor_rows(y) * parts),
                         .columns = (int32_t)columns,
                         .part = (int32_t)part,
                         .parts = (int32_t)parts,
                         .gate = gate,
                         .by_row = y->dtype == NF_FP8_ROW};
  if (b != NULL) p->b = nf_gpu_rows_of(b), p->once = nf_tensor_cols(b) != p->columns;
  return nf_held_grid(s->hw, stage, p->rows, nf_ceil_div(part, 8));
}

static nf_grid launch_quantise(const nf_launch_site *s, int stage, void *packed) {
  const nf_quantise_args *a = s->args;
  return launch(s, stage, packed, NF_GPU_AS_IT_IS, &a->x, NULL, &a->y);
}
static nf_grid launch_silu_mul(const nf_launch_site *s, int stage, void *packed) {
  const nf_silu_mul_args *a = s->args;
  return launch(s, stage, packed, NF_GPU_SILU_MUL, &a->gate, &a->up, &a->y);
}
static nf_grid launch_sigmoid_mul(const nf_launch_site *s, int stage, void *packed) {
  const nf_sigmoid_mul_args *a = s->args;
  return launch(s, stage, packed, NF_GPU_SIGMOID_MUL, &a->x, &a->gate, &a->y);
}

#define QUANTISE(name, launch_)                                                        \
  const nf_module_kernel nf_gpu_##name = {.stages = NF_HELD_KERNELS,                   \
                                          .symbol = {NF_HELD_SYMBOLS("nf_quantise")},  \
                                          .packed = {NF_HELD_PACKED(nf_gpu_quantise)}, \
                                          .launch = launch_};
QUANTISE(held_quantise, launch_quantise)
QUANTISE(held_silu_mul, launch_silu_mul)
QUANTISE(held_sigmoid_mul, launch_sigmoid_mul)

// SPDX-License-Identifier: Apache-2.0
// Launches of quantise.c, for rows that a block holds and for longer ones.
#include "kernels/gpu/rows/held_launch.h"

// Rows of so many packs, with one scale, are shared by blocks of SHARE packs, in two launches behind those
// for rows that are held.
enum { LONG = 1024, SHARE = 256, MAKE = NF_HELD_KERNELS, STAGES = MAKE + 2 };

static bool is_long(const nf_tensor *y) { return y->dtype == NF_FP8_ROW && nf_tensor_cols(y) / 8 > LONG; }

static int64_t made_bytes(const nf_tensor *y) { return nf_tensor_rows(y) * nf_tensor_cols(y) * 2; }

static size_t scratch_of(const nf_tensor *y) {
  const int64_t shares = nf_ceil_div(nf_tensor_cols(y) / 8, SHARE);
  if (!is_long(y)) return 0;
  return (size_t)(made_bytes(y) + nf_tensor_rows(y) * shares * (int64_t)sizeof(float));
}

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
  if (!is_long(y))
    return stage < MAKE ? nf_held_grid(s->hw, stage, p->rows, nf_ceil_div(part, 8)) : (nf_grid){0};
  p->shares = (int32_t)nf_ceil_div(columns / 8, SHARE);
  p->made = s->scratch;
  p->largest = s->scratch ? (float *)((char *)s->scratch + made_bytes(y)) : NULL;
  if (stage < MAKE) return (nf_grid){0};
  return nf_gpu_grid((int64_t)p->rows * p->shares, SHARE, (size_t)SHARE / 32 * sizeof(float));
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

#define QUANTISE(op, name)                                                                           \
  static size_t scratch_##op(const nf_launch_site *s) {                                              \
    return scratch_of(&((const nf_##op##_args *)s->args)->y);                                        \
  }                                                                                                  \
  const nf_module_kernel nf_gpu_##name = {                                                           \
      .stages = STAGES,                                                                              \
      .symbol = {NF_HELD_SYMBOLS("nf_quantise"), "nf_quantise_make", "nf_quantise_made"},            \
      .packed = {NF_HELD_PACKED(nf_gpu_quantise), sizeof(nf_gpu_quantise), sizeof(nf_gpu_quantise)}, \
      .launch = launch_##op,                                                                         \
      .scratch = scratch_##op};
QUANTISE(quantise, held_quantise)
QUANTISE(silu_mul, held_silu_mul)
QUANTISE(sigmoid_mul, held_sigmoid_mul)

// SPDX-License-Identifier: Apache-2.0
// Launches of norms.c: norms with what may be fused to them, for each length of rows.
#include "kernels/gpu/rows/held_launch.h"

static nf_gpu_rows rows_or_none(const nf_tensor *t) {
  return t->data != NULL ? nf_gpu_rows_of(t) : (nf_gpu_rows){.inner = 1};
}

static nf_gpu_codes codes_of(nf_dtype to) {
  return to == NF_FP8_ROW ? NF_GPU_BY_ROW : to == NF_FP8_GROUP ? NF_GPU_BY_GROUP : NF_GPU_PLAIN;
}

// Of many rows a block has four packs a lane, and a quarter of the lanes: what a lane does besides its
// numbers is less then, and more rows are under way (H200, 2026-11-29: 16,384 rows of 2,880 with a residual
// take 107 us with a pack a lane, 103 with two, 95 with four; 111 where blocks stay and copy the next rows to
// shared memory).
enum { MANY_ROWS = 32, FOUR_PACKS = NF_HELD_GROUPS + 2 }; // MANY_ROWS: a multiprocessor
static nf_grid grid_of(const nf_hw *hw, int stage, int64_t rows, int64_t packs) {
  const int lanes = nf_gpu_lanes(hw);
  if (rows < MANY_ROWS * nf_gpu_multiprocessors(hw) || packs <= 4 * lanes || packs > NF_HELD_ONE)
    return nf_held_grid(hw, stage, rows, packs);
  return stage == FOUR_PACKS ? nf_held_block(hw, rows, packs, 4) : (nf_grid){0};
}

static nf_grid launch(const nf_launch_site *s, int stage, nf_gpu_norm *p, const nf_tensor *x,
                      const nf_tensor *w, const nf_tensor *y) {
  const int64_t columns = nf_tensor_cols(w);
  p->x = nf_gpu_rows_of(x), p->y = nf_gpu_rows_of(y);
  p->w = w->data, p->w_f32 = w->dtype == NF_F32;
  p->scales = y->scale, p->scale_stride = y->scale_stride;
  p->codes = codes_of(y->dtype);
  p->columns = (int32_t)columns;
  p->heads = (int32_t)(nf_tensor_cols(y) / columns);
  p->rows = (int32_t)nf_tensor_rows(y) * p->heads;
  p->padded = (int32_t)nf_max(columns, p->codes == NF_GPU_PLAIN ? y->padded : 0);
  return grid_of(s->hw, stage, p->rows, nf_ceil_div(p->padded, 8));
}

static nf_grid launch_rms_norm(const nf_launch_site *s, int stage, void *packed) {
  const nf_rms_norm_args *a = s->args;
  nf_gpu_norm *p = packed;
  *p = (nf_gpu_norm){.second = rows_or_none(&a->residual),
                     .sum = rows_or_none(&a->sum),
                     .norm = rows_or_none(&a->norm),
                     .eps = a->attr.eps,
                     .one_plus = a->attr.one_plus};
  return launch(s, stage, p, &a->x, &a->w, &a->y);
}

static nf_grid launch_gated(const nf_launch_site *s, int stage, void *packed) {
  const nf_rms_norm_gated_args *a = s->args;
  nf_gpu_norm *p = packed;
  *p = (nf_gpu_norm){.second = nf_gpu_rows_of(&a->z), .eps = a->attr.eps, .gated = true};
  return launch(s, stage, p, &a->x, &a->w, &a->y);
}

static nf_grid launch_gated_quantise(const nf_launch_site *s, int stage, void *packed) {
  const nf_rms_norm_gated_quantise_args *a = s->args;
  nf_gpu_norm *p = packed;
  *p = (nf_gpu_norm){.second = nf_gpu_rows_of(&a->z), .eps = a->attr.eps, .gated = true};
  return launch(s, stage, p, &a->x, &a->w, &a->y);
}

#define NORM(name, launch_)                                                        \
  const nf_module_kernel nf_gpu_##name = {.stages = NF_HELD_KERNELS,               \
                                          .symbol = {NF_HELD_SYMBOLS("nf_norm")},  \
                                          .packed = {NF_HELD_PACKED(nf_gpu_norm)}, \
                                          .launch = launch_};
NORM(held_rms_norm, launch_rms_norm)
NORM(held_rms_norm_gated, launch_gated)
NORM(held_rms_norm_gated_quantise, launch_gated_quantise)

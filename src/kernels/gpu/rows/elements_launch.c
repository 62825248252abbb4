// SPDX-License-Identifier: Apache-2.0
// Launches of elements.c: activations and products, element by element.
#include "kernels/gpu/launch.h"

static nf_grid launch(nf_gpu_elements *p, const nf_tensor *x, const nf_tensor *b, const nf_tensor *y) {
  const int64_t columns = nf_tensor_cols(y), padded = nf_max(columns, y->padded),
                packs = nf_ceil_div(padded, 8);
  p->x = nf_gpu_rows_of(x), p->y = nf_gpu_rows_of(y);
  p->x_f32 = x->dtype == NF_F32, p->y_f32 = y->dtype == NF_F32;
  p->rows = (int32_t)nf_tensor_rows(y), p->columns = (int32_t)columns, p->padded = (int32_t)padded,
  p->packs = (int32_t)packs;
  if (b != NULL) {
    p->b = nf_gpu_rows_of(b);
    p->b_f32 = b->dtype == NF_F32;
    p->once = nf_tensor_cols(b) != columns;
  }
  return nf_gpu_grid(nf_ceil_div(p->rows * packs, 256), 256, 0);
}

#define ELEMENTS(op, name, x, b, fields)                                         \
  static nf_grid launch_##op(const nf_launch_site *s, int stage, void *packed) { \
    (void)stage;                                                                 \
    const nf_##op##_args *a = s->args;                                           \
    nf_gpu_elements *p = packed;                                                 \
    *p = (nf_gpu_elements)fields;                                                \
    return launch(p, x, b, &a->y);                                               \
  }                                                                              \
  const nf_module_kernel nf_gpu_##name = {                                       \
      .stages = 1, .symbol = {"nf_" #op}, .packed = {sizeof(nf_gpu_elements)}, .launch = launch_##op};
ELEMENTS(mul, mul_bf16, &a->a, &a->b, {0})
ELEMENTS(silu, silu_bf16, &a->x, NULL, {0})
ELEMENTS(sigmoid, sigmoid_rows, &a->x, NULL, {0})
ELEMENTS(silu_mul, silu_mul_bf16, &a->gate, &a->up, {0})
ELEMENTS(sigmoid_mul, sigmoid_mul_bf16, &a->x, &a->gate, {0})

static nf_grid launch_swiglu(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_swiglu_args *a = s->args;
  nf_gpu_elements *p = packed;
  *p = (nf_gpu_elements){.alpha = a->attr.alpha,
                         .beta = a->attr.beta,
                         .limit = a->attr.limit,
                         .half = a->attr.interleaved ? 0 : (int32_t)(nf_tensor_cols(&a->x) / 2)};
  return launch(p, &a->x, NULL, &a->y);
}
const nf_module_kernel nf_gpu_swiglu_bf16 = {
    .stages = 1, .symbol = {"nf_swiglu"}, .packed = {sizeof(nf_gpu_elements)}, .launch = launch_swiglu};

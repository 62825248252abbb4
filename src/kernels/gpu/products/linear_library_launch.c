// SPDX-License-Identifier: Apache-2.0
// Linears of a library of products, cuBLASLt or hipBLASLt (device/matmul.h).
#include "kernels/gpu/products/linear_launch.h"

// For parts of K that are added up: PARTS results, but no more than WORKSPACE bytes.
enum { WORKSPACE = 8 << 20, PARTS = 16, WORKSPACE_ALIGN = 256 };

static int64_t workspace_bytes(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  const int64_t results = nf_tensor_rows(&a->x) * nf_tensor_cols(&a->y) * (int64_t)sizeof(float);
  return nf_min(WORKSPACE, nf_round_up(PARTS * results, WORKSPACE_ALIGN));
}
static size_t workspace_room(const nf_launch_site *s) { return (size_t)workspace_bytes(s) + WORKSPACE_ALIGN; }

static void *workspace_in(const nf_launch_site *s, size_t behind) {
  return (void *)(uintptr_t)nf_round_up((int64_t)(uintptr_t)s->scratch + (int64_t)behind, WORKSPACE_ALIGN);
}

static nf_grid matmul(const nf_launch_site *s, size_t behind, void *packed) {
  const nf_linear_args *a = s->args;
  const nf_gpu_linear p = nf_linear_packed(s);
  const int64_t each = a->w.dtype == NF_BF16 ? 2 : 1;
  *(nf_matmul *)packed = (nf_matmul){.x = p.x,
                                     .w = p.w,
                                     .bias = p.bias,
                                     .y = p.y,
                                     .workspace = workspace_in(s, behind),
                                     .x_scale = p.x_scale,
                                     .w_scale = p.w_scale,
                                     .x_stride = p.x_stride / each,
                                     .w_stride = p.w_stride / each,
                                     .y_stride = p.y_stride / (p.y_f32 ? 4 : 2),
                                     .tokens = p.tokens,
                                     .n = p.n,
                                     .k = p.bytes / each,
                                     .workspace_bytes = (uint64_t)workspace_bytes(s),
                                     .fp8 = each == 1,
                                     .y_f32 = p.y_f32};
  return nf_gpu_grid(p.tokens > 0, 1, 0);
}

static nf_grid launch_bf16(const nf_launch_site *s, int stage, void *packed) {
  return stage == 0 ? nf_linear_gather(s, packed) : matmul(s, nf_linear_gathered(s->args), packed);
}
static size_t scratch_bf16(const nf_launch_site *s) {
  return nf_linear_gathered(s->args) + workspace_room(s);
}
const nf_module_kernel nf_gpu_linear_bf16_library = {.stages = 2,
                                                     .symbol = {"nf_linear_gather", NF_MATMUL},
                                                     .packed = {sizeof(nf_gpu_gather), sizeof(nf_matmul)},
                                                     .launch = launch_bf16,
                                                     .scratch = scratch_bf16};

static nf_grid launch_fp8(const nf_launch_site *s, int, void *packed) { return matmul(s, 0, packed); }
const nf_module_kernel nf_gpu_linear_fp8_library = {.stages = 1,
                                                    .symbol = {NF_MATMUL},
                                                    .packed = {sizeof(nf_matmul)},
                                                    .launch = launch_fp8,
                                                    .scratch = workspace_room};

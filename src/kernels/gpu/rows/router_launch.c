// SPDX-License-Identifier: Apache-2.0
// The launch of router.c: the best experts of a token, by a wave.
#include "kernels/gpu/launch.h"

static nf_grid launch_router(const nf_launch_site *s, int stage, void *packed) {
  static const int64_t most[] = {128, 512, 1024}; // experts of each kernel
  const nf_router_topk_args *a = s->args;
  const int64_t experts = nf_tensor_cols(&a->logits);
  *(nf_gpu_router *)packed =
      (nf_gpu_router){.logits = nf_gpu_rows_of(&a->logits),
                      .weights = nf_gpu_rows_of(&a->weights),
                      .ids = nf_gpu_rows_of(&a->ids),
                      .forced = a->forced.data != NULL ? nf_gpu_rows_of(&a->forced) : (nf_gpu_rows){0},
                      .rows = (int32_t)nf_tensor_rows(&a->logits),
                      .experts = (int32_t)experts,
                      .k = (int32_t)a->attr.k,
                      .over_all = a->attr.over_all,
                      .f32 = a->logits.dtype == NF_F32};
  const bool is = experts <= most[stage] && (stage == 0 || experts > most[stage - 1]);
  if (!is) return (nf_grid){0};
  const int waves = stage == 0 ? 1 : 4;
  return nf_gpu_grid(nf_tensor_rows(&a->logits), waves * nf_gpu_lanes(s->hw),
                     (size_t)((waves + 1) * a->attr.k) * 8 + 4 * sizeof(float));
}

const nf_module_kernel nf_gpu_router_topk_wave = {
    .stages = 3,
    .symbol = {"nf_router_128", "nf_router_512", "nf_router_1024"},
    .packed = {sizeof(nf_gpu_router), sizeof(nf_gpu_router), sizeof(nf_gpu_router)},
    .launch = launch_router};

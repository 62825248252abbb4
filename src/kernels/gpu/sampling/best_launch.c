// SPDX-License-Identifier: Apache-2.0
// The launches of best.c: the best of a row of logits, of its chunks first.
#include "kernels/gpu/abi/sampling.h"
#include "kernels/gpu/launch.h"

static int64_t chunks_of(const nf_router_topk_args *a) {
  return nf_ceil_div(nf_tensor_cols(&a->logits), NF_GPU_BEST_CHUNK);
}

static nf_grid launch_best(const nf_launch_site *s, int stage, void *packed) {
  const nf_router_topk_args *a = s->args;
  const int64_t rows = nf_tensor_rows(&a->logits), chunks = chunks_of(a);
  *(nf_gpu_best *)packed = (nf_gpu_best){.logits = a->logits.data,
                                         .weights = a->weights.data,
                                         .ids = a->ids.data,
                                         .part = s->scratch,
                                         .stride = a->logits.stride[0],
                                         .width = (int32_t)nf_tensor_cols(&a->logits),
                                         .chunks = (int32_t)chunks,
                                         .weights_stride = (int32_t)a->weights.stride[0],
                                         .ids_stride = (int32_t)a->ids.stride[0]};
  if (stage == 1) return nf_gpu_grid(rows, nf_gpu_lanes(s->hw), 0);
  nf_grid g = nf_gpu_grid(rows, 256, 3 * 8 * sizeof(float));
  g.blocks[1] = (uint32_t)chunks;
  return g;
}

static size_t scratch(const nf_launch_site *s) {
  const nf_router_topk_args *a = s->args;
  return (size_t)(nf_tensor_rows(&a->logits) * chunks_of(a)) * sizeof(nf_gpu_best_part);
}

const nf_module_kernel nf_gpu_router_topk_best = {.stages = 2,
                                                  .symbol = {"nf_best_of_chunks", "nf_best_of_row"},
                                                  .packed = {sizeof(nf_gpu_best), sizeof(nf_gpu_best)},
                                                  .launch = launch_best,
                                                  .scratch = scratch};

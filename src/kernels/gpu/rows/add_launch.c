// SPDX-License-Identifier: Apache-2.0
// The launch of add.c.
#include "kernels/gpu/launch.h"

static nf_grid launch_add(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_add_args *a = s->args;
  nf_gpu_add *p = packed;
  *p = (nf_gpu_add){nf_gpu_rows_of(&a->a), nf_gpu_rows_of(&a->b), nf_gpu_rows_of(&a->y),
                    (int32_t)nf_tensor_rows(&a->y), (int32_t)(nf_tensor_cols(&a->y) / 8)};
  return nf_gpu_grid(nf_ceil_div((int64_t)p->rows * p->packs, 256), 256, 0);
}

const nf_module_kernel nf_gpu_add_bf16 = {
    .stages = 1, .symbol = {"nf_add_bf16"}, .packed = {sizeof(nf_gpu_add)}, .launch = launch_add};

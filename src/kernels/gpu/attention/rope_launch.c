// SPDX-License-Identifier: Apache-2.0
// The launch of rope.c: the table of sines and cosines of a step.
#include "kernels/contract/frequencies.h"
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/launch.h"

static nf_grid launch_rope_table(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_rope_table_args *a = s->args;
  nf_gpu_angles *p = packed;
  *p = (nf_gpu_angles){.y = nf_gpu_rows_of(&a->y),
                       .position = s->batch->position,
                       .tokens = (int32_t)nf_tensor_rows(&a->y),
                       .pairs = (int32_t)(a->attr.dims / 2),
                       .scale = (float)a->attr.scale};
  nf_rope_frequencies(&a->attr, p->frequency);
  return nf_gpu_grid(nf_ceil_div((int64_t)p->tokens * p->pairs, 128), 128, 0);
}
const nf_module_kernel nf_gpu_rope_table = {
    .stages = 1, .symbol = {"nf_rope_table"}, .packed = {sizeof(nf_gpu_angles)}, .launch = launch_rope_table};

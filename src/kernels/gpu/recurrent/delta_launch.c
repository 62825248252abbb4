// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/recurrent/sequences.h"

enum { COLUMNS = 32, THREADS = 128, ROOM = 2 * THREADS / 32 * 8 * 2 * 16 };

// A block has 32 columns of a head's state; the kernels, keys of up to 128 and of up to 256.
static nf_grid launch_delta(const nf_launch_site *s, int stage, void *packed) {
  const nf_gated_delta_rule_args *a = s->args;
  const int64_t heads = a->state.dim[1], key = a->state.dim[2], value = a->state.dim[3];
  nf_gpu_delta *p = packed;
  *p = (nf_gpu_delta){.qkv = nf_gpu_rows_of(&a->qkv),
                      .a = nf_gpu_rows_of(&a->a),
                      .b = nf_gpu_rows_of(&a->b),
                      .o = nf_gpu_rows_of(&a->o),
                      .a_log = a->a_log.data,
                      .dt_bias = a->dt_bias.data,
                      .pool = a->state.data,
                      .of = nf_gpu_sequences_of(s),
                      .heads = (int32_t)heads,
                      .key_heads = (int32_t)((nf_tensor_cols(&a->qkv) - heads * value) / (2 * key)),
                      .key = (int32_t)key,
                      .value = (int32_t)value,
                      .a_f32 = a->a.dtype == NF_F32,
                      .b_f32 = a->b.dtype == NF_F32,
                      .a_log_f32 = a->a_log.dtype == NF_F32,
                      .dt_bias_f32 = a->dt_bias.dtype == NF_F32};
  if ((key <= 128) != (stage == 0) || a->qkv.dim[0] == 0) return (nf_grid){0};
  return nf_gpu_grid(p->of.n * heads * nf_ceil_div(value, COLUMNS), THREADS, ROOM);
}

const nf_module_kernel nf_gpu_gated_delta_rule_bf16 = {.stages = 2,
                                                       .symbol = {"nf_delta_8", "nf_delta_16"},
                                                       .packed = {sizeof(nf_gpu_delta), sizeof(nf_gpu_delta)},
                                                       .launch = launch_delta};

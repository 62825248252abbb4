// SPDX-License-Identifier: Apache-2.0
// The launches of conv.c, causal_conv1d.
#include "kernels/gpu/recurrent/sequences.h"

enum { THREADS = 64 };

static nf_grid launch_conv(const nf_launch_site *s, int stage, void *packed) {
  const nf_causal_conv1d_args *a = s->args;
  nf_gpu_conv *p = packed;
  *p = (nf_gpu_conv){.x = nf_gpu_rows_of(&a->x),
                     .y = nf_gpu_rows_of(&a->y),
                     .tap = a->taps.data,
                     .pool = a->state.data,
                     .of = nf_gpu_sequences_of(s),
                     .tokens = (int32_t)a->x.dim[0],
                     .channels = (int32_t)nf_tensor_cols(&a->x),
                     .taps = (int32_t)nf_tensor_cols(&a->taps),
                     .tap_f32 = a->taps.dtype == NF_F32};
  if ((p->taps <= 4) != (stage == 0) || p->of.n == 0 || p->tokens == 0) return (nf_grid){0};
  nf_grid g = nf_gpu_grid(nf_ceil_div(p->channels, THREADS * 8), THREADS, 0);
  g.blocks[1] = (uint32_t)p->of.n;
  if (p->tokens > NF_GPU_CONV_TOKENS) g.blocks[1] += (uint32_t)nf_ceil_div(p->tokens, NF_GPU_CONV_TOKENS);
  return g;
}

const nf_module_kernel nf_gpu_causal_conv1d_bf16 = {.stages = 2,
                                                    .symbol = {"nf_conv_4", "nf_conv_8"},
                                                    .packed = {sizeof(nf_gpu_conv), sizeof(nf_gpu_conv)},
                                                    .launch = launch_conv};

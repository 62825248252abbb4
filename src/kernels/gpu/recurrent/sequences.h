// SPDX-License-Identifier: Apache-2.0
// What launch functions of ops with a state share.
#pragma once
#include "kernels/gpu/abi/recurrent.h"
#include "kernels/gpu/launch.h"

_Static_assert((int)NF_GPU_STATES == NF_STATES, "a sequence has as many slots for kernels");

static inline nf_gpu_sequences nf_gpu_sequences_of(const nf_launch_site *s) {
  const nf_batch *b = s->batch;
  return (nf_gpu_sequences){b->q_start, b->state_in, b->state_out, (int32_t)s->at.of[NF_S]};
}

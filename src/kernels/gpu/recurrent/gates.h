// SPDX-License-Identifier: Apache-2.0
// What of a token of gated_delta_rule has nothing to do with the state: how far that fades, how much of the
// delta it takes.
#pragma once
#include "kernels/gpu/abi/recurrent.h"
#include "kernels/gpu/rows/rows.h"

INLINE uint32_t raw(const void *p, int64_t i, bool f32) {
  return f32 ? ((const uint32_t *)p)[i] : ((const uint16_t *)p)[i];
}
INLINE float number(uint32_t raw, bool f32) { return lane_as_f32(f32 ? raw : raw << 16); }

// log(1 + e^x)
INLINE float softplus(float x) {
  const float e = lane_exp(-__builtin_fabsf(x));
  const float log = e < 0x1p-6f ? e * (1 - e * (0.5f - e * 0.333333333f)) : lane_log2(1 + e) * 0.69314718f;
  return __builtin_fmaxf(x, 0) + log;
}

// -e^a_log of a head
INLINE float rate_of(const nf_gpu_delta *a, int h) { return -lane_exp(number_at(a->a_log, h, a->a_log_f32)); }

// SPDX-License-Identifier: Apache-2.0
// Products with the weights of chosen experts, by format and by the columns of tiles.
#include "kernels/gpu/experts/few.h"
#include "kernels/gpu/experts/many.h"
#include "kernels/gpu/experts/one.h"
#include "kernels/gpu/experts/prepare.h"

#define FORMAT(name, format)                                                           \
  KERNEL(nf_experts_##name##_1, nf_gpu_experts, 256, 2) { experts_few(a, format, 1); } \
  KERNEL(nf_experts_##name##_2, nf_gpu_experts, 384, 1) { experts_few(a, format, 2); } \
  KERNEL(nf_experts_##name##_many, nf_gpu_experts, 512, 1) {                           \
    (void)a;                                                                           \
    WIDE_ONLY(experts_many(a, format);)                                                \
  }                                                                                    \
  KERNEL(nf_experts_##name##_one, nf_gpu_experts, 256, 3) { experts_one(a, format); }
FORMAT(bf16, EXPERT_BF16)
FORMAT(fp8, EXPERT_FP8)
FORMAT(mxfp4, EXPERT_MXFP4)

// SPDX-License-Identifier: Apache-2.0
// Products with the weights of chosen experts, by format and by the columns of tiles.
#include "kernels/gpu/experts/few.h"
#include "kernels/gpu/experts/prepare.h"

KERNEL(nf_experts_bf16_alone, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_BF16, 1, true); }
KERNEL(nf_experts_bf16_1, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_BF16, 1, false); }
KERNEL(nf_experts_bf16_2, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_BF16, 2, false); }
KERNEL(nf_experts_fp8_alone, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_FP8, 1, true); }
KERNEL(nf_experts_fp8_1, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_FP8, 1, false); }
KERNEL(nf_experts_fp8_2, nf_gpu_experts, 256, 1) { experts_few(a, EXPERT_FP8, 2, false); }
KERNEL(nf_experts_mxfp4_alone, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_MXFP4, 1, true); }
KERNEL(nf_experts_mxfp4_1, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_MXFP4, 1, false); }
KERNEL(nf_experts_mxfp4_2, nf_gpu_experts, 256, 2) { experts_few(a, EXPERT_MXFP4, 2, false); }

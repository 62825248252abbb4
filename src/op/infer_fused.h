// SPDX-License-Identifier: Apache-2.0
// Shape rules that stand in infer_fused.c, infer_quantise.c and infer_blocks.c, under the names that
// infer.c's table is made of.
#pragma once
#include "op/op.h"

nf_status nf_infer_pad(nf_op_desc *d);
nf_status nf_infer_unpad(nf_op_desc *d);
nf_status nf_infer_all_reduce(nf_op_desc *d);
nf_status nf_infer_all_gather(nf_op_desc *d);
nf_status nf_infer_rank_ids(nf_op_desc *d);
nf_status nf_infer_add_rms_norm(nf_op_desc *d);
nf_status nf_infer_all_reduce_rms_norm(nf_op_desc *d);
nf_status nf_infer_all_reduce_add_rms_norm(nf_op_desc *d);
nf_status nf_infer_qk_rope_write(nf_op_desc *d);
nf_status nf_infer_experts_swiglu(nf_op_desc *d);
nf_status nf_infer_experts_silu(nf_op_desc *d);
#define infer_pad nf_infer_pad
#define infer_unpad nf_infer_unpad
#define infer_all_reduce nf_infer_all_reduce
#define infer_all_gather nf_infer_all_gather
#define infer_rank_ids nf_infer_rank_ids
#define infer_add_rms_norm nf_infer_add_rms_norm
#define infer_all_reduce_rms_norm nf_infer_all_reduce_rms_norm
#define infer_all_reduce_add_rms_norm nf_infer_all_reduce_add_rms_norm
#define infer_qk_rope_write nf_infer_qk_rope_write
#define infer_experts_swiglu nf_infer_experts_swiglu
#define infer_experts_silu nf_infer_experts_silu

nf_status nf_infer_rms_norm_quantise(nf_op_desc *d);
nf_status nf_infer_add_rms_norm_quantise(nf_op_desc *d);
nf_status nf_infer_all_reduce_rms_norm_quantise(nf_op_desc *d);
nf_status nf_infer_all_reduce_add_rms_norm_quantise(nf_op_desc *d);
nf_status nf_infer_rms_norm_gated_quantise(nf_op_desc *d);
nf_status nf_infer_silu_mul(nf_op_desc *d);
nf_status nf_infer_sigmoid_mul(nf_op_desc *d);
#define infer_rms_norm_quantise nf_infer_rms_norm_quantise
#define infer_add_rms_norm_quantise nf_infer_add_rms_norm_quantise
#define infer_all_reduce_rms_norm_quantise nf_infer_all_reduce_rms_norm_quantise
#define infer_all_reduce_add_rms_norm_quantise nf_infer_all_reduce_add_rms_norm_quantise
#define infer_rms_norm_gated_quantise nf_infer_rms_norm_gated_quantise
#define infer_silu_mul nf_infer_silu_mul
#define infer_sigmoid_mul nf_infer_sigmoid_mul

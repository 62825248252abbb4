// SPDX-License-Identifier: Apache-2.0
// Launches of attention: what its files share.
#pragma once
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/launch.h"

// Blocks, or waves, have `columns` of tokens times heads of a kv head: how many of each.
void nf_gpu_attention_columns(nf_gpu_attention *p, int32_t columns);
// Tiles of tokens of all sequences, those of padding too; 0: tokens have blocks of their own.
int64_t nf_gpu_attention_tiles(const nf_gpu_attention *p);
// The grid of nf_attention_wide_HEAD, with `keys` at a time, of which so many blocks run at once; sets p's
// columns and cluster.
nf_grid nf_gpu_attention_wide_grid(nf_gpu_attention *p, int64_t head, int32_t keys, int64_t at_once);

// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that keep a state of each sequence. Shared by device and launch code.
#pragma once
#include "kernels/gpu/abi/rows.h"

// What a step says of its sequences: tokens [start[s], start[s + 1]), slots of the pool, negative for none.
typedef struct nf_gpu_sequences {
  const int32_t *start, *in, *out;
  int32_t n;
} nf_gpu_sequences;

enum { NF_GPU_CONV_TOKENS = 8 }; // that a lane walks

typedef struct nf_gpu_conv {
  nf_gpu_rows x, y;
  const void *tap; // [channels][taps]
  uint16_t *pool;  // slots of [taps - 1][channels]
  nf_gpu_sequences of;
  int32_t tokens, channels, taps;
  bool tap_f32;
} nf_gpu_conv;

// qkv: [tokens] queries of all key heads, keys of all, values of all heads; o: [tokens * heads].
typedef struct nf_gpu_delta {
  nf_gpu_rows qkv, a, b, o;
  const void *a_log, *dt_bias; // [heads]
  float *pool;                 // slots of [heads][key][value]
  nf_gpu_sequences of;
  int32_t heads, key_heads, key, value;
  bool a_f32, b_f32, a_log_f32, dt_bias_f32; // else bf16
} nf_gpu_delta;

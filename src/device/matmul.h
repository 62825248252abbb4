// SPDX-License-Identifier: Apache-2.0
// A product that a maker's library computes: cuBLASLt or hipBLASLt, looked for at run time.
// nf_module_function gives it for NF_MATMUL where the device has the feature (NF_GPU(CUBLASLT),
// NF_GPU(HIPBLASLT)), and a launch of it, which says so in
// nf_launch.is_matmul, takes an nf_matmul.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NF_MATMUL "the library's matmul"
static inline bool nf_is_matmul(const char *symbol) { return strcmp(symbol, NF_MATMUL) == 0; }

// y[t, n] = (sum_k x[t, k] w[n, k]) x_scale[t] w_scale[n] + bias[n], sums in float32: bf16, or FP8 (e4m3)
// with a scale for each row of both. Strides are elements from row to row.
typedef struct nf_matmul {
  const void *x, *w, *bias; // bias: NULL, or N of bf16
  void *y, *workspace;
  const float *x_scale, *w_scale; // of FP8
  int64_t x_stride, w_stride, y_stride;
  int64_t tokens, n, k;
  uint64_t workspace_bytes;
  int32_t fp8, y_f32; // else y is bf16
} nf_matmul;

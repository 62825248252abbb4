// SPDX-License-Identifier: Apache-2.0
// Pieces of rows of f32 and bf16 tensors as float32, and back, rounded to nearest even.
#pragma once
#include "base/checked.h"
#include "kernels/contract/args.h"
#include "kernels/cpu/generic/vec.h"
#include "tensor/scalar.h"

// Columns [k, k + n) of the row of x that begins at `row`.
NF_INLINE void nf_widen(const nf_tensor *x, const void *row, int64_t k, int64_t n, float *out) {
  if (x->dtype == NF_F32) {
    memcpy(out, (const float *)row + k, (size_t)n * sizeof *out);
    return;
  }
  const uint16_t *h = (const uint16_t *)row + k;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) v8_store(out + i, v8_load_bf16(h + i));
  for (; i < n; i++) out[i] = nf_bf16_decode(h[i]);
}

// Columns [k, k + n) of the row of y that begins at `row`.
NF_INLINE void nf_round(const nf_tensor *y, void *row, int64_t k, int64_t n, const float *in) {
  if (y->dtype == NF_F32) {
    memcpy((float *)row + k, in, (size_t)n * sizeof *in);
    return;
  }
  uint16_t *h = (uint16_t *)row + k;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) v8_store_bf16(h + i, v8_load(in + i));
  for (; i < n; i++) h[i] = nf_bf16_encode(in[i]);
}

// SPDX-License-Identifier: Apache-2.0
// Activations as FP8. A block is one row.
#include "kernels/ref/fused.h"
#include "tensor/scalar.h"

int64_t nf_quantise_ref_blocks(const nf_quantise_args *a) { return nf_tensor_rows(&a->y); }

// n columns under one scale, which is returned.
static float encode(const float *x, int64_t n, uint8_t *code) {
  float most = 0;
  for (int64_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
  const float part = most / 448, scale = part == 0 ? 1 : part;
  for (int64_t i = 0; i < n; i++) code[i] = nf_e4m3_encode(x[i] / scale);
  return scale;
}

void nf_ref_quantise(const nf_tensor *y, int64_t r, const float *x) {
  const int64_t cols = nf_tensor_cols(y), group = nf_dtype_of(y->dtype)->group_cols;
  float *scale = nf_tensor_scales(y, r);
  uint8_t *code = nf_tensor_row(y, r);
  for (int64_t from = 0; from < cols; from += group)
    *scale++ = encode(x + from, nf_min(group, cols - from), code + from);
}

void nf_quantise_ref(const nf_quantise_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)];
  nf_ref_quantise(&a->y, r, nf_ref_row(&a->x, r, room));
}

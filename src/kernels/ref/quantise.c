// SPDX-License-Identifier: Apache-2.0
// Activations as FP8. A block is one row.
#include "kernels/ref/ref.h"
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

void nf_quantise_ref(const nf_quantise_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->x), group = nf_dtype_of(a->y.dtype)->group_cols;
  float room[nf_ref_room(&a->x)], *scale = nf_tensor_scales(&a->y, r);
  const float *x = nf_ref_row(&a->x, r, room);
  uint8_t *code = nf_tensor_row(&a->y, r);
  for (int64_t from = 0; from < cols; from += group)
    *scale++ = encode(x + from, nf_min(group, cols - from), code + from);
}

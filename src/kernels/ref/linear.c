// SPDX-License-Identifier: Apache-2.0
// Matrix products with weights. A block is a few rows of the weight, each decoded once and used for all
// tokens.
#include "kernels/ref/ref.h"

enum { ROWS = 4 }; // weight rows of a block

static float bias_of(const nf_tensor *bias, int64_t e, int64_t n, float *buffer) {
  return bias->data ? nf_ref_row(bias, e, buffer)[n] : 0;
}

// Columns n .. n + count of y, whose last ones clear the padding behind them.
static nf_tensor part_of(const nf_tensor *y, int64_t n, int count) {
  nf_tensor part = nf_tensor_columns(y, n, count);
  if (n + count == nf_tensor_cols(y)) part.padded = y->padded - n;
  return part;
}

// Row `row` of y = x . w + b for the count weight rows in w.
static void outputs(const nf_tensor *y, int64_t row, int count, const float *x, const float *const w[],
                    const float *b, int64_t cols) {
  float v[ROWS];
  for (int i = 0; i < count; i++) v[i] = nf_ref_dot(x, w[i], cols) + b[i];
  nf_row_encode(y, row, v);
}

int64_t nf_linear_ref_blocks(const nf_linear_args *a) { return nf_ceil_div(nf_tensor_cols(&a->y), ROWS); }

void nf_linear_ref(const nf_linear_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), first = block * ROWS;
  const int count = (int)nf_min(ROWS, nf_tensor_cols(&a->y) - first);
  float w_room[ROWS][nf_ref_room(&a->w)], x_room[nf_ref_room(&a->x)], b[ROWS];
  const float *w[ROWS];
  float bias_room[a->bias.data ? nf_ref_room(&a->bias) : 1];
  const nf_tensor part = part_of(&a->y, first, count);
  for (int i = 0; i < count; i++) {
    w[i] = nf_ref_row(&a->w, first + i, w_room[i]);
    b[i] = bias_of(&a->bias, 0, first + i, bias_room);
  }
  for (int64_t t = 0, rows = nf_tensor_rows(&a->y); t < rows; t++)
    outputs(&part, t, count, nf_ref_row(&a->x, t, x_room), w, b, cols);
}

int64_t nf_grouped_linear_ref_blocks(const nf_grouped_linear_args *a) {
  return a->w.dim[0] * nf_ceil_div(a->w.dim[1], ROWS);
}

void nf_grouped_linear_ref(const nf_grouped_linear_args *a, int64_t block) {
  const int64_t per_expert = nf_ceil_div(a->w.dim[1], ROWS), e = block / per_expert;
  const int64_t first = block % per_expert * ROWS, cols = nf_tensor_cols(&a->x), j_count = a->ids.dim[1];
  const int count = (int)nf_min(ROWS, a->w.dim[1] - first);
  const bool shared = a->x.rank == 2; // one row for all choices of a token
  const nf_tensor part = part_of(&a->y, first, count);
  float w_room[ROWS][nf_ref_room(&a->w)], x_room[nf_ref_room(&a->x)], b[ROWS];
  const float *w[ROWS];
  bool decoded = false;
  for (int64_t r = 0, rows = a->ids.dim[0] * j_count; r < rows; r++) {
    const int32_t id = nf_ref_int(&a->ids, r / j_count, r % j_count);
    if (id < 0 && e == 0) nf_ref_zero_row(&part, r);
    if (id != e) continue;
    float bias_room[a->bias.data ? nf_ref_room(&a->bias) : 1];
    for (int i = 0; i < count && !decoded; i++) {
      w[i] = nf_ref_row(&a->w, e * a->w.dim[1] + first + i, w_room[i]);
      b[i] = bias_of(&a->bias, e, first + i, bias_room);
    }
    decoded = true;
    outputs(&part, r, count, nf_ref_row(&a->x, shared ? r / j_count : r, x_room), w, b, cols);
  }
}

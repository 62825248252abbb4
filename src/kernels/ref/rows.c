// SPDX-License-Identifier: Apache-2.0
// Ops that treat rows alone: copies of rows, sums, norms, activations. A block is one row.
#include "kernels/ref/ref.h"
#include <string.h>

static int64_t rows_of(const nf_tensor *t) { return nf_tensor_rows(t); }

int64_t nf_embedding_ref_blocks(const nf_embedding_args *a) { return rows_of(&a->y); }

void nf_embedding_ref(const nf_embedding_args *a, int64_t t) {
  float room[nf_ref_room(&a->table)];
  const int64_t token = nf_ref_int(&a->tokens, 0, t);
  if (token < 0)
    nf_ref_zero_row(&a->y, t);
  else
    nf_row_encode(&a->y, t, nf_ref_row(&a->table, token, room));
}

int64_t nf_gather_rows_ref_blocks(const nf_gather_rows_args *a) { return rows_of(&a->y); }

void nf_gather_rows_ref(const nf_gather_rows_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)];
  nf_row_encode(&a->y, r, nf_ref_row(&a->x, a->batch->row[r], room));
}

int64_t nf_add_ref_blocks(const nf_add_args *a) { return rows_of(&a->y); }

void nf_add_ref(const nf_add_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float a_room[nf_ref_room(&a->a)], b_room[nf_ref_room(&a->b)], y[nf_max(1, cols)];
  const float *u = nf_ref_row(&a->a, r, a_room), *v = nf_ref_row(&a->b, r, b_room);
  for (int64_t i = 0; i < cols; i++) y[i] = u[i] + v[i];
  nf_row_encode(&a->y, r, y);
}

int64_t nf_mul_ref_blocks(const nf_mul_args *a) { return rows_of(&a->y); }

void nf_mul_ref(const nf_mul_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y), step = nf_tensor_cols(&a->b) == cols;
  float a_room[nf_ref_room(&a->a)], b_room[nf_ref_room(&a->b)], y[nf_max(1, cols)];
  const float *u = nf_ref_row(&a->a, r, a_room), *v = nf_ref_row(&a->b, r, b_room);
  for (int64_t i = 0; i < cols; i++) y[i] = u[i] * v[i * step];
  nf_row_encode(&a->y, r, y);
}

int64_t nf_silu_ref_blocks(const nf_silu_args *a) { return rows_of(&a->y); }

void nf_silu_ref(const nf_silu_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)], y[nf_max(1, nf_tensor_cols(&a->y))];
  const float *x = nf_ref_row(&a->x, r, room);
  for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++) y[i] = nf_ref_silu(x[i]);
  nf_row_encode(&a->y, r, y);
}

int64_t nf_sigmoid_ref_blocks(const nf_sigmoid_args *a) { return rows_of(&a->y); }

void nf_sigmoid_ref(const nf_sigmoid_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)], y[nf_max(1, nf_tensor_cols(&a->y))];
  const float *x = nf_ref_row(&a->x, r, room);
  for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++) y[i] = nf_ref_sigmoid(x[i]);
  nf_row_encode(&a->y, r, y);
}

int64_t nf_reshape_ref_blocks(const nf_reshape_args *a) { return rows_of(&a->y); }

// Bytes, so that every backend may run it.
void nf_reshape_ref(const nf_reshape_args *a, int64_t r) {
  const int64_t size = nf_dtype_of(a->x.dtype)->bits / 8, cols = nf_tensor_cols(&a->y),
                width = nf_tensor_cols(&a->x);
  char *to = nf_tensor_row(&a->y, r);
  for (int64_t k = r * cols, end = k + cols, n; k < end; k += n, to += n * size) {
    n = nf_min(end - k, width - k % width);
    memcpy(to, (const char *)nf_tensor_row(&a->x, k / width) + k % width * size, (size_t)(n * size));
  }
}

int64_t nf_concat_ref_blocks(const nf_concat_args *a) { return rows_of(&a->y); }

void nf_concat_ref(const nf_concat_args *a, int64_t r) {
  const nf_tensor *in[] = {&a->a, &a->b, &a->c, &a->d};
  float y[nf_max(1, nf_tensor_cols(&a->y))], *to = y;
  for (int i = 0; i < 4; i++) {
    if (in[i]->dtype == NF_NONE) continue;
    nf_row_decode(in[i], r, to);
    to += nf_tensor_cols(in[i]);
  }
  nf_row_encode(&a->y, r, y);
}

int64_t nf_rms_norm_gated_ref_blocks(const nf_rms_norm_gated_args *a) { return rows_of(&a->y); }

void nf_rms_norm_gated_ref(const nf_rms_norm_gated_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float x_room[nf_ref_room(&a->x)], z_room[nf_ref_room(&a->z)], y[nf_max(1, cols)];
  const float *z = nf_ref_row(&a->z, r, z_room);
  nf_ref_norm(nf_ref_row(&a->x, r, x_room), &a->w, a->attr.eps, false, cols, y);
  for (int64_t i = 0; i < cols; i++) y[i] *= nf_ref_silu(z[i]);
  nf_row_encode(&a->y, r, y);
}

int64_t nf_swiglu_ref_blocks(const nf_swiglu_args *a) { return rows_of(&a->y); }

void nf_swiglu_ref(const nf_swiglu_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  const float limit = a->attr.limit;
  float room[nf_ref_room(&a->x)], y[nf_max(1, cols)];
  const float *x = nf_ref_row(&a->x, r, room);
  for (int64_t i = 0; i < cols; i++) {
    float g = a->attr.interleaved ? x[2 * i] : x[i];
    float u = a->attr.interleaved ? x[2 * i + 1] : x[cols + i];
    if (limit > 0) {
      g = fminf(g, limit);
      u = fmaxf(-limit, fminf(u, limit));
    }
    y[i] = g * nf_ref_sigmoid(a->attr.alpha * g) * (u + a->attr.beta);
  }
  nf_row_encode(&a->y, r, y);
}

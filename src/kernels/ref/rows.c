// SPDX-License-Identifier: Apache-2.0
// Ops that treat rows alone: copies of rows, sums, norms, activations, padding, sums over ranks. A block is
// one row; a sum over ranks reads the row from each of them, so every rank does the whole of it and none
// waits inside.
#include "kernels/ref/ref.h"
#include <string.h>

void nf_embedding_ref(const nf_embedding_args *a, int64_t t) {
  const int64_t token = nf_ref_int(&a->tokens, 0, t);
  if (token < 0)
    nf_ref_zero_row(&a->y, t);
  else
    nf_ref_copy(&a->y, t, &a->table, token);
}

void nf_gather_rows_ref(const nf_gather_rows_args *a, int64_t r) {
  nf_ref_copy(&a->y, r, &a->x, a->batch->row[r]);
}

void nf_add_ref(const nf_add_args *a, int64_t r) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float a_room[nf_ref_room(&a->a)], b_room[nf_ref_room(&a->b)], y[nf_max(1, cols)];
  const float *u = nf_ref_row(&a->a, r, a_room), *v = nf_ref_row(&a->b, r, b_room);
  for (int64_t i = 0; i < cols; i++) y[i] = u[i] + v[i];
  nf_row_encode(&a->y, r, y);
}

// Row r of y is that of x through f.
static void map(const nf_tensor *x, int64_t r, float (*f)(float), const nf_tensor *y) {
  const int64_t cols = nf_tensor_cols(y);
  float row[nf_max(1, cols)];
  nf_row_decode(x, r, row);
  for (int64_t i = 0; i < cols; i++) row[i] = f(row[i]);
  nf_row_encode(y, r, row);
}

void nf_silu_ref(const nf_silu_args *a, int64_t r) { map(&a->x, r, nf_ref_silu, &a->y); }

void nf_sigmoid_ref(const nf_sigmoid_args *a, int64_t r) { map(&a->x, r, nf_ref_sigmoid, &a->y); }

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

// ---- padding and ranks ----

void nf_pad_ref(const nf_pad_args *a, int64_t r) { nf_ref_copy(&a->y, r, &a->x, r); }

void nf_unpad_ref(const nf_unpad_args *a, int64_t r) { nf_ref_copy(&a->y, r, &a->x, r); }

void nf_all_reduce_ref(const nf_all_reduce_args *a, int64_t r) {
  float y[nf_max(1, nf_tensor_cols(&a->y))];
  nf_ref_reduce(a->batch, &a->x, r, y);
  nf_row_encode(&a->y, r, y);
}

void nf_all_gather_ref(const nf_all_gather_args *a, int64_t r) {
  const nf_comm *c = a->batch->comm;
  const int64_t size = nf_dtype_of(a->x.dtype)->bits / 8, n = nf_tensor_cols(&a->x),
                all = nf_tensor_cols(&a->y);
  for (int64_t rank = 0; rank < (c ? c->world : 1) && rank * n < all; rank++) {
    const nf_tensor theirs = nf_ref_of_rank(c, &a->x, (int)rank);
    memcpy((char *)nf_tensor_row(&a->y, r) + rank * n * size, nf_tensor_row(&theirs, r),
           (size_t)(nf_min(n, all - rank * n) * size));
  }
}

void nf_rank_ids_ref(const nf_rank_ids_args *a, int64_t r) {
  const int64_t first = a->batch->comm ? a->attr.size * a->batch->comm->rank : 0;
  int32_t *y = nf_tensor_row(&a->y, r);
  for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++) {
    const int64_t id = nf_ref_int(&a->x, r, i) - first;
    y[i] = id >= 0 && id < a->attr.size ? (int32_t)id : -1;
  }
}

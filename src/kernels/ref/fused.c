// SPDX-License-Identifier: Apache-2.0
// Padding and sums over ranks. A block is one row; a sum over ranks reads the row from each of them, so every
// rank does the whole of it and none waits inside.
#include "kernels/ref/fused.h"
#include <string.h>

int64_t nf_pad_ref_blocks(const nf_pad_args *a) { return nf_tensor_rows(&a->y); }

void nf_pad_ref(const nf_pad_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)];
  nf_row_encode(&a->y, r, nf_ref_row(&a->x, r, room));
}

int64_t nf_unpad_ref_blocks(const nf_unpad_args *a) { return nf_tensor_rows(&a->y); }

void nf_unpad_ref(const nf_unpad_args *a, int64_t r) {
  float room[nf_ref_room(&a->x)];
  nf_row_encode(&a->y, r, nf_ref_row(&a->x, r, room));
}

int64_t nf_all_reduce_ref_blocks(const nf_all_reduce_args *a) { return nf_tensor_rows(&a->y); }

void nf_all_reduce_ref(const nf_all_reduce_args *a, int64_t r) {
  float y[nf_max(1, nf_tensor_cols(&a->y))];
  nf_ref_reduce(a->batch, &a->x, r, y);
  nf_row_encode(&a->y, r, y);
}

int64_t nf_all_gather_ref_blocks(const nf_all_gather_args *a) { return nf_tensor_rows(&a->y); }

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

int64_t nf_rank_ids_ref_blocks(const nf_rank_ids_args *a) { return nf_tensor_rows(&a->y); }

void nf_rank_ids_ref(const nf_rank_ids_args *a, int64_t r) {
  const int64_t first = a->batch->comm ? a->attr.size * a->batch->comm->rank : 0;
  int32_t *y = nf_tensor_row(&a->y, r);
  for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++) {
    const int64_t id = nf_ref_int(&a->x, r, i) - first;
    y[i] = id >= 0 && id < a->attr.size ? (int32_t)id : -1;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Sums over ranks, and padding: the reference's bits. A block is a few rows, by their length alone; every
// rank reads the others' rows.
#include "kernels/cpu/generic/row.h"

// A row's padding, which is zeros.
static void end_row(const nf_tensor *y, int64_t r) {
  const int64_t cols = nf_tensor_cols(y), size = nf_dtype_of(y->dtype)->bits / 8;
  if (y->padded > cols)
    memset((char *)nf_tensor_row(y, r) + cols * size, 0, (size_t)((y->padded - cols) * size));
}

int64_t NF_BLOCKS(all_reduce_rows)(const nf_all_reduce_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(all_reduce_rows)(const nf_all_reduce_args *a, int64_t block) {
  const nf_comm alone = {.world = 1, .base = (char *const[]){a->x.data}},
                *c = a->batch->comm ? a->batch->comm : &alone;
  const int64_t cols = nf_tensor_cols(&a->y);
  NF_FOR_ROWS(r, block, &a->y) {
    const int64_t at = (char *)nf_tensor_row(&a->x, r) - c->base[c->rank];
    for (int64_t k = 0; k < cols; k += 8) {
      v8 sum = nf_load8(a->x.dtype, c->base[0] + at, k, cols);
      for (int rank = 1; rank < c->world; rank++) sum += nf_load8(a->x.dtype, c->base[rank] + at, k, cols);
      nf_store8(a->y.dtype, nf_tensor_row(&a->y, r), k, cols, sum);
    }
    end_row(&a->y, r);
  }
}

static void copy_rows(const nf_tensor *x, const nf_tensor *y, int64_t block) {
  const size_t bytes = (size_t)(nf_tensor_cols(y) * nf_dtype_of(y->dtype)->bits / 8);
  NF_FOR_ROWS(r, block, y) {
    memcpy(nf_tensor_row(y, r), nf_tensor_row(x, r), bytes);
    end_row(y, r);
  }
}

int64_t NF_BLOCKS(pad_rows)(const nf_pad_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(pad_rows)(const nf_pad_args *a, int64_t block) { copy_rows(&a->x, &a->y, block); }

int64_t NF_BLOCKS(unpad_rows)(const nf_unpad_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(unpad_rows)(const nf_unpad_args *a, int64_t block) { copy_rows(&a->x, &a->y, block); }

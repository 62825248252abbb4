// SPDX-License-Identifier: Apache-2.0
// Sums over ranks, and padding: the reference's bits. A block is a few rows, by their length alone; every
// rank reads the others' rows.
#include "kernels/cpu/generic/row.h"

// own: this rank's row.
NF_INLINE void sum_row(const nf_comm *c, nf_dtype t, const char *own, int64_t cols, void *y) {
#define STEP(k, count) nf_store8(t, y, k, count, nf_reduced(c, t, own, k, count))
  NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
}

int64_t NF_BLOCKS(all_reduce_rows)(const nf_all_reduce_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(all_reduce_rows)(const nf_all_reduce_args *a, int64_t block) {
  const nf_comm alone = {.world = 1, .base = (char *const[]){a->x.data}},
                *c = a->batch->comm ? a->batch->comm : &alone;
  const int64_t cols = nf_tensor_cols(&a->y);
  NF_FOR_ROWS(r, block, &a->y) {
    void *y = nf_tensor_row(&a->y, r);
    if (a->y.dtype == NF_F32)
      sum_row(c, NF_F32, nf_tensor_row(&a->x, r), cols, y);
    else
      sum_row(c, NF_BF16, nf_tensor_row(&a->x, r), cols, y);
    nf_clear_padding(&a->y, y, cols);
  }
}

static void copy_rows(const nf_tensor *x, const nf_tensor *y, int64_t block) {
  const int64_t cols = nf_tensor_cols(y);
  const size_t bytes = (size_t)(cols * nf_dtype_of(y->dtype)->bits / 8);
  NF_FOR_ROWS(r, block, y) {
    memcpy(nf_tensor_row(y, r), nf_tensor_row(x, r), bytes);
    nf_clear_padding(y, nf_tensor_row(y, r), cols);
  }
}

int64_t NF_BLOCKS(pad_rows)(const nf_pad_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(pad_rows)(const nf_pad_args *a, int64_t block) { copy_rows(&a->x, &a->y, block); }

int64_t NF_BLOCKS(unpad_rows)(const nf_unpad_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(unpad_rows)(const nf_unpad_args *a, int64_t block) { copy_rows(&a->x, &a->y, block); }

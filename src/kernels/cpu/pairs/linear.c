// SPDX-License-Identifier: Apache-2.0
// linear with weights in strips of pairs. A block is a group of strips and some rows; blocks of the same
// weights follow one another.
#include "kernels/cpu/pairs/product.h"

enum { SPREAD = 32 }; // blocks, if it can be: processors have as many cores

// Parts of the rows, and strips of a block.
static int64_t parts(const nf_linear_args *a) { return nf_ceil_div(nf_tensor_rows(&a->x), NF_ROWS); }
static int64_t group(const nf_linear_args *a) {
  const int64_t strips = nf_ceil_div(nf_tensor_cols(&a->y), NF_STRIP);
  const int64_t most = nf_tensor_rows(&a->x) <= NF_FEW ? 4 : NF_GROUP;
  const int64_t n = nf_min(most, nf_ceil_div(strips * parts(a), SPREAD));
  return nf_max(1, n > 1 ? nf_round_up(n, 2) : n);
}

int64_t NF_BLOCKS(linear_pairs)(const nf_linear_args *a) {
  return parts(a) * nf_ceil_div(nf_ceil_div(nf_tensor_cols(&a->y), NF_STRIP), group(a));
}

size_t NF_SCRATCH(linear_pairs)(const nf_linear_args *) { return sizeof(nf_room); }

void NF_KERNEL(linear_pairs)(const nf_linear_args *a, int64_t block, void *scratch) {
  const nf_matrix w = nf_matrix_of(&a->w, 0);
  const int64_t T = nf_tensor_rows(&a->x), n = parts(a), s0 = block / n * group(a);
  const int64_t rows = nf_round_up(nf_ceil_div(T, n), 16), t0 = block % n * rows;
  int64_t row[NF_ROWS];
  for (int i = 0; i < NF_ROWS; i++) row[i] = t0 + i;
  const nf_product p = {.x = &a->x,
                        .from = row,
                        .rows = (int)nf_max(0, nf_min(rows, T - t0)),
                        .w = &w,
                        .strip = s0,
                        .strips = nf_min(group(a), nf_strips(&w) - s0),
                        .bias = &a->bias,
                        .y = &a->y,
                        .to = row};
  NF_KERNEL(product)(&p, scratch);
}

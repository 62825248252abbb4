// SPDX-License-Identifier: Apache-2.0
// rope: rotation of heads by a table. A block is one token.
#include "kernels/cpu/generic/rotate.h"
#include "kernels/cpu/generic/row.h"

enum { MAX_HEAD = 1024 };

int64_t NF_BLOCKS(rope_rows)(const nf_rope_args *a) { return a->x.dim[0]; }

void NF_KERNEL(rope_rows)(const nf_rope_args *a, int64_t t) {
  const int64_t heads = a->x.dim[1], head = a->x.dim[2], half = nf_tensor_cols(&a->table) / 2;
  const float *c = nf_tensor_row(&a->table, t), *s = c + half;
  float x[MAX_HEAD], y[MAX_HEAD];
  for (int64_t h = 0; h < heads; h++) {
    nf_widen(&a->x, nf_tensor_row(&a->x, t * heads + h), 0, head, x);
    nf_rotate(x, c, s, half, head, y);
    nf_round(&a->y, nf_tensor_row(&a->y, t * heads + h), 0, head, y);
  }
}

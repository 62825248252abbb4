// SPDX-License-Identifier: Apache-2.0
// rope: rotation of heads by a table. A block is one token.
#include "kernels/cpu/generic/row.h"

enum { MAX_HEAD = 1024 };

int64_t NF_BLOCKS(rope_rows)(const nf_rope_args *a) { return a->x.dim[0]; }

void NF_KERNEL(rope_rows)(const nf_rope_args *a, int64_t t) {
  const int64_t heads = a->x.dim[1], head = a->x.dim[2], half = nf_tensor_cols(&a->table) / 2;
  const float *c = nf_tensor_row(&a->table, t), *s = c + half;
  float x[MAX_HEAD], y[MAX_HEAD];
  for (int64_t h = 0; h < heads; h++) {
    int64_t i = 0;
    nf_widen(&a->x, nf_tensor_row(&a->x, t * heads + h), 0, head, x);
    for (; i + 8 <= half; i += 8) {
      const v8 low = v8_load(x + i), high = v8_load(x + half + i), cos = v8_load(c + i), sin = v8_load(s + i);
      v8_store(y + i, low * cos - high * sin);
      v8_store(y + half + i, high * cos + low * sin);
    }
    for (; i < half; i++) {
      y[i] = x[i] * c[i] - x[i + half] * s[i];
      y[i + half] = x[i + half] * c[i] + x[i] * s[i];
    }
    memcpy(y + 2 * half, x + 2 * half, (size_t)(head - 2 * half) * sizeof *y);
    nf_round(&a->y, nf_tensor_row(&a->y, t * heads + h), 0, head, y);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding: the table of a step, and the rotation.
#include "kernels/contract/frequencies.h"
#include "kernels/ref/ref.h"

void nf_rope_table_ref(const nf_rope_table_args *a, int64_t t) {
  const int64_t half = a->attr.dims / 2;
  float *y = nf_tensor_row(&a->y, t), frequency[nf_max(1, half)];
  nf_rope_frequencies(&a->attr, frequency);
  for (int64_t i = 0; i < half; i++) {
    const float angle = (float)a->batch->position[t] * frequency[i];
    y[i] = a->attr.scale * cosf(angle);
    y[half + i] = a->attr.scale * sinf(angle);
  }
}

int64_t nf_rope_ref_blocks(const nf_rope_args *a) { return a->x.dim[0]; }

void nf_rope_ref(const nf_rope_args *a, int64_t t) {
  const int64_t heads = a->x.dim[1], head = a->x.dim[2], half = nf_tensor_cols(&a->table) / 2;
  const float *c = nf_tensor_row(&a->table, t), *s = c + half;
  float room[nf_ref_room(&a->x)], y[nf_max(1, head)];
  for (int64_t h = 0; h < heads; h++) {
    const float *x = nf_ref_row(&a->x, t * heads + h, room);
    for (int64_t i = 0; i < half; i++) {
      y[i] = x[i] * c[i] - x[i + half] * s[i];
      y[i + half] = x[i + half] * c[i] + x[i] * s[i];
    }
    for (int64_t i = 2 * half; i < head; i++) y[i] = x[i];
    nf_row_encode(&a->y, t * heads + h, y);
  }
}

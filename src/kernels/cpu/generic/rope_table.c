// SPDX-License-Identifier: Apache-2.0
// rope_table: frequencies once for a block of tokens; the reference's bits. cos and sin are the C library's,
// so one form serves every instruction set.
#include "kernels/contract/frequencies.h"
#include "kernels/cpu/generic/row.h"

int64_t NF_BLOCKS(rope_table_rows)(const nf_rope_table_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(rope_table_rows)(const nf_rope_table_args *a, int64_t block) {
  const int64_t half = a->attr.dims / 2;
  float frequency[nf_max(1, half)];
  nf_rope_frequencies(&a->attr, frequency);
  NF_FOR_ROWS(t, block, &a->y) {
    float *y = nf_tensor_row(&a->y, t);
    for (int64_t i = 0; i < half; i++) {
      const float angle = (float)a->batch->position[t] * frequency[i];
      y[i] = a->attr.scale * cosf(angle);
      y[half + i] = a->attr.scale * sinf(angle);
    }
  }
}

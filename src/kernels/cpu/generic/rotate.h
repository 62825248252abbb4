// SPDX-License-Identifier: Apache-2.0
// The rotation of one head, which rope and qk_rope_write share.
#pragma once
#include "kernels/cpu/generic/vec.h"

// y[head] from x[head]: the first 2 * half columns rotated by c and s [half], the rest copied.
NF_INLINE void nf_rotate(const float *x, const float *c, const float *s, int64_t half, int64_t head,
                         float *y) {
  int64_t i = 0;
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
}

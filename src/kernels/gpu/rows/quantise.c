// SPDX-License-Identifier: Apache-2.0
// quantise, and gated products as codes: rows that are held until their scale is known.
#include "kernels/gpu/rows/held.h"

// The function is rounded, then the product.
INLINE u32x4 made(nf_gpu_gate gate, u32x4 x, u32x4 b) {
  const eight ex = unpacked(x), eb = unpacked(b);
  eight f;
  if (gate == NF_GPU_AS_IT_IS) return x;
  UNROLL for (int i = 0; i < 8; i++) f.v[i] =
      gate == NF_GPU_SILU_MUL ? ex.v[i] * lane_sigmoid(ex.v[i]) : lane_sigmoid(eb.v[i]);
  f = rounded8(f);
  UNROLL for (int i = 0; i < 8; i++) f.v[i] *= gate == NF_GPU_SILU_MUL ? eb.v[i] : ex.v[i];
  return packed(f);
}

INLINE void quantise(const nf_gpu_quantise *a, int group, int each) {
  const holder h = hold(group, a->rows, a->parts);
  const int begin = h.part * a->part, n = a->columns - begin, packs = (n < a->part ? n : a->part) / 8;
  const char *xs = row_of(&a->x, h.row) + (int64_t)begin * 2;
  u32x4 x[8] = {0}, b[8] = {0};
  lane_release();
  lane_wait();
  // All loads are on their way before the first is waited for.
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (h.inside && p < packs) x[i] = row_load(xs + (int64_t)p * 16);
  }
  if (a->gate != NF_GPU_AS_IT_IS && h.inside) {
    const char *bs = row_of(&a->b, h.row);
    const uint32_t one = a->once ? *(const uint16_t *)bs * 0x10001u : 0;
    UNROLL for (int i = 0; i < each; i++) {
      const int p = h.first + i * h.step;
      b[i] = (u32x4){one, one, one, one};
      if (!a->once && p < packs) b[i] = row_load(bs + (int64_t)begin * 2 + (int64_t)p * 16);
    }
  }
  UNROLL for (int i = 0; i < each; i++) x[i] = made(a->gate, x[i], b[i]);
  store_codes(&h, x, each, packs, a->by_row, row_of(&a->y, h.row) + begin,
              a->scales + h.row * a->scale_stride + h.part, 0);
}

HELD_KERNELS(nf_quantise, nf_gpu_quantise, quantise)

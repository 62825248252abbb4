// SPDX-License-Identifier: Apache-2.0
// quantise, and gated products as codes: rows that are held until their scale is known.
#include "kernels/gpu/rows/held.h"

INLINE eight load(const nf_gpu_rows *t, int row, int p) {
  return unpacked(row_load(row_of(t, row) + (int64_t)p * 16));
}

INLINE eight load_b(const nf_gpu_quantise *a, int row, int p) {
  if (!a->once) return load(&a->b, row, p);
  const float one = bf16_to_f32(*(const uint16_t *)row_of(&a->b, row));
  return (eight){{one, one, one, one, one, one, one, one}};
}

// The function is rounded, then the product.
INLINE eight made(const nf_gpu_quantise *a, int row, int p) {
  eight x = load(&a->x, row, p), f;
  if (a->gate == NF_GPU_AS_IT_IS) return x;
  const eight b = load_b(a, row, p);
  UNROLL for (int i = 0; i < 8; i++) f.v[i] =
      a->gate == NF_GPU_SILU_MUL ? x.v[i] * lane_sigmoid(x.v[i]) : lane_sigmoid(b.v[i]);
  f = rounded8(f);
  UNROLL for (int i = 0; i < 8; i++) f.v[i] *= a->gate == NF_GPU_SILU_MUL ? b.v[i] : x.v[i];
  return rounded8(f);
}

INLINE void quantise(const nf_gpu_quantise *a, int group, int each) {
  const holder h = hold(group);
  const int packs = a->columns / 8;
  const bool inside = h.row < a->rows;
  eight v[8] = {0};
  lane_release();
  lane_wait();
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (inside && p < packs) v[i] = made(a, h.row, p);
  }
  store_codes(&h, v, each, packs, a->codes == NF_GPU_BY_ROW, row_of(&a->y, h.row),
              a->scales + h.row * a->scale_stride, inside, 0);
}

KERNEL(nf_quantise_4, nf_gpu_quantise, 256, 1) { quantise(a, 4, 1); }
KERNEL(nf_quantise_8, nf_gpu_quantise, 256, 1) { quantise(a, 8, 1); }
KERNEL(nf_quantise_16, nf_gpu_quantise, 256, 1) { quantise(a, 16, 1); }
KERNEL(nf_quantise_32, nf_gpu_quantise, 256, 1) { quantise(a, 32, 1); }
KERNEL(nf_quantise_x1, nf_gpu_quantise, 512, 1) { quantise(a, 0, 1); }
KERNEL(nf_quantise_x2, nf_gpu_quantise, 512, 1) { quantise(a, 0, 2); }
KERNEL(nf_quantise_x4, nf_gpu_quantise, 512, 1) { quantise(a, 0, 4); }
KERNEL(nf_quantise_x8, nf_gpu_quantise, 512, 1) { quantise(a, 0, 8); }

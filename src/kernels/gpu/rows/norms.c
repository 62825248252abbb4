// SPDX-License-Identifier: Apache-2.0
// rms_norm in all of its forms on one rank, and the gated norms. The weight is on its way before lane_wait.
#include "kernels/gpu/rows/held.h"

INLINE eight weight(const nf_gpu_norm *a, int p) {
  eight e;
  if (a->w_f32) {
    const f32x4 *w = (const f32x4 *)a->w + 2 * p;
    UNROLL for (int i = 0; i < 8; i++) e.v[i] = w[i / 4][i % 4];
  } else {
    e = unpacked(lane_load16((const char *)a->w + (int64_t)p * 16));
  }
  UNROLL for (int i = 0; i < 8; i++) e.v[i] += a->one_plus ? 1 : 0;
  return e;
}

INLINE eight load(const nf_gpu_rows *t, int row, int p) {
  return unpacked(row_load(row_of(t, row) + (int64_t)p * 16));
}

// Padding is zeros, whatever is left of it.
INLINE void store_padded(char *row, int p, int padded, u32x4 v) {
  if (8 * p + 8 <= padded) {
    row_store(row + (int64_t)p * 16, v);
    return;
  }
  for (int k = 8 * p; k < padded; k++) ((uint16_t *)row)[k] = 0;
}

INLINE eight gated(eight y, eight z) {
  UNROLL for (int i = 0; i < 8; i++) y.v[i] *= z.v[i] * lane_sigmoid(z.v[i]);
  return y;
}

// Sum and squares of what is normed.
INLINE eight sum_of(const nf_gpu_norm *a, int row, int p) {
  eight h = load(&a->x, row, p);
  if (a->residual.data != NULL) {
    const eight r = load(&a->residual, row, p);
    UNROLL for (int i = 0; i < 8; i++) h.v[i] += r.v[i];
  }
  if (a->sum.data != NULL) row_store(row_of(&a->sum, row) + (int64_t)p * 16, packed(h));
  return h;
}

enum { EARLY = 2 }; // packs of a lane whose weights there are registers for

INLINE void norm(const nf_gpu_norm *a, int group, int each) {
  const holder h = hold(group);
  const int packs = a->columns / 8, places = (a->padded + 7) / 8;
  const bool inside = h.row < a->rows;
  eight v[8] = {0}, w[EARLY] = {0};
  float squares = 0;
  lane_release();
  if (each <= EARLY)
    UNROLL for (int i = 0; i < each; i++) if (h.first + i * h.step < packs) w[i] =
        weight(a, h.first + i * h.step);
  lane_wait();
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (inside && p < packs) v[i] = sum_of(a, h.row, p);
  }
  UNROLL for (int i = 0; i < each; i++) UNROLL for (int k = 0; k < 8; k++) squares =
      __builtin_fmaf(v[i].v[k], v[i].v[k], squares);
  const float by = lane_rsqrt(held_sum(&h, squares, 0) / (float)a->columns + a->eps);
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (!inside || p >= packs) continue;
    const eight by_w = each <= EARLY ? w[i] : weight(a, p);
    UNROLL for (int k = 0; k < 8; k++) v[i].v[k] = v[i].v[k] * by * by_w.v[k];
    if (a->z.data != NULL) v[i] = gated(v[i], load(&a->z, h.row, p));
  }
  if (a->codes == NF_GPU_PLAIN) {
    UNROLL for (int i = 0; i < each; i++) {
      const int p = h.first + i * h.step;
      if (inside && p < places) store_padded(row_of(&a->y, h.row), p, a->padded, packed(v[i]));
    }
    return;
  }
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    v[i] = rounded8(v[i]);
    if (inside && p < packs && a->norm.data != NULL)
      row_store(row_of(&a->norm, h.row) + (int64_t)p * 16, packed(v[i]));
  }
  const int row = h.row / a->heads, head = h.row % a->heads; // of a row of scales
  store_codes(&h, v, each, packs, a->codes == NF_GPU_BY_ROW, row_of(&a->y, row) + (int64_t)head * a->columns,
              a->scales + row * a->scale_stride + (int64_t)head * a->columns / 128, inside, 1);
}

KERNEL(nf_norm_4, nf_gpu_norm, 256, 1) { norm(a, 4, 1); }
KERNEL(nf_norm_8, nf_gpu_norm, 256, 1) { norm(a, 8, 1); }
KERNEL(nf_norm_16, nf_gpu_norm, 256, 1) { norm(a, 16, 1); }
KERNEL(nf_norm_32, nf_gpu_norm, 256, 1) { norm(a, 32, 1); }
KERNEL(nf_norm_x1, nf_gpu_norm, 512, 1) { norm(a, 0, 1); }
KERNEL(nf_norm_x2, nf_gpu_norm, 512, 1) { norm(a, 0, 2); }
KERNEL(nf_norm_x4, nf_gpu_norm, 512, 1) { norm(a, 0, 4); }
KERNEL(nf_norm_x8, nf_gpu_norm, 512, 1) { norm(a, 0, 8); }

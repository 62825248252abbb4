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

INLINE eight gated(eight y, eight z) {
  UNROLL for (int i = 0; i < 8; i++) y.v[i] *= z.v[i] * lane_sigmoid(z.v[i]);
  return y;
}

enum { EARLY = 2 }; // packs of a lane for whose weights, and what gates them, there are registers

INLINE void norm(const nf_gpu_norm *a, int group, int each) {
  const holder h = hold(group, a->rows, a->heads);
  const int packs = a->columns / 8, places = (a->padded + 7) / 8;
  const int begin = h.part * a->columns;
  const bool adds = a->second.data != NULL && !a->gated;
  const char *xs = row_of(&a->x, h.row) + (int64_t)begin * 2;
  const char *seconds = row_of(a->second.data != NULL ? &a->second : &a->x, h.row) + (int64_t)begin * 2;
  u32x4 x[8] = {0}, second[8] = {0}, y[8] = {0};
  eight v[8], w[EARLY] = {0};
  float squares = 0;
  lane_release();
  if (each <= EARLY)
    UNROLL for (int i = 0; i < each; i++) if (h.first + i * h.step < packs) w[i] =
        weight(a, h.first + i * h.step);
  lane_wait();
  // All loads are on their way before the first is waited for.
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (!h.inside || p >= packs) continue;
    x[i] = row_load(xs + (int64_t)p * 16);
    if (each <= EARLY ? a->second.data != NULL : adds) second[i] = row_load(seconds + (int64_t)p * 16);
  }
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    const eight other = unpacked(second[i]);
    v[i] = unpacked(x[i]);
    UNROLL for (int k = 0; k < 8; k++) {
      if (adds) v[i].v[k] += other.v[k];
      squares = __builtin_fmaf(v[i].v[k], v[i].v[k], squares);
    }
    if (h.inside && p < packs && a->sum.data != NULL)
      row_store(row_of(&a->sum, h.row) + (int64_t)p * 16, packed(v[i]));
  }
  const float by = lane_rsqrt(held_sum(&h, squares, 0) / (float)a->columns + a->eps);
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (!h.inside || p >= places) continue;
    if (p < packs) {
      const eight by_w = each <= EARLY ? w[i] : weight(a, p);
      UNROLL for (int k = 0; k < 8; k++) v[i].v[k] = v[i].v[k] * by * by_w.v[k];
      if (a->gated)
        v[i] = gated(v[i], unpacked(each <= EARLY ? second[i] : row_load(seconds + (int64_t)p * 16)));
      y[i] = packed(v[i]);
    }
    if (a->codes == NF_GPU_PLAIN)
      row_store_padded(row_of(&a->y, h.row), p, a->padded, y[i]);
    else if (a->norm.data != NULL)
      row_store(row_of(&a->norm, h.row) + (int64_t)p * 16, y[i]);
  }
  if (a->codes == NF_GPU_PLAIN) return;
  store_codes(&h, y, each, packs, a->codes == NF_GPU_BY_ROW, row_of(&a->y, h.row) + begin,
              a->scales + h.row * a->scale_stride + begin / 128, 1);
}

HELD_KERNELS(nf_norm, nf_gpu_norm, norm)

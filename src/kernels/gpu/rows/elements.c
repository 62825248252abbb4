// SPDX-License-Identifier: Apache-2.0
// Ops that treat each element alone: mul, silu, sigmoid, swiglu, and gated products. A lane has 8 columns of
// a row.
#include "kernels/gpu/rows/rows.h"

// Columns [k, k + n) of a row; what is behind n is zeros.
INLINE eight load(const char *row, int k, int n, bool f32) {
  eight e = {{0}};
  if (!f32 && n >= 8) return unpacked(row_load(row + 2 * k));
  UNROLL for (int i = 0; i < 8; i++) if (i < n) e.v[i] = number_at(row, k + i, f32);
  return e;
}

// Columns [k, k + 8) of a row of y, of which those from `columns` on are padding, as far as it goes.
INLINE void store(const nf_gpu_elements *a, char *row, int k, eight e) {
  const int n = a->columns - k;
  UNROLL for (int i = 0; i < 8; i++) if (i >= n) e.v[i] = 0;
  if (!a->y_f32 && k + 8 <= a->padded) {
    row_store(row + 2 * k, packed(e));
    return;
  }
  UNROLL for (int i = 0; i < 8; i++) if (k + i < a->padded) number_put(row, k + i, a->y_f32, e.v[i]);
}

INLINE float rounded_to(float x, bool f32) { return f32 ? x : rounded(x); }

INLINE eight load_b(const nf_gpu_elements *a, int row, int k, int n) {
  if (!a->once) return load(row_of(&a->b, row), k, n, a->b_f32);
  eight e = load(row_of(&a->b, row), 0, 1, a->b_f32);
  UNROLL for (int i = 1; i < 8; i++) e.v[i] = e.v[0];
  return e;
}

// A kernel whose lanes have x and b, as `u` and `w`, of columns [k, k + n) of `row`.
#define ELEMENTS(name, has_b, expression)                                                   \
  KERNEL(name, nf_gpu_elements, 256, 1) {                                                   \
    const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();              \
    lane_release();                                                                         \
    lane_wait();                                                                            \
    if (at >= (int64_t)a->rows * a->packs) return;                                          \
    const int row = (int)(at / a->packs), k = (int)(at % a->packs) * 8, n = a->columns - k; \
    const eight x = load(row_of(&a->x, row), k, n, a->x_f32);                               \
    const eight b = has_b ? load_b(a, row, k, n) : x;                                       \
    eight y;                                                                                \
    UNROLL for (int i = 0; i < 8; i++) {                                                    \
      const float u = x.v[i], w = b.v[i];                                                   \
      (void)w;                                                                              \
      y.v[i] = (expression);                                                                \
    }                                                                                       \
    store(a, row_of(&a->y, row), k, y);                                                     \
  }
ELEMENTS(nf_mul, true, u *w)
ELEMENTS(nf_silu, false, u *lane_sigmoid(u))
ELEMENTS(nf_sigmoid, false, lane_sigmoid(u))
ELEMENTS(nf_silu_mul, true, rounded_to(u *lane_sigmoid(u), a->x_f32) * w)
ELEMENTS(nf_sigmoid_mul, true, u *rounded_to(lane_sigmoid(w), a->b_f32))

// Gate and up, of columns [k, k + n) each.
INLINE void load_pairs(const nf_gpu_elements *a, const char *row, int k, int n, eight *gate, eight *up) {
  if (a->half != 0) {
    *gate = load(row, k, n, a->x_f32), *up = load(row, a->half + k, n, a->x_f32);
    return;
  }
  const eight first = load(row, 2 * k, 2 * n, a->x_f32), second = load(row, 2 * k + 8, 2 * n - 8, a->x_f32);
  UNROLL for (int i = 0; i < 8; i++) {
    gate->v[i] = i < 4 ? first.v[2 * i] : second.v[2 * i - 8];
    up->v[i] = i < 4 ? first.v[2 * i + 1] : second.v[2 * i - 7];
  }
}

KERNEL(nf_swiglu, nf_gpu_elements, 256, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (at >= (int64_t)a->rows * a->packs) return;
  const int row = (int)(at / a->packs), k = (int)(at % a->packs) * 8;
  eight gate, up, y;
  load_pairs(a, row_of(&a->x, row), k, a->columns - k, &gate, &up);
  UNROLL for (int i = 0; i < 8; i++) {
    float g = gate.v[i], u = up.v[i];
    if (a->limit > 0) {
      g = __builtin_fminf(g, a->limit);
      u = __builtin_fmaxf(-a->limit, __builtin_fminf(u, a->limit));
    }
    y.v[i] = g * lane_sigmoid(a->alpha * g) * (u + a->beta);
  }
  store(a, row_of(&a->y, row), k, y);
}

// SPDX-License-Identifier: Apache-2.0
// rope_table: a lane makes the cos and the sin of an angle, which may be that of a position of a million: its
// quarter turns are taken away in float64.
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/rows/rows.h"

// Within a quarter turn around 0, to 1 ulp: the polynomials of the Cephes library.
INLINE float sin_near(float x) {
  const float z = x * x;
  float p = __builtin_fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
  p = __builtin_fmaf(p, z, -1.6666654611e-1f);
  return __builtin_fmaf(p * z, x, x);
}
INLINE float cos_near(float x) {
  const float z = x * x;
  float p = __builtin_fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
  p = __builtin_fmaf(p, z, 4.166664568298827e-2f);
  return __builtin_fmaf(p * z, z, __builtin_fmaf(-0.5f, z, 1));
}

KERNEL(nf_rope_table, nf_gpu_angles, 128, 1) {
  const int64_t at = (int64_t)lane_block() * lane_threads() + lane_thread();
  const int t = (int)(at / a->pairs), i = (int)(at % a->pairs);
  lane_release();
  lane_wait();
  if (t >= a->tokens) return;
  const double angle = (double)((float)a->position[t] * a->frequency[i]);
  const double quarters = __builtin_rint(angle * 0.63661977236758134308);
  const float x = (float)__builtin_fma(quarters, -1.57079632679489661923, angle);
  const int turn = (int)((int64_t)quarters & 3);
  const float s = sin_near(x), c = cos_near(x);
  const float cosine = turn % 2 == 0 ? c : s, sine = turn % 2 == 0 ? s : c;
  float *y = (float *)row_of(&a->y, t);
  y[i] = a->scale * (turn == 1 || turn == 2 ? -cosine : cosine);
  y[a->pairs + i] = a->scale * (turn >= 2 ? -sine : sine);
}

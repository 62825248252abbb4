// SPDX-License-Identifier: Apache-2.0
// combine and combine_shared: a lane has 8 columns of a token, blocks have no more than one.
#include "kernels/gpu/rows/rows.h"

enum { AT_ONCE = 5 }; // choices whose loads are on their way together

INLINE u32x4 load(const nf_gpu_rows *rows, int64_t row, int p) {
  return row_load(row_of(rows, row) + (int64_t)p * 16);
}

// The shared expert's columns times the gate, both rounded, are added to the rounded sum.
INLINE eight add_shared(u32x4 shared, float gate, bool f32, eight sum) {
  const float open = lane_sigmoid(gate), by = f32 ? open : rounded(open);
  eight x = unpacked(shared);
  UNROLL for (int i = 0; i < 8; i++) x.v[i] *= by;
  sum = rounded8(sum), x = rounded8(x);
  UNROLL for (int i = 0; i < 8; i++) sum.v[i] += x.v[i];
  return sum;
}

INLINE eight add_choice(u32x4 x, float weight, eight sum) {
  const eight e = unpacked(x);
  UNROLL for (int i = 0; i < 8; i++) sum.v[i] = __builtin_fmaf(weight, e.v[i], sum.v[i]);
  return sum;
}

// Choices [first, k), at most AT_ONCE of them, of rows that are whole packs one behind the other.
INLINE eight add_plain(const nf_gpu_combine *a, const float *weights, int row, int p, int first, eight sum) {
  const char *at = (const char *)a->x.data + ((int64_t)row * a->k + first) * a->x.outer + (int64_t)p * 16;
  u32x4 x[AT_ONCE];
  float w[AT_ONCE];
  UNROLL for (int j = 0; j < AT_ONCE; j++) if (first + j < a->k) {
    x[j] = lane_load16(at + j * a->x.outer);
    w[j] = weights[first + j];
  }
  UNROLL for (int j = 0; j < AT_ONCE; j++) if (first + j < a->k) sum = add_choice(x[j], w[j], sum);
  return sum;
}

INLINE eight add_choices(const nf_gpu_combine *a, int row, int p) {
  const float *weights = (const float *)row_of(&a->weights, row);
  const bool plain = rows_plain(&a->x);
  eight sum = {0};
  for (int j = 0; plain && j < a->k; j += AT_ONCE) sum = add_plain(a, weights, row, p, j, sum);
  for (int j = 0; !plain && j < a->k; j++)
    sum = add_choice(load(&a->x, (int64_t)row * a->k + j, p), weights[j], sum);
  return sum;
}

KERNEL(nf_combine, nf_gpu_combine, 128, 8) {
  const int packs = a->columns / 8, places = (a->padded + 7) / 8;
  const uint32_t blocks = (uint32_t)(places + lane_threads() - 1) / (uint32_t)lane_threads();
  const int row = (int)((uint32_t)lane_block() / blocks);
  const int p = (int)((uint32_t)lane_block() % blocks) * lane_threads() + lane_thread();
  const bool shares = a->shared.data != NULL;
  eight sum = {0};
  lane_release();
  lane_wait();
  if (p >= places) return;
  if (p < packs) {
    const u32x4 shared = shares ? load(&a->shared, row, p) : (u32x4){0};
    const float gate = shares ? number_at(row_of(&a->gate, row), 0, a->gate_f32) : 0;
    sum = add_choices(a, row, p);
    if (shares) sum = add_shared(shared, gate, a->gate_f32, sum);
  }
  row_store_padded(row_of(&a->y, row), p, a->padded, packed(sum));
}

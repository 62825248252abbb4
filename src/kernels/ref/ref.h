// SPDX-License-Identifier: Apache-2.0
// What the references share: rows as float32, one order of summation, small integer reads.
//
// References define the ops: plain float32, any float dtype in and out. A token's result is bitwise the same
// alone, in a chunk or beside other sequences: no sum depends on T, on the batch or on the cut into blocks.
#pragma once
#include "base/checked.h"
#include "kernels/kernels.h"
#include <math.h>

// Row r of t as float32: in place when it is that already, else decoded into buffer [cols].
static inline const float *nf_ref_row(const nf_tensor *t, int64_t r, float *buffer) {
  if (t->dtype == NF_F32 && nf_pack_is_plain(t->pack)) return nf_tensor_row(t, r);
  nf_row_decode(t, r, buffer);
  return buffer;
}

// Room for a row of t that nf_ref_row has to decode; f32 rows need none.
static inline int64_t nf_ref_room(const nf_tensor *t) {
  return t->dtype == NF_F32 && nf_pack_is_plain(t->pack) ? 1 : nf_max(1, nf_tensor_cols(t));
}

static inline void nf_ref_copy(const nf_tensor *y, int64_t to, const nf_tensor *x, int64_t from) {
  float room[nf_ref_room(x)];
  nf_row_encode(y, to, nf_ref_row(x, from, room));
}

static inline int32_t nf_ref_int(const nf_tensor *t, int64_t r, int64_t c) {
  return ((const int32_t *)nf_tensor_row(t, r))[c];
}

// Sum of a[k] b[k]: sixteen running sums, added pairwise at the end. The order depends on n alone.
// Vectors may lie anywhere: copies by memcpy would be calls where sanitizers look at each.
typedef float nf_f32x4 __attribute__((vector_size(16), aligned(4), may_alias));
static inline float nf_ref_dot(const float *a, const float *b, int64_t n) {
  nf_f32x4 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  float tail = 0;
  int64_t k = 0;
  for (; k + 16 <= n; k += 16) {
    const nf_f32x4 *x = (const nf_f32x4 *)(a + k), *y = (const nf_f32x4 *)(b + k);
    s0 += x[0] * y[0];
    s1 += x[1] * y[1];
    s2 += x[2] * y[2];
    s3 += x[3] * y[3];
  }
  for (; k < n; k++) tail += a[k] * b[k];
  const nf_f32x4 s = (s0 + s1) + (s2 + s3);
  return ((s[0] + s[1]) + (s[2] + s[3])) + tail;
}

// y[n] += f x[n], element by element.
static inline void nf_ref_add_scaled(float *y, float f, const float *x, int64_t n) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) *(nf_f32x4 *)(y + i) += f * *(const nf_f32x4 *)(x + i);
  for (; i < n; i++) y[i] += f * x[i];
}

// Rows that no rank's part has.
static inline void nf_ref_zero_row(const nf_tensor *t, int64_t r) {
  const int64_t cols = nf_max(nf_tensor_cols(t), t->padded);
  __builtin_memset(nf_tensor_row(t, r), 0, (size_t)(cols * (nf_dtype_of(t->dtype)->bits / 8)));
}

// The norm of x[n], as rms_norm's contract has it.
static inline void nf_ref_norm(const float *x, const nf_tensor *w, float eps, bool one_plus, int64_t n,
                               float *y) {
  float room[nf_ref_room(w)];
  const float *scale = nf_ref_row(w, 0, room), by = 1 / sqrtf(nf_ref_dot(x, x, n) / (float)n + eps);
  for (int64_t i = 0; i < n; i++) y[i] = x[i] * by * (one_plus ? 1 + scale[i] : scale[i]);
}

static inline float nf_ref_sigmoid(float x) { return 1 / (1 + expf(-x)); }
static inline float nf_ref_silu(float x) { return x * nf_ref_sigmoid(x); }

// ---- parts of fused references ----

// A tensor as rank `rank` has it.
static inline nf_tensor nf_ref_of_rank(const nf_comm *c, const nf_tensor *x, int rank) {
  nf_tensor theirs = *x;
  if (c) theirs.data = c->base[rank] + ((char *)x->data - c->base[c->rank]);
  return theirs;
}

// Row r of x summed over the ranks, unrounded.
static inline void nf_ref_reduce(const nf_batch *batch, const nf_tensor *x, int64_t r, float *out) {
  const nf_comm *c = batch->comm;
  const int64_t cols = nf_tensor_cols(x);
  float room[nf_ref_room(x)];
  for (int64_t i = 0; i < cols; i++) out[i] = 0;
  for (int rank = 0; rank < (c ? c->world : 1); rank++) {
    const nf_tensor theirs = nf_ref_of_rank(c, x, rank);
    const float *row = nf_ref_row(&theirs, r, room);
    for (int64_t i = 0; i < cols; i++) out[i] = rank == 0 ? row[i] : out[i] + row[i];
  }
}

// x as it is after a store into `dtype`.
static inline void nf_ref_round(nf_dtype dtype, float *x, int64_t n) {
  if (dtype == NF_F32) return;
  uint16_t room[nf_max(1, n)];
  const nf_tensor t = {.data = room, .dtype = dtype, .rank = 1, .dim = {n}, .stride = {1}};
  nf_row_encode(&t, 0, x);
  nf_row_decode(&t, 0, x);
}

// x[columns of y] as codes and scales of row r of y, which is what quantise makes of it (fused_quantise.c).
void nf_ref_quantise(const nf_tensor *y, int64_t r, const float *x);

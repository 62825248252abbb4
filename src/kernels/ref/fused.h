// SPDX-License-Identifier: Apache-2.0
// Parts of fused references: rows summed over ranks, rounded as a store would round them, quantised.
#pragma once
#include "kernels/ref/ref.h"

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

// x[columns of y] as codes and scales of row r of y, which is what quantise makes of it (quantise.c).
void nf_ref_quantise(const nf_tensor *y, int64_t r, const float *x);

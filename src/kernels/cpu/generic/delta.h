// SPDX-License-Identifier: Apache-2.0
// What the kernels of gated_delta_rule share: where a head's columns are, its token as float32, its state.
#pragma once
#include "kernels/cpu/generic/row.h"
#include <math.h>

enum { NF_MAX_KEY = 256 }; // a multiple of 8

typedef struct nf_delta_head { // one value head of one sequence
  const nf_gated_delta_rule_args *a;
  int64_t h, dk, dv, q, k, v;  // head, sizes, first columns in qkv
  int64_t first, end, in, out; // tokens; slots of the states before the first and behind the last
} nf_delta_head;

typedef struct nf_delta_token {
  float q[NF_MAX_KEY], k[NF_MAX_KEY]; // normalised; zeros behind them up to whole vectors
  float beta, log_decay, decay;
} nf_delta_token;

NF_INLINE nf_delta_head nf_delta_head_of(const nf_gated_delta_rule_args *a, int64_t s, int64_t h) {
  const int64_t heads = a->state.dim[1], dk = a->state.dim[2], dv = a->state.dim[3];
  const int64_t key_heads = (nf_tensor_cols(&a->qkv) - heads * dv) / (2 * dk), g = h / (heads / key_heads);
  const nf_batch *b = a->batch;
  return (nf_delta_head){a,
                         h,
                         dk,
                         dv,
                         g * dk,
                         (key_heads + g) * dk,
                         2 * key_heads * dk + h * dv,
                         b->q_start[s],
                         b->q_start[s + 1],
                         b->state_in[s],
                         b->q_start[s] < b->q_start[s + 1] ? b->state_out[b->q_start[s + 1] - 1] : -1};
}

static inline float nf_delta_element(const nf_tensor *t, int64_t row, int64_t col) {
  float x;
  nf_widen(t, nf_tensor_row(t, row), col, 1, &x);
  return x;
}

NF_INLINE float nf_delta_dot(const float *a, const float *b, int64_t n) {
  v8 sum = v8_splat(0);
  for (int64_t i = 0; i < n; i += 8) sum = v8_fma(v8_load(a + i), v8_load(b + i), sum);
  return v8_sum(sum);
}

static inline void nf_delta_normalise(float *x, int64_t n, float scale) {
  const v8 f = v8_splat(scale / sqrtf(nf_delta_dot(x, x, n) + 1e-6f));
  for (int64_t i = 0; i < n; i += 8) v8_store(x + i, v8_load(x + i) * f);
}

static inline void nf_delta_token_at(const nf_delta_head *d, int64_t t, nf_delta_token *out) {
  const nf_gated_delta_rule_args *a = d->a;
  const void *row = nf_tensor_row(&a->qkv, t);
  const float x = nf_delta_element(&a->a, t, d->h) + nf_delta_element(&a->dt_bias, 0, d->h);
  const int64_t n = nf_padded(&a->qkv, row, d->q, d->dk, out->q);
  nf_padded(&a->qkv, row, d->k, d->dk, out->k);
  nf_delta_normalise(out->q, n, 1 / sqrtf((float)d->dk));
  nf_delta_normalise(out->k, n, 1);
  out->beta = 1 / (1 + expf(-nf_delta_element(&a->b, t, d->h)));
  out->log_decay = -expf(nf_delta_element(&a->a_log, 0, d->h)) * (fmaxf(x, 0) + log1pf(expf(-fabsf(x))));
  out->decay = expf(out->log_decay);
}

// Row i of the head's state in a slot.
static inline float *nf_delta_row(const nf_delta_head *d, int64_t slot, int64_t i) {
  return nf_tensor_row(&d->a->state, (slot * d->a->state.dim[1] + d->h) * d->dk + i);
}

// Columns [j, j + n) of the state that the sequence begins with, in rows of `width`, zeros behind them; and
// back to a slot.
static inline void nf_delta_load(const nf_delta_head *d, int64_t j, int64_t n, int64_t width, float *S) {
  memset(S, 0, (size_t)(d->dk * width) * sizeof *S);
  for (int64_t i = 0; i < d->dk && d->in >= 0; i++)
    memcpy(S + i * width, nf_delta_row(d, d->in, i) + j, (size_t)n * sizeof *S);
}
static inline void nf_delta_save(const nf_delta_head *d, int64_t slot, int64_t j, int64_t n, int64_t width,
                                 const float *S) {
  for (int64_t i = 0; i < d->dk; i++)
    memcpy(nf_delta_row(d, slot, i) + j, S + i * width, (size_t)n * sizeof *S);
}

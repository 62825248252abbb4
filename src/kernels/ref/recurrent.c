// SPDX-License-Identifier: Apache-2.0
// Ops with a state for each sequence, step by step: the causal convolution and the gated delta rule.
#include "kernels/ref/ref.h"
#include <string.h>

// ---- causal_conv1d: a block is one sequence. Slots are [W - 1, C], oldest first. ----

int64_t nf_causal_conv1d_ref_blocks(const nf_causal_conv1d_args *a) { return a->batch->sizes.of[NF_S]; }

// The input at `t`, which may lie before the sequence's first token of this step, at `first`.
static void input(const nf_causal_conv1d_args *a, int64_t slot, int64_t first, int64_t t, float *out) {
  const int64_t kept = a->state.dim[1];
  if (t >= first)
    nf_row_decode(&a->x, t, out);
  else if (slot >= 0)
    nf_row_decode(&a->state, slot * kept + kept - (first - t), out);
  else
    memset(out, 0, (size_t)nf_tensor_cols(&a->x) * sizeof *out);
}

void nf_causal_conv1d_ref(const nf_causal_conv1d_args *a, int64_t s) {
  const int64_t first = a->batch->q_start[s], end = a->batch->q_start[s + 1],
                channels = nf_tensor_cols(&a->x);
  const int64_t kept = a->state.dim[1], in = a->batch->state_in[s];
  float x[nf_max(1, channels)], y[nf_max(1, channels)], taps[nf_max(1, channels)][kept + 1];
  for (int64_t c = 0; c < channels; c++) nf_row_decode(&a->taps, c, taps[c]);
  for (int64_t t = first; t < end; t++) {
    memset(y, 0, sizeof y);
    for (int64_t j = 0; j <= kept; j++) {
      input(a, in, first, t - kept + j, x);
      for (int64_t c = 0; c < channels; c++) y[c] += taps[c][j] * x[c];
    }
    for (int64_t c = 0; c < channels; c++) y[c] = nf_ref_silu(y[c]);
    nf_row_encode(&a->y, t, y);
  }
  // In this order the first slot and the last may be the same: a row is read before it is written.
  for (int64_t t = first; t < end; t++) {
    const int64_t out = a->batch->state_out[t];
    for (int64_t j = 0; j < kept && out >= 0; j++) {
      input(a, in, first, t + 1 - kept + j, x);
      nf_row_encode(&a->state, out * kept + j, x);
    }
  }
}

// ---- gated_delta_rule: a block is one value head of one sequence. Slots are [value heads, D, V]. ----

typedef struct head_view { // the columns of one head
  nf_tensor q, k, v;
  int64_t h, dk, dv;
} head_view;

static head_view view_of(const nf_gated_delta_rule_args *a, int64_t h) {
  const int64_t heads = a->state.dim[1], dk = a->state.dim[2], dv = a->state.dim[3];
  const int64_t key_heads = (nf_tensor_cols(&a->qkv) - heads * dv) / (2 * dk), g = h / (heads / key_heads);
  return (head_view){nf_tensor_columns(&a->qkv, g * dk, dk),
                     nf_tensor_columns(&a->qkv, (key_heads + g) * dk, dk),
                     nf_tensor_columns(&a->qkv, 2 * key_heads * dk + h * dv, dv),
                     h,
                     dk,
                     dv};
}

static float element(const nf_tensor *t, int64_t row, int64_t col) {
  const nf_tensor one = nf_tensor_columns(t, col, 1);
  float x;
  nf_row_decode(&one, row, &x);
  return x;
}

static void normalise(float *x, int64_t n, float scale) {
  const float f = scale / sqrtf(nf_ref_dot(x, x, n) + 1e-6f);
  for (int64_t i = 0; i < n; i++) x[i] *= f;
}

static float softplus(float x) { return fmaxf(x, 0) + log1pf(expf(-fabsf(x))); }

// S: rows of the state, `ld` floats apart.
static void token(const nf_gated_delta_rule_args *a, const head_view *v, int64_t t, float *S, int64_t ld) {
  const float beta = nf_ref_sigmoid(element(&a->b, t, v->h));
  const float rate = expf(element(&a->a_log, 0, v->h));
  const float decay = expf(-rate * softplus(element(&a->a, t, v->h) + element(&a->dt_bias, 0, v->h)));
  float q[v->dk], k[v->dk], delta[nf_max(1, v->dv)], o[nf_max(1, v->dv)], seen[nf_max(1, v->dv)];
  nf_row_decode(&v->q, t, q);
  nf_row_decode(&v->k, t, k);
  nf_row_decode(&v->v, t, delta);
  normalise(q, v->dk, 1 / sqrtf((float)v->dk));
  normalise(k, v->dk, 1);
  for (int64_t j = 0; j < v->dv; j++) seen[j] = o[j] = 0;
  for (int64_t i = 0; i < v->dk; i++) {
    for (int64_t j = 0; j < v->dv; j++) S[i * ld + j] *= decay;
    nf_ref_add_scaled(seen, k[i], S + i * ld, v->dv);
  }
  for (int64_t j = 0; j < v->dv; j++) delta[j] = beta * (delta[j] - seen[j]);
  for (int64_t i = 0; i < v->dk; i++) {
    nf_ref_add_scaled(S + i * ld, k[i], delta, v->dv);
    nf_ref_add_scaled(o, q[i], S + i * ld, v->dv);
  }
  nf_row_encode(&a->o, t * a->state.dim[1] + v->h, o);
}

// Head h of slot `from`, or zeros, to slot `to`.
static void copy_state(const nf_gated_delta_rule_args *a, int64_t h, int64_t from, int64_t to) {
  const int64_t heads = a->state.dim[1], dk = a->state.dim[2], dv = a->state.dim[3];
  for (int64_t i = 0; i < dk && from != to; i++) {
    float *row = nf_tensor_row(&a->state, (to * heads + h) * dk + i);
    if (from < 0)
      memset(row, 0, (size_t)dv * sizeof *row);
    else
      nf_row_decode(&a->state, (from * heads + h) * dk + i, row);
  }
}

int64_t nf_gated_delta_rule_ref_blocks(const nf_gated_delta_rule_args *a) {
  return a->batch->sizes.of[NF_S] * a->state.dim[1];
}

void nf_gated_delta_rule_ref(const nf_gated_delta_rule_args *a, int64_t block) {
  const int64_t heads = a->state.dim[1], s = block / heads, h = block % heads;
  const int64_t first = a->batch->q_start[s], end = a->batch->q_start[s + 1];
  if (first == end) return;
  const int32_t *to = a->batch->state_out;
  const int64_t out = to[end - 1];
  const head_view v = view_of(a, h);
  float *S = nf_tensor_row(&a->state, (out * heads + h) * v.dk);
  copy_state(a, h, a->batch->state_in[s], out);
  for (int64_t t = first; t < end; t++) {
    token(a, &v, t, S, a->state.stride[2]);
    if (to[t] >= 0) copy_state(a, h, out, to[t]);
  }
}

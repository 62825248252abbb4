// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule, one token after the other. A block is one value head of one sequence and a slab of its
// value columns, which stays in the first-level cache over all tokens.
//
// A state is gone through once per token: with S the state before it, both S^T k and S^T q are summed while S
// is read, as o = e^g S^T q + (q.k) delta; and S is brought up to date on the way, for the token after. Sums
// run over the key's columns in order, so a sequence's result is the same bits however it is cut into steps.
#include "kernels/cpu/generic/delta.h"

enum { SLAB = 32, VECTORS = SLAB / NF_WIDE, AHEAD = 16 };

int64_t NF_BLOCKS(gated_delta_rule_recurrent)(const nf_gated_delta_rule_args *a) {
  return a->batch->sizes.of[NF_S] * a->state.dim[1] * nf_ceil_div(a->state.dim[3], SLAB);
}

typedef struct sums {
  vw k[VECTORS], q[VECTORS]; // S^T k and S^T q of the slab
} sums;

typedef struct slab { // rows of SLAB columns
  float *at;
  int64_t stride;
} slab;

// S = e^g S + k delta^T with the token before, unless there is none; then the sums of the token after, unless
// there is none. S is read in `from` and goes to `to`. What the first pass reads is far away.
NF_INLINE void pass(bool update, bool read, int64_t dk, slab from, slab to, const nf_delta_token *before,
                    const vw *delta, const nf_delta_token *after, sums *out) {
  sums sum;
  for (int j = 0; j < VECTORS; j++) sum.k[j] = sum.q[j] = vw_splat(0);
  for (int64_t i = 0; i < dk; i++) {
    const float *row = from.at + i * from.stride;
    for (int b = 0; !update && b < SLAB; b += 16) __builtin_prefetch(row + AHEAD * from.stride + b);
    for (int j = 0; j < VECTORS; j++) {
      vw x = vw_load(row + NF_WIDE * j);
      if (update) x = vw_fma(vw_splat(before->k[i]), delta[j], vw_splat(before->decay) * x);
      vw_store(to.at + i * to.stride + NF_WIDE * j, x);
      if (read) {
        sum.k[j] = vw_fma(vw_splat(after->k[i]), x, sum.k[j]);
        sum.q[j] = vw_fma(vw_splat(after->q[i]), x, sum.q[j]);
      }
    }
  }
  if (read) *out = sum;
}

// delta and o from the sums.
static void finish(const nf_delta_head *d, int64_t t, int64_t j0, int64_t n, const nf_delta_token *x,
                   const sums *sum, vw *delta) {
  const vw decay = vw_splat(x->decay), beta = vw_splat(x->beta),
           qk = vw_splat(nf_delta_dot(x->q, x->k, (d->dk + 7) / 8 * 8));
  float v[SLAB] = {0}, o[SLAB];
  nf_widen(&d->a->qkv, nf_tensor_row(&d->a->qkv, t), d->v + j0, n, v);
  for (int j = 0; j < VECTORS; j++) {
    delta[j] = beta * (vw_load(v + NF_WIDE * j) - decay * sum->k[j]);
    vw_store(o + NF_WIDE * j, vw_fma(qk, delta[j], decay * sum->q[j]));
  }
  nf_round(&d->a->o, nf_tensor_row(&d->a->o, t * d->a->state.dim[1] + d->h), j0, n, o);
}

// The slab in the pools: a whole one that was there before is read, and written, where it is.
static slab in_pool(const nf_delta_head *d, int64_t slot, int64_t j0) {
  return (slab){nf_delta_row(d, slot, 0) + j0, d->a->state.stride[2]};
}

void NF_KERNEL(gated_delta_rule_recurrent)(const nf_gated_delta_rule_args *a, int64_t block) {
  const int64_t slabs = nf_ceil_div(a->state.dim[3], SLAB), heads = a->state.dim[1];
  const nf_delta_head d = nf_delta_head_of(a, block / slabs / heads, block / slabs % heads);
  const int64_t j0 = block % slabs * SLAB, n = nf_min(SLAB, d.dv - j0);
  float S[NF_MAX_KEY * SLAB];
  const slab near = {S, SLAB};
  nf_delta_token token[2];
  vw delta[VECTORS] = {{0}};
  sums sum;
  if (d.first == d.end) return;
  const bool far = n == SLAB && d.in >= 0;
  if (!far) nf_delta_load(&d, j0, n, SLAB, S);
  for (int64_t t = d.first; t < d.end; t++) {
    const nf_delta_token *before = &token[(t + 1) % 2], *now = &token[t % 2];
    nf_delta_token_at(&d, t, &token[t % 2]);
    if (t == d.first)
      pass(false, true, d.dk, far ? in_pool(&d, d.in, j0) : near, near, NULL, NULL, now, &sum);
    else
      pass(true, true, d.dk, near, near, before, delta, now, &sum);
    if (t > d.first && a->batch->state_out[t - 1] >= 0)
      nf_delta_save(&d, a->batch->state_out[t - 1], j0, n, SLAB, S);
    finish(&d, t, j0, n, now, &sum, delta);
  }
  const slab end = n == SLAB ? in_pool(&d, d.out, j0) : near;
  pass(true, false, d.dk, near, end, &token[(d.end + 1) % 2], delta, NULL, NULL);
  if (n != SLAB) nf_delta_save(&d, d.out, j0, n, SLAB, S);
}

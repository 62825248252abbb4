// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule, one token after the other. A block is one value head of one sequence and a slab of its
// value columns, which stays in the first-level cache over all tokens.
//
// A state is gone through once per token: with S the state before it, both S^T k and S^T q are summed while S
// is read, as o = e^g S^T q + (q.k) delta; and S is brought up to date on the way, for the token after. Sums
// run over the key's columns in order, so a sequence's result is the same bits however it is cut into steps.
#include "kernels/cpu/generic/delta.h"

enum { SLAB = 32, VECTORS = SLAB / 8 };

int64_t NF_BLOCKS(gated_delta_rule_recurrent)(const nf_gated_delta_rule_args *a) {
  return a->batch->sizes.of[NF_S] * a->state.dim[1] * nf_ceil_div(a->state.dim[3], SLAB);
}

typedef struct sums {
  v8 k[VECTORS], q[VECTORS]; // S^T k and S^T q of the slab
} sums;

// S = e^g S + k delta^T with the token before, unless there is none; then the sums of the token after, unless
// there is none.
NF_INLINE void pass(bool update, bool read, int64_t dk, float *S, const nf_delta_token *before,
                    const v8 *delta, const nf_delta_token *after, sums *out) {
  sums sum;
  for (int j = 0; j < VECTORS; j++) sum.k[j] = sum.q[j] = v8_splat(0);
  for (int64_t i = 0; i < dk; i++)
    for (int j = 0; j < VECTORS; j++) {
      v8 x = v8_load(S + i * SLAB + 8 * j);
      if (update) {
        x = v8_fma(v8_splat(before->k[i]), delta[j], v8_splat(before->decay) * x);
        v8_store(S + i * SLAB + 8 * j, x);
      }
      if (read) {
        sum.k[j] = v8_fma(v8_splat(after->k[i]), x, sum.k[j]);
        sum.q[j] = v8_fma(v8_splat(after->q[i]), x, sum.q[j]);
      }
    }
  if (read) *out = sum;
}

// delta and o from the sums.
static void finish(const nf_delta_head *d, int64_t t, int64_t j0, int64_t n, const nf_delta_token *x,
                   const sums *sum, v8 *delta) {
  const v8 decay = v8_splat(x->decay), beta = v8_splat(x->beta),
           qk = v8_splat(nf_delta_dot(x->q, x->k, (d->dk + 7) / 8 * 8));
  float v[SLAB] = {0}, o[SLAB];
  nf_widen(&d->a->qkv, nf_tensor_row(&d->a->qkv, t), d->v + j0, n, v);
  for (int j = 0; j < VECTORS; j++) {
    delta[j] = beta * (v8_load(v + 8 * j) - decay * sum->k[j]);
    v8_store(o + 8 * j, v8_fma(qk, delta[j], decay * sum->q[j]));
  }
  nf_round(&d->a->o, nf_tensor_row(&d->a->o, t * d->a->state.dim[1] + d->h), j0, n, o);
}

void NF_KERNEL(gated_delta_rule_recurrent)(const nf_gated_delta_rule_args *a, int64_t block) {
  const int64_t slabs = nf_ceil_div(a->state.dim[3], SLAB), heads = a->state.dim[1];
  const nf_delta_head d = nf_delta_head_of(a, block / slabs / heads, block / slabs % heads);
  const int64_t j0 = block % slabs * SLAB, n = nf_min(SLAB, d.dv - j0);
  float S[NF_MAX_KEY * SLAB];
  nf_delta_token token[2];
  v8 delta[VECTORS] = {{0}};
  sums sum;
  if (d.first == d.end) return;
  nf_delta_load(&d, j0, n, SLAB, S);
  for (int64_t t = d.first; t < d.end; t++) {
    const nf_delta_token *before = &token[(t + 1) % 2], *now = &token[t % 2];
    nf_delta_token_at(&d, t, &token[t % 2]);
    if (t == d.first)
      pass(false, true, d.dk, S, NULL, NULL, now, &sum);
    else
      pass(true, true, d.dk, S, before, delta, now, &sum);
    finish(&d, t, j0, n, now, &sum, delta);
  }
  pass(true, false, d.dk, S, &token[(d.end + 1) % 2], delta, NULL, NULL);
  nf_delta_save(&d, j0, n, SLAB, S);
}

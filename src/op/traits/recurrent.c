// SPDX-License-Identifier: Apache-2.0
// Ops that keep a state of each sequence.
#include "base/checked.h"
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

// Operand i is a pool of whole states of `rank` dimensions.
static nf_status want_state(const nf_op_desc *d, int i, uint64_t dtypes, int rank) {
  if (d->in[i].cache != NF_CACHE_RECURRENT) return nf_refuse_operand(d, i, "must be of the recurrent group");
  NF_TRY(nf_want(d, i, dtypes, rank, rank));
  return nf_want_const(d, i);
}

static nf_status infer_causal_conv1d(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *taps = &d->in[1], *state = &d->in[2];
  NF_TRY(nf_want(d, 0, NF_FLOATS, 2, 2));
  NF_TRY(nf_want_tokens(d, 0));
  NF_TRY(nf_want(d, 1, NF_FLOATS, 3, 3));
  NF_TRY(nf_want_const(d, 1));
  NF_TRY(nf_want_dim(d, 1, 0, nf_last(x), "x has %s columns"));
  NF_TRY(nf_want_dim(d, 1, 1, NF_C(1), "its middle dimension must be %s"));
  if (nf_last(taps).c < 2) return nf_refuse_operand(d, 1, "at least 2 taps make a convolution");
  NF_TRY(want_state(d, 2, NF_FLOATS, 2));
  NF_TRY(nf_want_same_dtype(d, 2, 0));
  NF_TRY(nf_want_dim(d, 2, 0, NF_C(nf_last(taps).c - 1), "the taps reach back %s tokens"));
  NF_TRY(nf_want_dim(d, 2, 1, nf_last(x), "x has %s columns"));
  d->out[0] = nf_plain_type(x);
  d->out[1] = *state;
  return nf_ok();
}

static void sample_causal_conv1d(nf_op_desc *d, const nf_dims *m) {
  const nf_extent k = NF_C(m->q[NF_Q_K]), taps = NF_C(m->q[NF_Q_TAPS]);
  d->in[0] = nf_sample_rows(m, false, k.c);
  d->in[1] = NF_TYPE(nf_bit(m, 1) ? NF_BF16 : m->act, k, NF_C(1), taps);
  d->in[2] = NF_TYPE(m->act, NF_C(taps.c - 1), k);
  d->in[2].cache = NF_CACHE_RECURRENT;
}

// SiLU of a sum s is more than s - 0.3.
static double bound_causal_conv1d(const nf_op_desc *, const nf_sizes *, const nf_expected *e) {
  return 1.1 * nf_sum_error(e->sum + 0.3) + NF_EXP_ERROR * fabs(e->want);
}

NF_TRAITS(causal_conv1d, INFER(infer_causal_conv1d), SHARD(CONVOLUTION),
          WORK(.element = 12, .of = NF_Q_TAPS, .times = 2),
          EXTENTS({NF_Q_TAPS, NF_OPERAND(causal_conv1d, taps), -1}),
          CHECK(sample_causal_conv1d, NEVER, bound_causal_conv1d));

static nf_status infer_gated_delta_rule(nf_op_desc *d) {
  enum { QKV, B, A, A_LOG, DT_BIAS, STATE };
  const nf_type *qkv = &d->in[QKV], *state = &d->in[STATE];
  NF_TRY(want_state(d, STATE, NF_BIT(F32), 3));
  const int64_t heads = state->dim[0].c, dk = state->dim[1].c, dv = state->dim[2].c;
  NF_TRY(nf_want(d, QKV, NF_FLOATS, 2, 2));
  NF_TRY(nf_want_tokens(d, QKV));
  int64_t values, keys = 0;
  if (!nf_mul_i64(heads, dv, &values) || dk < 1 || dk > 65536 || heads < 1 || nf_last(qkv).sym != NF_CONST ||
      (keys = nf_last(qkv).c - values) < 2 * dk || keys % (2 * dk) || heads % (keys / (2 * dk)))
    return nf_refuse_operand(d, QKV,
                             "its columns must be queries and keys of %" PRId64
                             " for heads that divide the %" PRId64 " value heads, and values of %" PRId64,
                             dk, heads, dv);
  for (int i = B; i <= DT_BIAS; i++) {
    const int rank = i <= A ? 2 : 1;
    NF_TRY(nf_want(d, i, NF_FLOATS, rank, rank));
    if (i <= A) NF_TRY(nf_want_tokens(d, i));
    NF_TRY(nf_want_dim(d, i, rank - 1, NF_C(heads), "there are %s value heads"));
  }
  d->out[0] = NF_TYPE(qkv->dtype, qkv->dim[0], NF_C(heads), NF_C(dv));
  d->out[1] = *state;
  return nf_ok();
}

static void sample_gated_delta_rule(nf_op_desc *d, const nf_dims *m) {
  const int64_t keys = m->q[NF_Q_KV_HEADS], key = m->q[NF_Q_HEAD], value = m->q[NF_Q_VALUE];
  const nf_extent t = NF_BY(1, NF_T), heads = NF_C(keys * m->q[NF_Q_GROUP]);
  d->in[0] = NF_TYPE(m->act, t, NF_C(2 * keys * key + heads.c * value));
  d->in[1] = d->in[2] = NF_TYPE(m->act, t, heads);
  d->in[3] = d->in[4] = NF_TYPE(nf_bit(m, 1) ? NF_BF16 : m->act, heads);
  d->in[5] = NF_TYPE(NF_F32, heads, NF_C(key), NF_C(value));
  d->in[5].cache = NF_CACHE_RECURRENT;
}

// A state adds up the step's updates, each a sum over the key's D; values are at most `most`, keys have
// norm 1.
static double bound_gated_delta_rule(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  const double tokens = (double)at->of[NF_T];
  return nf_norm_error(d->in[5].dim[1].c) * e->most * sqrt(1 + tokens) / 2;
}

// S decays, S^T k, the update, S^T q.
NF_TRAITS(gated_delta_rule, INFER(infer_gated_delta_rule), SHARD(DELTA_RULE),
          WORK(.of = NF_Q_HEAD, .times = 7),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(gated_delta_rule, state), 1},
                  {NF_Q_VALUE, NF_OPERAND(gated_delta_rule, state), 2}),
          CHECK(sample_gated_delta_rule, NEVER, bound_gated_delta_rule));

// SPDX-License-Identifier: Apache-2.0
// Ops that keep a state of each sequence.
#include "base/checked.h"
#include "op/traits.h"
#include "op/want.h"
#include <inttypes.h>

// Operand i is a pool of whole states of `rank` dimensions.
static nf_status want_state(const nf_op_desc *d, int i, int rank) {
  if (d->in[i].cache != NF_CACHE_RECURRENT) return nf_refuse_operand(d, i, "must be of the recurrent group");
  NF_TRY(nf_want_rank(d, i, rank, rank));
  return nf_want_const(d, i);
}

static nf_status infer_causal_conv1d(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *taps = &d->in[1], *state = &d->in[2];
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 2, 2));
  NF_TRY(nf_want_tokens(d, 0));
  NF_TRY(nf_want_float(d, 1));
  NF_TRY(nf_want_rank(d, 1, 3, 3));
  NF_TRY(nf_want_const(d, 1));
  NF_TRY(nf_want_dim(d, 1, 0, nf_last(x), "x has %s columns"));
  NF_TRY(nf_want_dim(d, 1, 1, NF_C(1), "its middle dimension must be %s"));
  if (nf_last(taps).c < 2) return nf_refuse_operand(d, 1, "at least 2 taps make a convolution");
  NF_TRY(want_state(d, 2, 2));
  if (state->dtype != x->dtype) return nf_refuse_operand(d, 2, "x is %s", nf_dtype_of(x->dtype)->name);
  NF_TRY(nf_want_dim(d, 2, 0, NF_C(nf_last(taps).c - 1), "the taps reach back %s tokens"));
  NF_TRY(nf_want_dim(d, 2, 1, nf_last(x), "x has %s columns"));
  d->out[0] = nf_plain_type(x);
  d->out[1] = *state;
  return nf_ok();
}

NF_TRAITS(causal_conv1d, INFER(infer_causal_conv1d), SHARD(CONVOLUTION),
          WORK(.element = 12, .of = NF_Q_TAPS, .times = 2),
          EXTENTS({NF_Q_TAPS, NF_OPERAND(causal_conv1d, taps), -1}), CHECK(NULL, NEVER, NULL));

static nf_status infer_gated_delta_rule(nf_op_desc *d) {
  enum { QKV, B, A, A_LOG, DT_BIAS, STATE };
  const nf_type *qkv = &d->in[QKV], *state = &d->in[STATE];
  NF_TRY(want_state(d, STATE, 3));
  NF_TRY(nf_want_dtype(d, STATE, NF_BIT(F32), "f32"));
  const int64_t heads = state->dim[0].c, dk = state->dim[1].c, dv = state->dim[2].c;
  NF_TRY(nf_want_float(d, QKV));
  NF_TRY(nf_want_rank(d, QKV, 2, 2));
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
    NF_TRY(nf_want_float(d, i));
    NF_TRY(nf_want_rank(d, i, rank, rank));
    if (i <= A) NF_TRY(nf_want_tokens(d, i));
    NF_TRY(nf_want_dim(d, i, rank - 1, NF_C(heads), "there are %s value heads"));
  }
  d->out[0] = NF_TYPE(qkv->dtype, qkv->dim[0], NF_C(heads), NF_C(dv));
  d->out[1] = *state;
  return nf_ok();
}

// S decays, S^T k, the update, S^T q.
NF_TRAITS(gated_delta_rule, INFER(infer_gated_delta_rule), SHARD(DELTA_RULE),
          WORK(.of = NF_Q_HEAD, .times = 7),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(gated_delta_rule, state), 1},
                  {NF_Q_VALUE, NF_OPERAND(gated_delta_rule, state), 2}),
          CHECK(NULL, NEVER, NULL));

// SPDX-License-Identifier: Apache-2.0
// Ops that treat elements or rows alone, gated products, and quantisation.
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>
#include <math.h>

static nf_status infer_add(nf_op_desc *d) {
  NF_TRY(nf_want(d, 0, NF_FLOATS, 0, NF_MAX_RANK));
  d->out[0] = nf_plain_type(&d->in[0]);
  return nf_want_same_type(d, 1, 0);
}

static void sample_add(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = d->in[1] = nf_sample_rows(m, false, m->q[NF_Q_K]);
}

NF_TRAITS(add, INFER(infer_add), SHARD(SUM), WORK(.element = 1), EXTENTS(), CHECK(sample_add, ALWAYS, NULL));

static nf_status infer_mul(nf_op_desc *d) {
  const nf_type *a = &d->in[0], *b = &d->in[1];
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  NF_TRY(nf_want(d, 1, NF_FLOATS, a->rank, a->rank));
  NF_TRY(nf_want_dims(d, 1, 0, a->rank - 1));
  if (!nf_extent_equal(nf_last(b), NF_C(1)))
    NF_TRY(nf_want_dim(d, 1, a->rank - 1, nf_last(a), "a has %s columns"));
  return nf_gives(d, nf_plain_type(a));
}

enum { ONE_COLUMN = 1, ROW = 2, KEEP = 8 }; // bits of options of what follows

static void sample_mul(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, false, m->q[NF_Q_K]);
  d->in[1] = NF_TYPE(m->out, NF_BY(1, NF_T), NF_C(nf_bit(m, ONE_COLUMN) ? 1 : m->q[NF_Q_K]));
}

NF_TRAITS(mul, INFER(infer_mul), SHARD(PRODUCT), WORK(.element = 1), EXTENTS(),
          CHECK(sample_mul, ALWAYS, NULL));

static nf_status infer_silu(nf_op_desc *d) {
  NF_TRY(nf_want(d, 0, NF_FLOATS, 0, NF_MAX_RANK));
  return nf_gives(d, nf_plain_type(&d->in[0]));
}

NF_TRAITS(silu, INFER(infer_silu), SHARD(ELEMENTWISE), WORK(.element = 12), EXTENTS(),
          CHECK(nf_sample_heads, NEVER, nf_bound_exp, .values = 10));

NF_TRAITS(sigmoid, INFER(infer_silu), SHARD(SHIFTED), WORK(.element = 11), EXTENTS(),
          CHECK(nf_sample_heads, NEVER, nf_bound_exp, .values = 10));

static nf_status infer_swiglu(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const nf_swiglu_attrs *at = &d->attr.swiglu;
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  if (nf_last(x).sym != NF_CONST || nf_last(x).c % 2)
    return nf_refuse_operand(d, 0, "must have an even number of columns");
  if (at->limit < 0)
    return nf_refuse(d, "limit is %.9g but must be finite and not negative", (double)at->limit);
  d->out[0] = nf_with_last(x, x->dtype, NF_C(nf_last(x).c / 2));
  return nf_want_padding(d, "half of x's padding", x->padded[x->rank - 1] / 2);
}

static void sample_swiglu(nf_op_desc *d, const nf_dims *m) {
  enum { GPT_OSS = 1, INTERLEAVED = 2 };
  d->in[0] = nf_sample_rows(m, false, nf_round_up(m->q[NF_Q_K], 2));
  d->attr.swiglu = (nf_swiglu_attrs){.alpha = 1};
  if (nf_bit(m, GPT_OSS)) d->attr.swiglu = (nf_swiglu_attrs){.alpha = 1.702f, .beta = 1, .limit = 7};
  d->attr.swiglu.interleaved = nf_bit(m, INTERLEAVED);
}

NF_TRAITS(swiglu, INFER(infer_swiglu), SHARD(GATED_HALVES), WORK(.element = 16), EXTENTS(),
          CHECK(sample_swiglu, NEVER, nf_bound_exp, .values = 10));

static nf_status infer_quantise(nf_op_desc *d) {
  const nf_dtype to = d->attr.quantise.to;
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  if (to != NF_FP8_ROW && to != NF_FP8_GROUP) return nf_refuse(d, "to must be fp8row or fp8g128");
  return nf_gives(d, nf_with_last(&d->in[0], to, nf_last(&d->in[0])));
}

static void sample_quantise(nf_op_desc *d, const nf_dims *m) {
  enum { BY_ROW = 1, HEADS = 2 };
  d->attr.quantise.to = nf_bit(m, BY_ROW) ? NF_FP8_ROW : NF_FP8_GROUP;
  d->in[0] = nf_sample_rows(m, nf_bit(m, HEADS), m->q[NF_Q_K]);
}

NF_TRAITS(quantise, INFER(infer_quantise), SHARD(SCALES), WORK(.element = 4), EXTENTS(),
          CHECK(sample_quantise, ALWAYS, NULL));

// ---- products of operands 0 and 1, of which one goes through a function before ----

static bool is_silu(const nf_op_desc *d) { return d->op == NF_OP_silu_mul; }
static int gate_of(const nf_op_desc *d) { return is_silu(d) ? 0 : 1; }
static nf_dtype *quantise_of(nf_op_desc *d) {
  return is_silu(d) ? &d->attr.silu_mul.quantise : &d->attr.sigmoid_mul.quantise;
}

static nf_status infer_gated(nf_op_desc *d) {
  const nf_dtype to = *quantise_of(d);
  nf_type in[2] = {d->in[0], d->in[1]}, *gate = &in[gate_of(d)];
  NF_TRY(is_silu(d) ? NF_PART(d, gate, silu, (*gate)) : NF_PART(d, gate, sigmoid, (*gate)));
  NF_TRY(NF_PART(d, &d->out[0], mul, (in[0], in[1])));
  return to == NF_NONE ? nf_ok() : NF_PART(d, &d->out[0], quantise, (d->out[0]), .to = to);
}

static void sample_gated(nf_op_desc *d, const nf_dims *m) {
  sample_mul(d, m);
  *quantise_of(d) = nf_bit(m, KEEP) ? NF_NONE : nf_bit(m, ROW) ? NF_FP8_ROW : NF_FP8_GROUP;
}

// The function may round to its neighbour.
static double bound_gated(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  return (NF_EXP_ERROR + nf_step_of(d->in[gate_of(d)].dtype)) * fabs(e->want) + 0x1p-126;
}

NF_TRAITS(silu_mul, INFER(infer_gated), SHARD(REPLICATED), WORK(.element = 13), EXTENTS(),
          CHECK(sample_gated, NEVER, bound_gated, .values = 10));

NF_TRAITS(sigmoid_mul, INFER(infer_gated), SHARD(REPLICATED), WORK(.element = 12), EXTENTS(),
          CHECK(sample_gated, NEVER, bound_gated, .values = 10));

// SPDX-License-Identifier: Apache-2.0
// Ops that treat elements or rows alone, gated products, and quantisation.
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>
#include <math.h>

static nf_status infer_add(nf_op_desc *d) {
  const nf_type *a = &d->in[0], *b = &d->in[1];
  NF_TRY(nf_want_float(d, 0));
  if (a->dtype != b->dtype) return nf_refuse_operand(d, 1, "a is %s", nf_dtype_of(a->dtype)->name);
  NF_TRY(nf_want_rank(d, 1, a->rank, a->rank));
  for (int i = 0; i < a->rank; i++)
    NF_TRY(nf_want_dim(d, 1, i, a->dim[i], "a has %s there"), "dimension %d", i);
  d->out[0] = nf_type_make(a->dtype, a->dim, (size_t)a->rank);
  return nf_ok();
}

static void sample_add(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = d->in[1] = nf_sample_rows(m, false, m->q[NF_Q_K]);
}

NF_TRAITS(add, INFER(infer_add), SHARD(SUM), WORK(.element = 1), EXTENTS(), CHECK(sample_add, ALWAYS, NULL));

static nf_status infer_mul(nf_op_desc *d) {
  const nf_type *a = &d->in[0], *b = &d->in[1];
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_float(d, 1));
  NF_TRY(nf_want_rank(d, 0, 1, NF_MAX_RANK));
  NF_TRY(nf_want_rank(d, 1, a->rank, a->rank));
  for (int i = 0; i + 1 < a->rank; i++)
    NF_TRY(nf_want_dim(d, 1, i, a->dim[i], "a has %s there"), "dimension %d", i);
  if (!nf_extent_equal(nf_last(b), NF_C(1)))
    NF_TRY(nf_want_dim(d, 1, a->rank - 1, nf_last(a), "a has %s columns"));
  d->out[0] = nf_plain_type(a);
  return nf_ok();
}

enum { ONE_COLUMN = 1, ROW = 2, KEEP = 8 }; // bits of options of what follows

static void sample_mul(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, false, m->q[NF_Q_K]);
  d->in[1] = NF_TYPE(m->out, NF_BY(1, NF_T), NF_C(nf_bit(m, ONE_COLUMN) ? 1 : m->q[NF_Q_K]));
}

NF_TRAITS(mul, INFER(infer_mul), SHARD(PRODUCT), WORK(.element = 1), EXTENTS(),
          CHECK(sample_mul, ALWAYS, NULL));

static nf_status infer_silu(nf_op_desc *d) {
  NF_TRY(nf_want_float(d, 0));
  d->out[0] = nf_plain_type(&d->in[0]);
  return nf_ok();
}

static void sample_silu(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, false, m->q[NF_Q_K]);
}

static double bound_silu(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)d, (void)at;
  return NF_EXP_ERROR * fabs(e->want) + 0x1p-126;
}

NF_TRAITS(silu, INFER(infer_silu), SHARD(ELEMENTWISE), WORK(.element = 12), EXTENTS(),
          CHECK(sample_silu, NEVER, bound_silu, .values = 10));

NF_TRAITS(sigmoid, INFER(infer_silu), SHARD(SHIFTED), WORK(.element = 11), EXTENTS(),
          CHECK(sample_silu, NEVER, bound_silu, .values = 10));

static nf_status infer_swiglu(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const nf_swiglu_attrs *at = &d->attr.swiglu;
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 1, NF_MAX_RANK));
  if (nf_last(x).sym != NF_CONST || nf_last(x).c % 2)
    return nf_refuse_operand(d, 0, "must have an even number of columns");
  NF_TRY(nf_want_finite(d, "alpha", at->alpha));
  NF_TRY(nf_want_finite(d, "beta", at->beta));
  if (!isfinite(at->limit) || at->limit < 0)
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
          CHECK(sample_swiglu, NEVER, bound_silu, .values = 10));

static nf_status infer_quantise(nf_op_desc *d) {
  const nf_dtype to = d->attr.quantise.to;
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 1, NF_MAX_RANK));
  if (to != NF_FP8_ROW && to != NF_FP8_GROUP) return nf_refuse(d, "to must be fp8row or fp8g128");
  d->out[0] = nf_with_last(&d->in[0], to, nf_last(&d->in[0]));
  return nf_ok();
}

static void sample_quantise(nf_op_desc *d, const nf_dims *m) {
  enum { BY_ROW = 1, HEADS = 2 };
  d->attr.quantise.to = nf_bit(m, BY_ROW) ? NF_FP8_ROW : NF_FP8_GROUP;
  d->in[0] = nf_sample_rows(m, nf_bit(m, HEADS), m->q[NF_Q_K]);
}

NF_TRAITS(quantise, INFER(infer_quantise), SHARD(SCALES), WORK(.element = 4), EXTENTS(),
          CHECK(sample_quantise, ALWAYS, NULL));

// mul of a, operand 0, and b, one of which is f of itself; and quantise.
static nf_status product(nf_op_desc *d, nf_op f, int of, nf_dtype to) {
  nf_op_desc m = {.op = NF_OP_mul, .in = {d->in[0], d->in[1]}};
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = f, .in = {d->in[of]}}, &m.in[of]));
  NF_TRY(nf_infer_part(d, m, &d->out[0]));
  if (to == NF_NONE) return nf_ok();
  return nf_infer_part(d, (nf_op_desc){.op = NF_OP_quantise, .attr.quantise.to = to, .in = {d->out[0]}},
                       &d->out[0]);
}

static nf_status infer_silu_mul(nf_op_desc *d) {
  return product(d, NF_OP_silu, 0, d->attr.silu_mul.quantise);
}

static nf_dtype to_of(const nf_dims *m) {
  return nf_bit(m, KEEP) ? NF_NONE : nf_bit(m, ROW) ? NF_FP8_ROW : NF_FP8_GROUP;
}

static void sample_silu_mul(nf_op_desc *d, const nf_dims *m) {
  sample_mul(d, m);
  d->attr.silu_mul.quantise = to_of(m);
}

// The function may round to its neighbour.
static double gated(nf_dtype t, const nf_expected *e) {
  return (NF_EXP_ERROR + nf_step_of(t)) * fabs(e->want) + 0x1p-126;
}

static double bound_silu_mul(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
  return gated(d->in[0].dtype, e);
}

NF_TRAITS(silu_mul, INFER(infer_silu_mul), SHARD(REPLICATED), WORK(.element = 13), EXTENTS(),
          CHECK(sample_silu_mul, NEVER, bound_silu_mul, .values = 10));

static nf_status infer_sigmoid_mul(nf_op_desc *d) {
  return product(d, NF_OP_sigmoid, 1, d->attr.sigmoid_mul.quantise);
}

static void sample_sigmoid_mul(nf_op_desc *d, const nf_dims *m) {
  sample_mul(d, m);
  d->attr.sigmoid_mul.quantise = to_of(m);
}

static double bound_sigmoid_mul(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
  return gated(d->in[1].dtype, e);
}

NF_TRAITS(sigmoid_mul, INFER(infer_sigmoid_mul), SHARD(REPLICATED), WORK(.element = 12), EXTENTS(),
          CHECK(sample_sigmoid_mul, NEVER, bound_sigmoid_mul, .values = 10));

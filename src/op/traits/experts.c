// SPDX-License-Identifier: Apache-2.0
// Choice of experts, their results, and experts in one op.
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

static nf_status infer_router_topk(nf_op_desc *d) {
  const nf_type *logits = &d->in[0];
  int64_t k = d->attr.router_topk.k;
  NF_TRY(nf_want(d, 0, NF_FLOATS, 2, 2));
  NF_TRY(nf_want_columns(d, 0));
  if (k < 1 || k > logits->dim[1].c)
    return nf_refuse(d, "k is %" PRId64 " but must be 1 to %" PRId64 ", the columns of logits", k,
                     logits->dim[1].c);
  if (d->in[1].dtype != NF_NONE) {
    NF_TRY(nf_want(d, 1, NF_BIT(I32), 2, 2));
    NF_TRY(nf_want_dim(d, 1, 0, logits->dim[0], "logits has %s rows"));
    NF_TRY(nf_want_dim(d, 1, 1, NF_C(k), "k is %s"));
  }
  d->out[0] = NF_TYPE(NF_F32, logits->dim[0], NF_C(k));
  d->out[1] = NF_TYPE(NF_I32, logits->dim[0], NF_C(k));
  return nf_ok();
}

static void sample_router_topk(nf_op_desc *d, const nf_dims *m) {
  enum { FORCED = 1, OVER_ALL = 2 };
  d->attr.router_topk = (nf_router_topk_attrs){.k = m->q[NF_Q_TOPK], .over_all = nf_bit(m, OVER_ALL)};
  d->in[0] = nf_sample_rows(m, false, m->q[NF_Q_E]);
  if (nf_bit(m, FORCED)) d->in[1] = NF_TYPE(NF_I32, NF_BY(1, NF_T), NF_C(m->q[NF_Q_TOPK]));
}

NF_TRAITS(router_topk, INFER(infer_router_topk), SHARD(REPLICATED),
          WORK(.element = 12, .of = NF_Q_K, .times = 1),
          EXTENTS({NF_Q_E, NF_OPERAND(router_topk, logits), -1}, {NF_Q_TOPK, NF_RESULT(0), -1}),
          CHECK(sample_router_topk, NEVER, nf_bound_exp, .values = 10));

static nf_status infer_combine(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  NF_TRY(nf_want(d, 0, NF_FLOATS, 3, 3));
  NF_TRY(nf_want(d, 1, NF_BIT(F32), 2, 2));
  NF_TRY(nf_want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  NF_TRY(nf_want_dim(d, 1, 1, x->dim[1], "x has %s experts per row"));
  d->out[0] = NF_TYPE(x->dtype, x->dim[0], x->dim[2]);
  d->out[0].padded[1] = x->padded[2];
  return nf_ok();
}

static void sample_combine(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), j = NF_C(m->q[NF_Q_TOPK]);
  d->in[0] = NF_TYPE(m->act, t, j, NF_C(m->q[NF_Q_K]));
  d->in[1] = NF_TYPE(NF_F32, t, j);
}

NF_TRAITS(combine, INFER(infer_combine), SHARD(COMBINE), WORK(.of = NF_Q_TOPK, .times = 2),
          EXTENTS({NF_Q_TOPK, NF_OPERAND(combine, weights), -1}),
          CHECK(sample_combine, ON_INTEGERS, nf_bound_sum));

static nf_status infer_combine_shared(nf_op_desc *d) {
  nf_type routed, shared;
  NF_TRY(NF_PART(d, &routed, combine, (d->in[0], d->in[1])));
  NF_TRY(NF_PART(d, &shared, sigmoid_mul, (d->in[2], d->in[3])));
  NF_TRY(NF_PART(d, &d->out[0], add, (routed, shared)));
  return nf_want_dim(d, 3, 1, NF_C(1), "a token has %s gate");
}

static void sample_combine_shared(nf_op_desc *d, const nf_dims *m) {
  sample_combine(d, m);
  d->in[2] = nf_sample_rows(m, false, m->q[NF_Q_K]);
  d->in[3] = NF_TYPE(m->out, NF_BY(1, NF_T), NF_C(1));
}

// Both addends and the gate may round to neighbours.
static double bound_combine_shared(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  const double steps = 2 * nf_step_of(d->in[0].dtype) + nf_step_of(d->in[3].dtype);
  return nf_sum_error(e->sum) + (NF_EXP_ERROR + steps) * e->sum;
}

NF_TRAITS(combine_shared, INFER(infer_combine_shared), SHARD(REPLICATED),
          WORK(.element = 2, .of = NF_Q_TOPK, .times = 2),
          EXTENTS({NF_Q_TOPK, NF_OPERAND(combine_shared, weights), -1}),
          CHECK(sample_combine_shared, NEVER, bound_combine_shared));

// Two weights, which their products have seen, agree in a dimension.
static nf_status alike(const nf_op_desc *d, int a, int b, int dim, const char *what) {
  if (nf_extent_equal(d->in[a].dim[dim], d->in[b].dim[dim])) return nf_ok();
  const nf_op_info *info = nf_op_of(d->op);
  return nf_refuse(d, "%s and %s must have the same %s", info->in[a].name, info->in[b].name, what);
}

static nf_status infer_experts_swiglu(nf_op_desc *d) {
  enum { X, IDS, W_UP, UP_BIAS, W_DOWN, DOWN_BIAS };
  const nf_experts_swiglu_attrs *at = &d->attr.experts_swiglu;
  nf_type h;
  NF_TRY(NF_PART(d, &h, grouped_linear, (d->in[X], d->in[IDS], d->in[W_UP], d->in[UP_BIAS]), .out = at->out));
  NF_TRY(NF_PART(d, &h, swiglu, (h), .alpha = at->alpha, .beta = at->beta, .limit = at->limit,
                 .interleaved = at->interleaved));
  NF_TRY(NF_PART(d, &d->out[0], grouped_linear, (h, d->in[IDS], d->in[W_DOWN], d->in[DOWN_BIAS]),
                 .out = at->out, .pad = at->pad));
  return alike(d, W_UP, W_DOWN, 0, "experts");
}

enum { BIASES = 1, OTHER = 4 }; // bits of options, beside those of nf_sample_choices

static nf_type sample_weights(const nf_dims *m, int64_t n, nf_quantity k) {
  return NF_TYPE(m->weight, NF_C(m->q[NF_Q_E]), NF_C(n), NF_C(m->q[k]));
}

static void sample_experts_swiglu(nf_op_desc *d, const nf_dims *m) {
  const int64_t inner = m->q[NF_Q_INNER], n = m->q[NF_Q_N];
  const nf_extent e = NF_C(m->q[NF_Q_E]);
  const nf_dtype bias = nf_bit(m, OTHER) ? NF_BF16 : m->act;
  const bool biases = nf_bit(m, BIASES);
  const int64_t pad = nf_sample_choices(d, m);
  d->attr.experts_swiglu = (nf_experts_swiglu_attrs){.out = m->out,
                                                     .alpha = biases ? 1.702f : 1,
                                                     .beta = biases,
                                                     .limit = biases ? 7 : 0,
                                                     .interleaved = nf_bit(m, OTHER),
                                                     .pad = pad};
  if (biases) d->in[3] = NF_TYPE(bias, e, NF_C(2 * inner)), d->in[5] = NF_TYPE(bias, e, NF_C(n));
  d->in[2] = sample_weights(m, 2 * inner, NF_Q_K);
  d->in[4] = sample_weights(m, n, NF_Q_INNER);
}

// An activation's slope is at most about 2 times its factor, and a limit makes that factor smaller than what
// the sums have come to.
static double cut_of(const nf_op_desc *d, const nf_expected *e) {
  const double k = (double)nf_last(&d->in[0]).c, limit = d->attr.experts_swiglu.limit;
  return d->op == NF_OP_experts_swiglu && limit > 0 ? fmax(1, e->most * e->most * k / limit) : 1;
}

// With `sum` the same over absolute values: two sums, one inside the activation.
static double bound_experts(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  return 2 * cut_of(d, e) * nf_sum_error(e->sum) + NF_EXP_ERROR * e->sum + nf_sum_error(e->sum);
}

// What is rounded between the products, one of I terms, may be a neighbour: of the types that experts give,
// or of FP8, where codes are an eighth apart and one that is the largest moves the scale of all.
static double step_experts(const nf_op_desc *d, const nf_expected *e) {
  const bool silu = d->op == NF_OP_experts_silu;
  const nf_extent inner = nf_last(&d->in[4]);
  const double largest = fmin(1, 8 / (double)nf_max(1, inner.c)) * e->sum; // of the terms
  if (silu && d->attr.experts_silu.to != NF_NONE) return largest / 8 + e->sum * 0x1p-7;
  return 2 * nf_step_of(silu ? d->attr.experts_silu.out : d->attr.experts_swiglu.out) * cut_of(d, e) *
         largest;
}

NF_TRAITS(experts_swiglu, INFER(infer_experts_swiglu), SHARD(REPLICATED),
          WORK(.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true),
          EXTENTS({NF_Q_E, NF_OPERAND(experts_swiglu, w_up), 0},
                  {NF_Q_TOPK, NF_OPERAND(experts_swiglu, ids), -1},
                  {NF_Q_INNER, NF_OPERAND(experts_swiglu, w_down), -1}),
          CHECK(sample_experts_swiglu, NEVER, bound_experts, .step = step_experts));

static nf_status infer_experts_silu(nf_op_desc *d) {
  enum { X, IDS, W_GATE, W_UP, W_DOWN };
  const nf_experts_silu_attrs *at = &d->attr.experts_silu;
  nf_type g, u;
  NF_TRY(NF_PART(d, &g, grouped_linear, (d->in[X], d->in[IDS], d->in[W_GATE]), .out = at->out));
  NF_TRY(NF_PART(d, &u, grouped_linear, (d->in[X], d->in[IDS], d->in[W_UP]), .out = at->out));
  NF_TRY(alike(d, W_GATE, W_UP, 1, "rows")); // mul would take one column for all
  NF_TRY(NF_PART(d, &g, mul, (g, u)));
  if (at->to != NF_NONE) NF_TRY(NF_PART(d, &g, quantise, (g), .to = at->to));
  NF_TRY(
      NF_PART(d, &d->out[0], grouped_linear, (g, d->in[IDS], d->in[W_DOWN]), .out = at->out, .pad = at->pad));
  NF_TRY(alike(d, W_GATE, W_UP, 0, "experts"));
  return alike(d, W_UP, W_DOWN, 0, "experts");
}

static void sample_experts_silu(nf_op_desc *d, const nf_dims *m) {
  const int64_t pad = nf_sample_choices(d, m);
  d->attr.experts_silu = (nf_experts_silu_attrs){
      .out = m->out, .to = nf_bit(m, OTHER) ? NF_NONE : nf_sample_quantised(m), .pad = pad};
  d->in[2] = d->in[3] = sample_weights(m, m->q[NF_Q_INNER], NF_Q_K);
  d->in[4] = sample_weights(m, m->q[NF_Q_N], NF_Q_INNER);
}

NF_TRAITS(experts_silu, INFER(infer_experts_silu), SHARD(REPLICATED),
          WORK(.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true),
          EXTENTS({NF_Q_E, NF_OPERAND(experts_silu, w_up), 0}, {NF_Q_TOPK, NF_OPERAND(experts_silu, ids), -1},
                  {NF_Q_INNER, NF_OPERAND(experts_silu, w_down), -1}),
          CHECK(sample_experts_silu, NEVER, bound_experts, .step = step_experts));

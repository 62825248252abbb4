// SPDX-License-Identifier: Apache-2.0
// Choice of experts, their results, and experts in one op.
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

static nf_status infer_router_topk(nf_op_desc *d) {
  const nf_type *logits = &d->in[0];
  int64_t k = d->attr.router_topk.k;
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 2, 2));
  if (logits->dim[1].sym != NF_CONST)
    return nf_refuse_operand(d, 0, "must have a constant number of columns");
  if (k < 1 || k > logits->dim[1].c)
    return nf_refuse(d, "k is %" PRId64 " but must be 1 to %" PRId64 ", the columns of logits", k,
                     logits->dim[1].c);
  if (d->in[1].dtype != NF_NONE) {
    NF_TRY(nf_want_dtype(d, 1, NF_BIT(I32), "i32"));
    NF_TRY(nf_want_rank(d, 1, 2, 2));
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

static double bound_router_topk(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)d, (void)at;
  return NF_EXP_ERROR * fabs(e->want);
}

NF_TRAITS(router_topk, INFER(infer_router_topk), SHARD(REPLICATED),
          WORK(.element = 12, .of = NF_Q_K, .times = 1),
          EXTENTS({NF_Q_E, NF_OPERAND(router_topk, logits), -1}, {NF_Q_TOPK, NF_RESULT(0), -1}),
          CHECK(sample_router_topk, NEVER, bound_router_topk, .values = 10));

static nf_status infer_combine(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 3, 3));
  NF_TRY(nf_want_dtype(d, 1, NF_BIT(F32), "f32"));
  NF_TRY(nf_want_rank(d, 1, 2, 2));
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

static double bound_combine(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)d, (void)at;
  return nf_sum_error(e->sum);
}

NF_TRAITS(combine, INFER(infer_combine), SHARD(COMBINE), WORK(.of = NF_Q_TOPK, .times = 2),
          EXTENTS({NF_Q_TOPK, NF_OPERAND(combine, weights), -1}),
          CHECK(sample_combine, ON_INTEGERS, bound_combine));

static nf_status infer_combine_shared(nf_op_desc *d) {
  nf_type routed, shared;
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_combine, .in = {d->in[0], d->in[1]}}, &routed));
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_sigmoid_mul, .in = {d->in[2], d->in[3]}}, &shared));
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_add, .in = {routed, shared}}, &d->out[0]));
  return nf_want_dim(d, 3, 1, NF_C(1), "a token has %s gate");
}

static void sample_combine_shared(nf_op_desc *d, const nf_dims *m) {
  sample_combine(d, m);
  d->in[2] = nf_sample_rows(m, false, m->q[NF_Q_K]);
  d->in[3] = NF_TYPE(m->out, NF_BY(1, NF_T), NF_C(1));
}

// Both addends and the gate may round to neighbours.
static double bound_combine_shared(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
  const double steps = 2 * nf_step_of(d->in[0].dtype) + nf_step_of(d->in[3].dtype);
  return nf_sum_error(e->sum) + (NF_EXP_ERROR + steps) * e->sum;
}

NF_TRAITS(combine_shared, INFER(infer_combine_shared), SHARD(REPLICATED),
          WORK(.element = 2, .of = NF_Q_TOPK, .times = 2),
          EXTENTS({NF_Q_TOPK, NF_OPERAND(combine_shared, weights), -1}),
          CHECK(sample_combine_shared, NEVER, bound_combine_shared));

static nf_status product(const nf_op_desc *d, nf_type x, int w, const nf_type *bias, nf_dtype out,
                         int64_t pad, nf_type *y) {
  nf_op_desc of = {.op = NF_OP_grouped_linear,
                   .attr.grouped_linear = {.out = out, .pad = pad},
                   .in = {x, d->in[1], d->in[w]}};
  if (bias) of.in[3] = *bias;
  return nf_infer_part(d, of, y);
}

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
  NF_TRY(product(d, d->in[X], W_UP, &d->in[UP_BIAS], at->out, 0, &h));
  NF_TRY(nf_infer_part(d,
                       (nf_op_desc){.op = NF_OP_swiglu,
                                    .attr.swiglu = {.alpha = at->alpha,
                                                    .beta = at->beta,
                                                    .limit = at->limit,
                                                    .interleaved = at->interleaved},
                                    .in = {h}},
                       &h));
  NF_TRY(product(d, h, W_DOWN, &d->in[DOWN_BIAS], at->out, at->pad, &d->out[0]));
  return alike(d, W_UP, W_DOWN, 0, "experts");
}

enum { BIASES = 1, BY_CHOICE = 2, OTHER = 4, PLAIN_X = 8, PAD = 16 }; // bits of options

static int64_t padding(const nf_dims *m) { return nf_bit(m, PAD) ? nf_sample_wider(m->q[NF_Q_N]) : 0; }

// x [T,K] or [T,J,K], quantised as the weights are unless it is plain; and ids.
static void sample_choices(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), j = NF_C(m->q[NF_Q_TOPK]), k = NF_C(m->q[NF_Q_K]);
  const nf_dtype x = nf_sample_factor(m, nf_bit(m, PLAIN_X));
  d->in[0] = nf_bit(m, BY_CHOICE) ? NF_TYPE(x, t, j, k) : NF_TYPE(x, t, k);
  d->in[1] = NF_TYPE(NF_I32, t, j);
}

static nf_type sample_weights(const nf_dims *m, int64_t n, nf_quantity k) {
  return NF_TYPE(m->weight, NF_C(m->q[NF_Q_E]), NF_C(n), NF_C(m->q[k]));
}

static void sample_experts_swiglu(nf_op_desc *d, const nf_dims *m) {
  const int64_t inner = m->q[NF_Q_INNER], n = m->q[NF_Q_N];
  const nf_extent e = NF_C(m->q[NF_Q_E]);
  const nf_dtype bias = nf_bit(m, OTHER) ? NF_BF16 : m->act;
  const bool biases = nf_bit(m, BIASES);
  sample_choices(d, m);
  d->attr.experts_swiglu = (nf_experts_swiglu_attrs){.out = m->out,
                                                     .alpha = biases ? 1.702f : 1,
                                                     .beta = biases,
                                                     .limit = biases ? 7 : 0,
                                                     .interleaved = nf_bit(m, OTHER),
                                                     .pad = padding(m)};
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
static double bound_experts(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
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
  NF_TRY(product(d, d->in[X], W_GATE, NULL, at->out, 0, &g));
  NF_TRY(product(d, d->in[X], W_UP, NULL, at->out, 0, &u));
  NF_TRY(alike(d, W_GATE, W_UP, 1, "rows")); // mul would take one column for all
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_mul, .in = {g, u}}, &g));
  if (at->to != NF_NONE)
    NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_quantise, .attr.quantise.to = at->to, .in = {g}}, &g));
  NF_TRY(product(d, g, W_DOWN, NULL, at->out, at->pad, &d->out[0]));
  NF_TRY(alike(d, W_GATE, W_UP, 0, "experts"));
  return alike(d, W_UP, W_DOWN, 0, "experts");
}

static void sample_experts_silu(nf_op_desc *d, const nf_dims *m) {
  sample_choices(d, m);
  d->attr.experts_silu = (nf_experts_silu_attrs){
      .out = m->out, .to = nf_bit(m, OTHER) ? NF_NONE : nf_sample_quantised(m), .pad = padding(m)};
  d->in[2] = d->in[3] = sample_weights(m, m->q[NF_Q_INNER], NF_Q_K);
  d->in[4] = sample_weights(m, m->q[NF_Q_N], NF_Q_INNER);
}

NF_TRAITS(experts_silu, INFER(infer_experts_silu), SHARD(REPLICATED),
          WORK(.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true),
          EXTENTS({NF_Q_E, NF_OPERAND(experts_silu, w_up), 0}, {NF_Q_TOPK, NF_OPERAND(experts_silu, ids), -1},
                  {NF_Q_INNER, NF_OPERAND(experts_silu, w_down), -1}),
          CHECK(sample_experts_silu, NEVER, bound_experts, .step = step_experts));

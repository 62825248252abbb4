// SPDX-License-Identifier: Apache-2.0
// Choice of experts, their results, and experts in one op.
#include "op/traits.h"
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

NF_TRAITS(router_topk, INFER(infer_router_topk), SHARD(REPLICATED),
          WORK(.element = 12, .of = NF_Q_K, .times = 1),
          EXTENTS({NF_Q_E, NF_OPERAND(router_topk, logits), -1}, {NF_Q_TOPK, NF_RESULT(0), -1}),
          CHECK(NULL, NEVER, NULL));

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

NF_TRAITS(combine, INFER(infer_combine), SHARD(COMBINE), WORK(.of = NF_Q_TOPK, .times = 2),
          EXTENTS({NF_Q_TOPK, NF_OPERAND(combine, weights), -1}), CHECK(NULL, ON_INTEGERS, NULL));

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

NF_TRAITS(experts_swiglu, INFER(infer_experts_swiglu), SHARD(REPLICATED),
          WORK(.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true),
          EXTENTS({NF_Q_E, NF_OPERAND(experts_swiglu, w_up), 0},
                  {NF_Q_TOPK, NF_OPERAND(experts_swiglu, ids), -1},
                  {NF_Q_INNER, NF_OPERAND(experts_swiglu, w_down), -1}),
          CHECK(NULL, NEVER, NULL));

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

NF_TRAITS(experts_silu, INFER(infer_experts_silu), SHARD(REPLICATED),
          WORK(.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true),
          EXTENTS({NF_Q_E, NF_OPERAND(experts_silu, w_up), 0}, {NF_Q_TOPK, NF_OPERAND(experts_silu, ids), -1},
                  {NF_Q_INNER, NF_OPERAND(experts_silu, w_down), -1}),
          CHECK(NULL, NEVER, NULL));

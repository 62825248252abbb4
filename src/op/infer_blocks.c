// SPDX-License-Identifier: Apache-2.0
// Shape rules of a model's blocks: heads that are turned and cached, experts. Each is what its parts infer,
// one after the other, and a refusal names both.
#include "op/infer.h"

// What a part of d's makes of its operands.
static nf_status part(const nf_op_desc *d, nf_op_desc of, nf_type *out) {
  NF_TRY(nf_op_infer(&of), "%s", nf_op_of(d->op)->name);
  *out = of.out[0];
  return nf_ok();
}

// ---- heads ----

enum { Q, K, V, TABLE, Q_NORM, K_NORM, KV };

// Heads x, perhaps normalised with operand `norm`, turned.
static nf_status turned(const nf_op_desc *d, nf_type x, int norm, nf_type *out) {
  const nf_qk_rope_write_attrs *at = &d->attr.qk_rope_write;
  if (d->in[norm].dtype != NF_NONE)
    NF_TRY(part(d,
                (nf_op_desc){.op = NF_OP_rms_norm,
                             .attr.rms_norm = {.eps = at->eps, .one_plus = at->one_plus},
                             .in = {x, d->in[norm]}},
                &x));
  return part(d, (nf_op_desc){.op = NF_OP_rope, .in = {x, d->in[TABLE]}}, out);
}

// Keys and values behind the queries as operands of their own.
static nf_status set_apart(nf_op_desc *d) {
  const nf_type *kv = &d->in[KV];
  nf_type *q = &d->in[Q];
  const int64_t heads = kv->rank == 4 ? kv->dim[1].c : 0;
  if (d->in[K].dtype != NF_NONE || d->in[V].dtype != NF_NONE) return nf_ok();
  if (kv->rank != 4 || q->rank != 3 || q->dim[1].sym != NF_CONST || heads < 1 || q->dim[1].c / 3 < heads ||
      d->attr.qk_rope_write.start || !nf_extent_equal(q->dim[2], kv->dim[3]))
    return nf_error(NF_BAD_INPUT, "qk_rope_write: k and v are missing, and q's are no heads of all three");
  d->in[K] = *q;
  d->in[K].dim[1].c = d->in[K].padded[1] = heads;
  d->in[V] = d->in[K];
  q->dim[1].c = q->padded[1] = q->dim[1].c - 2 * heads;
  return nf_ok();
}

static nf_status infer_heads(nf_op_desc *d) {
  const nf_type *kv = &d->in[KV];
  nf_type q, k;
  nf_op_desc narrow = {
      .op = NF_OP_narrow,
      .attr.narrow = {.start = d->attr.qk_rope_write.start, .size = kv->rank ? kv->dim[kv->rank - 1].c : 0},
      .in = {d->in[Q]}};
  NF_TRY(turned(d, d->in[K], K_NORM, &k));
  NF_TRY(part(d, (nf_op_desc){.op = NF_OP_kv_write, .in = {k, d->in[V], *kv}}, &d->out[1]));
  NF_TRY(part(d, narrow, &q));
  return turned(d, q, Q_NORM, &d->out[0]);
}

nf_status nf_infer_qk_rope_write(nf_op_desc *d) {
  nf_op_desc apart = *d;
  NF_TRY(set_apart(&apart));
  NF_TRY(infer_heads(&apart));
  d->out[0] = apart.out[0];
  d->out[1] = apart.out[1];
  return nf_ok();
}

// ---- experts ----

static nf_status product(const nf_op_desc *d, nf_type x, int w, const nf_type *bias, nf_dtype out,
                         int64_t pad, nf_type *y) {
  nf_op_desc of = {.op = NF_OP_grouped_linear,
                   .attr.grouped_linear = {.out = out, .pad = pad},
                   .in = {x, d->in[1], d->in[w]}};
  if (bias) of.in[3] = *bias;
  return part(d, of, y);
}

// Two weights, which their products have seen, agree in a dimension.
static nf_status alike(const nf_op_desc *d, int a, int b, int dim, const char *what) {
  if (nf_extent_equal(d->in[a].dim[dim], d->in[b].dim[dim])) return nf_ok();
  const nf_op_info *info = nf_op_of(d->op);
  return nf_error(NF_BAD_INPUT, "%s: %s and %s must have the same %s", info->name, info->in[a].name,
                  info->in[b].name, what);
}

nf_status nf_infer_experts_swiglu(nf_op_desc *d) {
  enum { X, IDS, W_UP, UP_BIAS, W_DOWN, DOWN_BIAS };
  const nf_experts_swiglu_attrs *at = &d->attr.experts_swiglu;
  nf_type h;
  NF_TRY(product(d, d->in[X], W_UP, &d->in[UP_BIAS], at->out, 0, &h));
  NF_TRY(part(d,
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

nf_status nf_infer_experts_silu(nf_op_desc *d) {
  enum { X, IDS, W_GATE, W_UP, W_DOWN };
  const nf_experts_silu_attrs *at = &d->attr.experts_silu;
  nf_type g, u;
  NF_TRY(product(d, d->in[X], W_GATE, NULL, at->out, 0, &g));
  NF_TRY(product(d, d->in[X], W_UP, NULL, at->out, 0, &u));
  NF_TRY(alike(d, W_GATE, W_UP, 1, "rows")); // mul would take one column for all
  NF_TRY(part(d, (nf_op_desc){.op = NF_OP_mul, .in = {g, u}}, &g));
  if (at->to != NF_NONE)
    NF_TRY(part(d, (nf_op_desc){.op = NF_OP_quantise, .attr.quantise.to = at->to, .in = {g}}, &g));
  NF_TRY(product(d, g, W_DOWN, NULL, at->out, at->pad, &d->out[0]));
  NF_TRY(alike(d, W_GATE, W_UP, 0, "experts"));
  return alike(d, W_UP, W_DOWN, 0, "experts");
}

// SPDX-License-Identifier: Apache-2.0
// Norms, with what goes before and behind them.
#include "op/expect.h"
#include "op/want.h"
#include <string.h>

// ---- what the checker tries, of all norms ----

enum { ONE_PLUS = 1, OTHER = 2, HEADS = 4, KEEP = 8 }; // bits of options

static void set_norm(const struct nf_attr_info *a, void *at, const nf_dims *m) {
  if (a->kind == NF_ATTR_REAL) *(float *)at = 1e-5f;
  if (strcmp(a->name, "one_plus") == 0) *(bool *)at = nf_bit(m, ONE_PLUS);
  if (strcmp(a->name, "keep") == 0) *(bool *)at = nf_bit(m, KEEP);
  if (strcmp(a->name, "pad") == 0) *(int64_t *)at = nf_bit(m, OTHER) ? nf_sample_wider(m->q[NF_Q_K]) : 0;
  if (strcmp(a->name, "to") == 0) *(nf_dtype *)at = nf_bit(m, OTHER) ? NF_FP8_ROW : NF_FP8_GROUP;
}

static void sample_norm(nf_op_desc *d, const nf_dims *m) {
  const nf_op_info *info = nf_op_of(d->op);
  for (int i = 0; i < info->n_in; i++)
    d->in[i] = info->in[i].role == NF_ROLE_PARAM ? NF_TYPE(m->out, NF_C(m->q[NF_Q_K]))
                                                 : nf_sample_rows(m, nf_bit(m, HEADS), m->q[NF_Q_K]);
  for (int i = 0; i < info->n_attr; i++) set_norm(&info->attr[i], (char *)&d->attr + info->attr[i].offset, m);
}

// Three heads side by side, where they come out even.
static void sample_heads(nf_op_desc *d, const nf_dims *m) {
  nf_dims flat = *m;
  flat.options &= ~(unsigned)HEADS;
  sample_norm(d, &flat);
  if (m->q[NF_Q_K] % 3 == 0) d->in[2] = NF_TYPE(m->out, NF_C(m->q[NF_Q_K] / 3));
}

// The weight is the last operand.
static double norm_error(const nf_op_desc *d) {
  return nf_norm_error(d->in[nf_op_of(d->op)->n_in - 1].dim[0].c);
}

static double bound_norm(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
  return norm_error(d) * fabs(e->want);
}

static double bound_gated(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e) {
  (void)at;
  return (norm_error(d) + NF_EXP_ERROR) * fabs(e->want);
}

// ---- shape rules ----

// x normalised with the weight vector w, which is operand i.
static nf_status want_norm(const nf_op_desc *d, int i, float eps) {
  NF_TRY(nf_want_float(d, 0));
  NF_TRY(nf_want_rank(d, 0, 1, NF_MAX_RANK));
  NF_TRY(nf_want_float(d, i));
  NF_TRY(nf_want_rank(d, i, 1, 1));
  NF_TRY(nf_want_const(d, i));
  NF_TRY(nf_want_dim(d, i, 0, nf_last(&d->in[0]), "x has %s columns"));
  return nf_want_positive(d, "eps", eps);
}

static nf_status infer_rms_norm(nf_op_desc *d) {
  NF_TRY(want_norm(d, 1, d->attr.rms_norm.eps));
  d->out[0] = nf_plain_type(&d->in[0]);
  return nf_ok();
}

NF_TRAITS(rms_norm, INFER(infer_rms_norm), SHARD(ROWS), WORK(.element = 4), EXTENTS(),
          CHECK(sample_norm, NEVER, bound_norm));

static nf_status infer_rms_norm_gated(nf_op_desc *d) {
  NF_TRY(want_norm(d, 2, d->attr.rms_norm_gated.eps));
  NF_TRY(nf_want_same_type(d, 1, 0));
  d->out[0] = nf_plain_type(&d->in[0]);
  return nf_ok();
}

NF_TRAITS(rms_norm_gated, INFER(infer_rms_norm_gated), SHARD(GATED_NORM), WORK(.element = 16), EXTENTS(),
          CHECK(sample_norm, NEVER, bound_gated));

// ---- of sums ----

// The norm of h: y and, as it is, the second result.
static nf_status norm(nf_op_desc *d, const nf_type *h, const nf_type *w, nf_rms_norm_attrs attr,
                      int64_t pad) {
  NF_TRY(nf_want_columns(d, 0));
  NF_TRY(nf_infer_part(d, (nf_op_desc){.op = NF_OP_rms_norm, .attr.rms_norm = attr, .in = {*h, *w}},
                       &d->out[0]));
  d->out[1] = d->out[0];
  return pad == 0 ? nf_ok() : nf_want_padding(d, "pad", pad);
}

static nf_status sum(const nf_op_desc *d, const nf_type *residual, nf_type *out) {
  return nf_infer_part(d, (nf_op_desc){.op = NF_OP_add, .in = {d->in[0], *residual}}, out);
}

static nf_status infer_add_rms_norm(nf_op_desc *d) {
  const nf_add_rms_norm_attrs *at = &d->attr.add_rms_norm;
  nf_type h;
  NF_TRY(sum(d, &d->in[1], &h));
  return norm(d, &h, &d->in[2], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus}, at->pad);
}

NF_TRAITS(add_rms_norm, INFER(infer_add_rms_norm), SHARD(REPLICATED), WORK(.element = 5), EXTENTS(),
          CHECK(sample_norm, NEVER, bound_norm));

static nf_status infer_all_reduce_rms_norm(nf_op_desc *d) {
  const nf_all_reduce_rms_norm_attrs *at = &d->attr.all_reduce_rms_norm;
  return norm(d, &d->in[0], &d->in[1], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus},
              at->pad);
}

NF_TRAITS(all_reduce_rms_norm, INFER(infer_all_reduce_rms_norm), SHARD(REPLICATED),
          WORK(.element = 5, .exchange = 2), EXTENTS(), CHECK(sample_norm, NEVER, bound_norm));

static nf_status infer_all_reduce_add_rms_norm(nf_op_desc *d) {
  const nf_all_reduce_add_rms_norm_attrs *at = &d->attr.all_reduce_add_rms_norm;
  nf_type h;
  NF_TRY(sum(d, &d->in[1], &h));
  return norm(d, &h, &d->in[2], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus}, at->pad);
}

NF_TRAITS(all_reduce_add_rms_norm, INFER(infer_all_reduce_add_rms_norm), SHARD(REPLICATED),
          WORK(.element = 6, .exchange = 2), EXTENTS(), CHECK(sample_norm, NEVER, bound_norm));

// ---- that quantise ----

static nf_status quantised(const nf_op_desc *d, nf_type x, nf_dtype to, nf_type *out) {
  return nf_infer_part(d, (nf_op_desc){.op = NF_OP_quantise, .attr.quantise.to = to, .in = {x}}, out);
}

// What d's op without its quantise has as results; then the norm, result 0, in codes, and itself with `keep`.
static nf_status quantised_norm(nf_op_desc *d, nf_op_desc *plain, nf_dtype to, bool keep) {
  const int n = nf_op_of(plain->op)->n_out;
  for (int i = 0; i < NF_MAX_IN; i++) plain->in[i] = d->in[i];
  NF_TRY(nf_op_infer(plain), "%s", nf_op_of(d->op)->name);
  for (int i = 1; i < n; i++) d->out[i] = plain->out[i];
  if (keep) d->out[n] = plain->out[0];
  return quantised(d, plain->out[0], to, &d->out[0]);
}

#define NORM(name)                                                                                    \
  static nf_status infer_##name##_quantise(nf_op_desc *d) {                                           \
    const nf_##name##_quantise_attrs *at = &d->attr.name##_quantise;                                  \
    nf_op_desc plain = {.op = NF_OP_##name, .attr.name = {.eps = at->eps, .one_plus = at->one_plus}}; \
    return quantised_norm(d, &plain, at->to, at->keep);                                               \
  }

NORM(rms_norm)
NORM(add_rms_norm)
NORM(all_reduce_rms_norm)
NORM(all_reduce_add_rms_norm)

NF_TRAITS(rms_norm_quantise, INFER(infer_rms_norm_quantise), SHARD(REPLICATED), WORK(.element = 8), EXTENTS(),
          CHECK(sample_norm, NEVER, bound_norm));
NF_TRAITS(add_rms_norm_quantise, INFER(infer_add_rms_norm_quantise), SHARD(REPLICATED), WORK(.element = 9),
          EXTENTS(), CHECK(sample_norm, NEVER, bound_norm));
NF_TRAITS(all_reduce_rms_norm_quantise, INFER(infer_all_reduce_rms_norm_quantise), SHARD(REPLICATED),
          WORK(.element = 9, .exchange = 2), EXTENTS(), CHECK(sample_norm, NEVER, bound_norm));
NF_TRAITS(all_reduce_add_rms_norm_quantise, INFER(infer_all_reduce_add_rms_norm_quantise), SHARD(REPLICATED),
          WORK(.element = 10, .exchange = 2), EXTENTS(), CHECK(sample_norm, NEVER, bound_norm));

// As one head for the part's rule, which then sees w's columns.
static nf_status infer_rms_norm_gated_quantise(nf_op_desc *d) {
  const nf_rms_norm_gated_quantise_attrs *at = &d->attr.rms_norm_gated_quantise;
  nf_op_desc g = {.op = NF_OP_rms_norm_gated, .attr.rms_norm_gated.eps = at->eps};
  for (int i = 0; i < 3; i++) g.in[i] = d->in[i];
  for (int i = 0; i < 2; i++) {
    nf_type *x = &g.in[i];
    const nf_type *w = &d->in[2];
    if (x->rank < 1 || w->rank != 1) continue; // the part's rule says so
    nf_extent *columns = &x->dim[x->rank - 1];
    const int64_t head = w->dim[0].c;
    if (columns->sym != NF_CONST || head < 1 || columns->c % head)
      return nf_refuse(d, "the columns of %s must be heads of w's %lld", nf_op_of(d->op)->in[i].name,
                       (long long)head);
    columns->c = x->padded[x->rank - 1] = head;
  }
  NF_TRY(nf_infer_part(d, g, &d->out[0]));
  for (int k = 0; k < d->in[0].rank; k++)
    if (!nf_extent_equal(d->in[0].dim[k], d->in[1].dim[k]))
      return nf_refuse(d, "x and z differ in dimension %d", k);
  return quantised(d, d->in[0], at->to, &d->out[0]);
}

NF_TRAITS(rms_norm_gated_quantise, INFER(infer_rms_norm_gated_quantise), SHARD(REPLICATED),
          WORK(.element = 20), EXTENTS({NF_Q_HEAD, NF_OPERAND(rms_norm_gated_quantise, w), -1}),
          CHECK(sample_heads, NEVER, bound_gated));

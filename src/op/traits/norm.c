// SPDX-License-Identifier: Apache-2.0
// Norms, with what goes before and behind them.
#include "op/expect.h"
#include "op/want.h"

// ---- what the checker tries, of all norms ----

enum { REDUCE = 1, RESIDUAL = 2, QUANTISE = 4, HEADS = 8, OTHER = 16 }; // bits of options

static nf_dtype codes(const nf_dims *m) { return nf_bit(m, OTHER) ? NF_FP8_ROW : NF_FP8_GROUP; }

static void sample_rms_norm(nf_op_desc *d, const nf_dims *m) {
  const bool quantise = nf_bit(m, QUANTISE);
  d->in[0] = nf_sample_rows(m, nf_bit(m, HEADS), m->q[NF_Q_K]);
  d->in[1] = NF_TYPE(m->out, NF_C(m->q[NF_Q_K]));
  if (nf_bit(m, RESIDUAL)) d->in[2] = d->in[0];
  d->attr.rms_norm =
      (nf_rms_norm_attrs){.eps = 1e-5f,
                          .one_plus = m->options % 3 == 0,
                          .reduce = nf_bit(m, REDUCE),
                          .pad = nf_bit(m, OTHER) && !quantise ? nf_sample_wider(m->q[NF_Q_K]) : 0,
                          .to = quantise ? codes(m) : NF_NONE,
                          .keep = quantise && m->options % 5 < 2};
}

static void sample_gated(nf_op_desc *d, const nf_dims *m) {
  d->attr.rms_norm_gated.eps = 1e-5f;
  d->in[0] = d->in[1] = nf_sample_rows(m, nf_bit(m, HEADS), m->q[NF_Q_K]);
  d->in[2] = NF_TYPE(m->out, NF_C(m->q[NF_Q_K]));
}

// Three heads side by side, where they come out even.
static void sample_heads(nf_op_desc *d, const nf_dims *m) {
  const int64_t columns = m->q[NF_Q_K];
  d->attr.rms_norm_gated_quantise = (nf_rms_norm_gated_quantise_attrs){.eps = 1e-5f, .to = codes(m)};
  d->in[0] = d->in[1] = nf_sample_rows(m, false, columns);
  d->in[2] = NF_TYPE(m->out, NF_C(columns % 3 == 0 ? columns / 3 : columns));
}

static double norm_error(const nf_op_desc *d) {
  return nf_norm_error(d->in[nf_operand_of(d, NF_ROLE_PARAM, 0)].dim[0].c);
}

static double bound_norm(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  return norm_error(d) * fabs(e->want);
}

static double bound_gated(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  return (norm_error(d) + NF_EXP_ERROR) * fabs(e->want);
}

// ---- shape rules ----

// x normalised with the weight vector w, which is operand i.
static nf_status want_norm(const nf_op_desc *d, int i, float eps) {
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  NF_TRY(nf_want_vector(d, i, nf_last(&d->in[0]), "x has %s columns"));
  NF_TRY(nf_want_const(d, i));
  return nf_want_positive(d, "eps", eps);
}

static nf_status infer_rms_norm(nf_op_desc *d) {
  const nf_rms_norm_attrs *at = &d->attr.rms_norm;
  const nf_type y = nf_plain_type(&d->in[0]);
  const bool residual = d->in[2].dtype != NF_NONE, codes = at->to != NF_NONE;
  NF_TRY(want_norm(d, 1, at->eps));
  if (residual) NF_TRY(nf_want_same_type(d, 2, 0));
  if (codes ? at->pad != 0 : at->keep)
    return nf_refuse(d, codes ? "pad is set, but codes are not padded"
                              : "keep is set, but nothing is quantised");
  d->out[0] = y;
  if (residual || at->reduce) d->out[1] = y;
  if (at->keep) d->out[2] = y;
  if (codes) return NF_PART(d, &d->out[0], quantise, (y), .to = at->to);
  return at->pad == 0 ? nf_ok() : nf_want_padding(d, "pad", at->pad);
}

// Of the parts beyond the norm.
static double work_of_parts(const nf_op_desc *d) {
  const nf_rms_norm_attrs *at = &d->attr.rms_norm;
  return (d->in[2].dtype != NF_NONE) + at->reduce + (at->to != NF_NONE ? 4 : 0);
}

NF_TRAITS(rms_norm, INFER(infer_rms_norm), SHARD(ROWS),
          WORK(.element = 4, .more = work_of_parts, .exchange = 2), EXTENTS(),
          CHECK(sample_rms_norm, NEVER, bound_norm));

static nf_status infer_rms_norm_gated(nf_op_desc *d) {
  NF_TRY(want_norm(d, 2, d->attr.rms_norm_gated.eps));
  NF_TRY(nf_want_same_type(d, 1, 0));
  return nf_gives(d, nf_plain_type(&d->in[0]));
}

NF_TRAITS(rms_norm_gated, INFER(infer_rms_norm_gated), SHARD(GATED_NORM), WORK(.element = 16), EXTENTS(),
          CHECK(sample_gated, NEVER, bound_gated));

// As one head for the part's rule, which then sees w's columns.
static nf_status infer_rms_norm_gated_quantise(nf_op_desc *d) {
  const nf_rms_norm_gated_quantise_attrs *at = &d->attr.rms_norm_gated_quantise;
  const nf_type *w = &d->in[2];
  nf_type x = d->in[0];
  NF_TRY(nf_want_same_type(d, 1, 0));
  if (x.rank > 0 && w->rank == 1) { // else the part's rule says so
    nf_extent *columns = &x.dim[x.rank - 1];
    const int64_t head = w->dim[0].c;
    if (columns->sym != NF_CONST || head < 1 || columns->c % head)
      return nf_refuse(d, "the columns of x must be heads of w's %lld", (long long)head);
    columns->c = x.padded[x.rank - 1] = head;
  }
  NF_TRY(NF_PART(d, &d->out[0], rms_norm_gated, (x, x, *w), .eps = at->eps));
  return NF_PART(d, &d->out[0], quantise, (d->in[0]), .to = at->to);
}

NF_TRAITS(rms_norm_gated_quantise, INFER(infer_rms_norm_gated_quantise), SHARD(REPLICATED),
          WORK(.element = 20), EXTENTS({NF_Q_HEAD, NF_OPERAND(rms_norm_gated_quantise, w), -1}),
          CHECK(sample_heads, NEVER, bound_gated));

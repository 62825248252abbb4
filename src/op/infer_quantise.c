// SPDX-License-Identifier: Apache-2.0
// Shape rules of norms that quantise and of gated products: those of their parts, one after the other.
#include "op/infer.h"

static nf_status part(const nf_op_desc *d, nf_op_desc *of) {
  return nf_status_note(nf_op_infer(of), "%s", nf_op_of(d->op)->name);
}

static nf_status quantised(const nf_op_desc *d, const nf_type *x, nf_dtype to, nf_type *out) {
  nf_op_desc q = {.op = NF_OP_quantise, .attr.quantise.to = to, .in = {*x}};
  NF_TRY(part(d, &q));
  *out = q.out[0];
  return nf_ok();
}

// What d's op without its quantise has as results; then the norm, result 0, in codes, and itself with `keep`.
static nf_status norm(nf_op_desc *d, nf_op_desc *plain, nf_dtype to, bool keep) {
  const int n = nf_op_of(plain->op)->n_out;
  for (int i = 0; i < NF_MAX_IN; i++) plain->in[i] = d->in[i];
  NF_TRY(part(d, plain));
  for (int i = 1; i < n; i++) d->out[i] = plain->out[i];
  if (keep) d->out[n] = plain->out[0];
  return quantised(d, &plain->out[0], to, &d->out[0]);
}

#define NORM(name)                                                                                    \
  nf_status nf_infer_##name##_quantise(nf_op_desc *d) {                                               \
    const nf_##name##_quantise_attrs *at = &d->attr.name##_quantise;                                  \
    nf_op_desc plain = {.op = NF_OP_##name, .attr.name = {.eps = at->eps, .one_plus = at->one_plus}}; \
    return norm(d, &plain, at->to, at->keep);                                                         \
  }
NORM(rms_norm)
NORM(add_rms_norm)
NORM(all_reduce_rms_norm)
NORM(all_reduce_add_rms_norm)

// As one head for the part's rule, which then sees w's columns.
nf_status nf_infer_rms_norm_gated_quantise(nf_op_desc *d) {
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
      return nf_error(NF_BAD_INPUT, "%s: the columns of %s must be heads of w's %lld", nf_op_of(d->op)->name,
                      nf_op_of(d->op)->in[i].name, (long long)head);
    columns->c = x->padded[x->rank - 1] = head;
  }
  NF_TRY(part(d, &g));
  for (int k = 0; k < d->in[0].rank; k++)
    if (!nf_extent_equal(d->in[0].dim[k], d->in[1].dim[k]))
      return nf_error(NF_BAD_INPUT, "%s: x and z differ in dimension %d", nf_op_of(d->op)->name, k);
  return quantised(d, &d->in[0], at->to, &d->out[0]);
}

// mul of a, operand 0, and b, one of which is f of itself; and quantise.
static nf_status product(nf_op_desc *d, nf_op f, int of, nf_dtype to) {
  nf_op_desc u = {.op = f, .in = {d->in[of]}}, m = {.op = NF_OP_mul, .in = {d->in[0], d->in[1]}};
  NF_TRY(part(d, &u));
  m.in[of] = u.out[0];
  NF_TRY(part(d, &m));
  if (to != NF_NONE) return quantised(d, &m.out[0], to, &d->out[0]);
  d->out[0] = m.out[0];
  return nf_ok();
}

nf_status nf_infer_silu_mul(nf_op_desc *d) {
  nf_op_desc apart = *d;
  const nf_type *both = &d->in[0];
  const nf_extent columns = both->rank ? both->dim[both->rank - 1] : NF_C(1);
  if (d->in[1].dtype == NF_NONE) {
    if (columns.sym != NF_CONST || columns.c % 2)
      return nf_error(NF_BAD_INPUT, "silu_mul: up is missing, and gate has no columns for both");
    apart.in[0].dim[both->rank - 1].c = apart.in[0].padded[both->rank - 1] = columns.c / 2;
    apart.in[1] = apart.in[0];
  }
  NF_TRY(product(&apart, NF_OP_silu, 0, d->attr.silu_mul.quantise));
  d->out[0] = apart.out[0];
  return nf_ok();
}

nf_status nf_infer_sigmoid_mul(nf_op_desc *d) {
  return product(d, NF_OP_sigmoid, 1, d->attr.sigmoid_mul.quantise);
}

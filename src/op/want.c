// SPDX-License-Identifier: Apache-2.0
// Checks that shape rules share.
#include "op/want.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

nf_status nf_refuse(const nf_op_desc *d, const char *fmt, ...) {
  char text[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(text, fmt, args);
  va_end(args);
  return nf_error(NF_BAD_INPUT, "%s: %s", nf_op_of(d->op)->name, text);
}

nf_status nf_refuse_operand(const nf_op_desc *d, int i, const char *fmt, ...) {
  char text[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(text, fmt, args);
  va_end(args);
  return nf_refuse(d, "%s is %s but %s", nf_op_of(d->op)->in[i].name, nf_type_text_of(&d->in[i]).at, text);
}

// ---- checks ----

static nf_status want_rank(const nf_op_desc *d, int i, int lo, int hi) {
  int rank = d->in[i].rank;
  if (rank >= lo && rank <= hi) return nf_ok();
  if (lo == hi) return nf_refuse_operand(d, i, "must have %d dimensions", lo);
  return nf_refuse_operand(d, i, "must have %d to %d dimensions", lo, hi);
}

nf_status nf_want(const nf_op_desc *d, int i, uint64_t dtypes, int lo, int hi) {
  if (dtypes >> d->in[i].dtype & 1) return want_rank(d, i, lo, hi);
  return nf_refuse_operand(d, i, "must be %s",
                           dtypes == NF_FLOATS    ? "f32, bf16 or f16"
                           : dtypes == NF_WEIGHTS ? "f32, bf16, f16, mxfp4, fp8row or fp8b128"
                                                  : nf_dtype_of((nf_dtype)__builtin_ctzll(dtypes))->name);
}

nf_status nf_want_weight(const nf_op_desc *d, int i, int rank) {
  NF_TRY(nf_want(d, i, NF_WEIGHTS, rank, rank));
  return nf_want_const(d, i);
}

nf_status nf_want_factor(const nf_op_desc *d, int i, int w, int lo, int hi) {
  const nf_dtype of = d->in[w].dtype, pair = of == NF_FP8_ROW     ? NF_FP8_ROW
                                             : of == NF_FP8_BLOCK ? NF_FP8_GROUP
                                                                  : NF_NONE;
  if (pair == NF_NONE || NF_FLOATS >> d->in[i].dtype & 1) return nf_want(d, i, NF_FLOATS, lo, hi);
  if (d->in[i].dtype == pair) return want_rank(d, i, lo, hi);
  return nf_refuse_operand(d, i, "must be f32, bf16, f16 or, with %s weights, %s", nf_dtype_of(of)->name,
                           nf_dtype_of(pair)->name);
}

nf_status nf_want_same_dtype(const nf_op_desc *d, int i, int as) {
  if (d->in[i].dtype == d->in[as].dtype) return nf_ok();
  return nf_refuse_operand(d, i, "%s is %s", nf_op_of(d->op)->in[as].name,
                           nf_dtype_of(d->in[as].dtype)->name);
}

nf_status nf_want_dims(const nf_op_desc *d, int i, int as, int n) {
  const nf_type *x = &d->in[as];
  const char *name = nf_op_of(d->op)->in[as].name;
  if (d->in[i].rank != x->rank)
    return nf_refuse_operand(d, i, "must have %d dimensions as %s has", x->rank, name);
  for (int k = 0; k < n; k++)
    if (!nf_extent_equal(d->in[i].dim[k], x->dim[k]))
      return nf_refuse_operand(d, i, "%s has %s in dimension %d", name, nf_extent_text_of(x->dim[k]).at, k);
  return nf_ok();
}

nf_status nf_want_same_type(const nf_op_desc *d, int i, int as) {
  NF_TRY(nf_want_same_dtype(d, i, as));
  return nf_want_dims(d, i, as, d->in[as].rank);
}

nf_status nf_want_const(const nf_op_desc *d, int i) {
  for (int k = 0; k < d->in[i].rank; k++)
    if (d->in[i].dim[k].sym != NF_CONST) return nf_refuse_operand(d, i, "must have constant extents");
  return nf_ok();
}

nf_status nf_want_dim(const nf_op_desc *d, int i, int k, nf_extent e, const char *what) {
  if (nf_extent_equal(d->in[i].dim[k], e)) return nf_ok();
  return nf_refuse_operand(d, i, what, nf_extent_text_of(e).at);
}

nf_status nf_want_vector(const nf_op_desc *d, int i, nf_extent e, const char *what) {
  if (d->in[i].dtype == NF_NONE) return nf_ok();
  NF_TRY(nf_want(d, i, NF_FLOATS, 1, 1));
  return nf_want_dim(d, i, 0, e, what);
}

nf_status nf_want_tokens(const nf_op_desc *d, int i) {
  if (nf_extent_equal(d->in[i].dim[0], NF_BY(1, NF_T))) return nf_ok();
  return nf_refuse_operand(d, i, "its first dimension must be T, the tokens of the batch");
}

nf_status nf_want_out_float(const nf_op_desc *d, nf_dtype out) {
  if ((unsigned)out < NF_DTYPE_COUNT && NF_FLOATS >> out & 1) return nf_ok();
  return nf_refuse(d, "out must be f32, bf16 or f16");
}

nf_status nf_want_positive(const nf_op_desc *d, const char *name, float x) {
  return x > 0 ? nf_ok() : nf_refuse(d, "%s is %.9g but must be finite and above 0", name, (double)x);
}

nf_type nf_with_last(const nf_type *x, nf_dtype dtype, nf_extent e) {
  nf_type y = nf_type_make(dtype, x->dim, (size_t)x->rank);
  y.dim[x->rank - 1] = e;
  y.padded[x->rank - 1] = e.c;
  return y;
}

nf_status nf_want_padding(nf_op_desc *d, const char *name, int64_t to) {
  nf_type *y = &d->out[0];
  if (to < nf_last(y).c)
    return nf_refuse(d, "%s is %" PRId64 " but must be at least the %" PRId64 " columns", name, to,
                     nf_last(y).c);
  y->padded[y->rank - 1] = to;
  return nf_ok();
}

nf_status nf_want_columns(const nf_op_desc *d, int i) {
  const nf_type *x = &d->in[i];
  const char *wrong = !nf_is_float(x->dtype)       ? "f32, bf16 or f16"
                      : x->rank < 1                ? "of at least one dimension"
                      : nf_last(x).sym != NF_CONST ? "of a constant number of columns"
                      : !nf_pack_is_plain(x->pack) ? "plain"
                                                   : NULL;
  return wrong == NULL ? nf_ok() : nf_refuse_operand(d, i, "must be %s", wrong);
}

nf_status nf_infer_part(const nf_op_desc *d, nf_op_desc of, nf_type *out) {
  NF_TRY(nf_op_infer(&of), "%s", nf_op_of(d->op)->name);
  *out = of.out[0];
  return nf_ok();
}

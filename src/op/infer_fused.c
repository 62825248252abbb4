// SPDX-License-Identifier: Apache-2.0
// Shape rules of padding, of sums over ranks, and of ops that are several others in one: those are what the
// others infer, one after the other, and a refusal names both.
#include "base/checked.h"
#include "op/infer.h"
#include <inttypes.h>

// x is [.., H] with constant, perhaps padded columns.
static nf_status want_columns(const nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const char *wrong = !nf_is_float(x->dtype)                ? "f32, bf16 or f16"
                      : x->rank < 1                         ? "of at least one dimension"
                      : x->dim[x->rank - 1].sym != NF_CONST ? "of a constant number of columns"
                      : x->pack != NF_PACK_PLAIN            ? "plain"
                                                            : NULL;
  if (!wrong) return nf_ok();
  nf_text type = {0};
  nf_type_print(x, &type);
  nf_status st = nf_error(NF_BAD_INPUT, "%s: x is %s but must be %s", nf_op_of(d->op)->name,
                          type.failed ? "?" : type.at, wrong);
  nf_text_deinit(&type);
  return st;
}

static nf_status padded_to(const nf_op_desc *d, const char *name, int64_t to, nf_type *t) {
  const int64_t columns = t->dim[t->rank - 1].c;
  if (to < columns)
    return nf_error(NF_BAD_INPUT, "%s: %s is %" PRId64 " but must be at least the %" PRId64 " columns",
                    nf_op_of(d->op)->name, name, to, columns);
  t->padded[t->rank - 1] = to;
  return nf_ok();
}

nf_status nf_infer_pad(nf_op_desc *d) {
  NF_TRY(want_columns(d));
  d->out[0] = d->in[0];
  return padded_to(d, "to", d->attr.pad.to, &d->out[0]);
}

nf_status nf_infer_unpad(nf_op_desc *d) {
  NF_TRY(want_columns(d));
  d->out[0] = nf_type_make(d->in[0].dtype, d->in[0].dim, (size_t)d->in[0].rank);
  return nf_ok();
}

nf_status nf_infer_all_reduce(nf_op_desc *d) {
  NF_TRY(want_columns(d));
  d->out[0] = d->in[0];
  return nf_ok();
}

nf_status nf_infer_all_gather(nf_op_desc *d) {
  const int64_t world = d->attr.all_gather.world;
  nf_type *y = &d->out[0];
  NF_TRY(want_columns(d));
  *y = d->in[0];
  nf_extent *columns = &y->dim[y->rank - 1];
  if (world < 1 || !nf_mul_i64(columns->c, world, &columns->c))
    return nf_error(NF_BAD_INPUT,
                    "all_gather: world is %" PRId64 " but must be 1 or more, with columns below 2^63", world);
  y->padded[y->rank - 1] = columns->c;
  return nf_ok();
}

nf_status nf_infer_rank_ids(nf_op_desc *d) {
  const int64_t size = d->attr.rank_ids.size;
  if (d->in[0].dtype != NF_I32 || d->in[0].pack != NF_PACK_PLAIN)
    return nf_error(NF_BAD_INPUT, "rank_ids: x is %s but must be plain i32",
                    nf_dtype_of(d->in[0].dtype)->name);
  if (size < 1 || size > INT32_MAX)
    return nf_error(NF_BAD_INPUT, "rank_ids: size is %" PRId64 " but must be 1 to %d", size, INT32_MAX);
  d->out[0] = nf_type_make(NF_I32, d->in[0].dim, (size_t)d->in[0].rank);
  return nf_ok();
}

// The norm of h: y and, as it is, the second result.
static nf_status norm(nf_op_desc *d, const nf_type *h, const nf_type *w, nf_rms_norm_attrs attr,
                      int64_t pad) {
  nf_op_desc n = {.op = NF_OP_rms_norm, .attr.rms_norm = attr, .in = {*h, *w}};
  NF_TRY(want_columns(d));
  NF_TRY(nf_op_infer(&n), "%s", nf_op_of(d->op)->name);
  d->out[0] = d->out[1] = n.out[0];
  return pad == 0 ? nf_ok() : padded_to(d, "pad", pad, &d->out[0]);
}

static nf_status sum(const nf_op_desc *d, const nf_type *residual, nf_type *out) {
  nf_op_desc a = {.op = NF_OP_add, .in = {d->in[0], *residual}};
  NF_TRY(nf_op_infer(&a), "%s", nf_op_of(d->op)->name);
  *out = a.out[0];
  return nf_ok();
}

nf_status nf_infer_add_rms_norm(nf_op_desc *d) {
  const nf_add_rms_norm_attrs *at = &d->attr.add_rms_norm;
  nf_type h;
  NF_TRY(sum(d, &d->in[1], &h));
  return norm(d, &h, &d->in[2], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus}, at->pad);
}

nf_status nf_infer_all_reduce_rms_norm(nf_op_desc *d) {
  const nf_all_reduce_rms_norm_attrs *at = &d->attr.all_reduce_rms_norm;
  return norm(d, &d->in[0], &d->in[1], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus},
              at->pad);
}

nf_status nf_infer_all_reduce_add_rms_norm(nf_op_desc *d) {
  const nf_all_reduce_add_rms_norm_attrs *at = &d->attr.all_reduce_add_rms_norm;
  nf_type h;
  NF_TRY(sum(d, &d->in[1], &h));
  return norm(d, &h, &d->in[2], (nf_rms_norm_attrs){.eps = at->eps, .one_plus = at->one_plus}, at->pad);
}

// SPDX-License-Identifier: Apache-2.0
// Other rows, columns, shapes and padding of the same elements.
#include "base/checked.h"
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

static nf_status infer_narrow(nf_op_desc *d) {
  const nf_narrow_attrs *at = &d->attr.narrow;
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  const nf_extent cols = nf_last(&d->in[0]);
  if (cols.sym != NF_CONST || at->start < 0 || at->size < 1 || at->start > cols.c ||
      at->size > cols.c - at->start)
    return nf_refuse_operand(d, 0, "columns %" PRId64 " to %" PRId64 " are asked for", at->start,
                             at->start + (at->size < 1 ? 0 : at->size - 1));
  return nf_gives(d, nf_with_last(&d->in[0], d->in[0].dtype, NF_C(at->size)));
}

static void sample_narrow(nf_op_desc *d, const nf_dims *m) {
  const int64_t k = m->q[NF_Q_K];
  d->in[0] = nf_sample_rows(m, false, k);
  d->attr.narrow = (nf_narrow_attrs){.start = k / 3, .size = k - k / 3 - (nf_bit(m, 1) && k > 1)};
}

NF_TRAITS(narrow, INFER(infer_narrow), SHARD(NARROW), WORK(), EXTENTS(), CHECK(sample_narrow, ALWAYS, NULL));

static nf_status infer_concat(nf_op_desc *d) {
  const nf_type *a = &d->in[0];
  int64_t cols = 0;
  NF_TRY(nf_want(d, 0, NF_FLOATS, 1, NF_MAX_RANK));
  for (int i = 0; i < nf_op_of(d->op)->n_in; i++) {
    const nf_type *x = &d->in[i];
    if (x->dtype == NF_NONE) continue;
    NF_TRY(nf_want_same_dtype(d, i, 0));
    NF_TRY(nf_want_dims(d, i, 0, a->rank - 1));
    if (nf_last(x).sym != NF_CONST || __builtin_add_overflow(cols, nf_last(x).c, &cols))
      return nf_refuse_operand(d, i, "must have a constant number of columns");
  }
  return nf_gives(d, nf_with_last(a, a->dtype, NF_C(cols)));
}

static void sample_concat(nf_op_desc *d, const nf_dims *m) {
  const int64_t n = m->q[NF_Q_N];
  d->in[0] = nf_sample_rows(m, false, n - n / 3);
  d->in[1] = nf_sample_rows(m, false, n / 3 - n / 5);
  d->in[nf_bit(m, 1) ? 3 : 2] = nf_sample_rows(m, false, n / 5);
}

NF_TRAITS(concat, INFER(infer_concat), SHARD(CONCAT), WORK(), EXTENTS(), CHECK(sample_concat, ALWAYS, NULL));

static nf_status infer_gather_rows(nf_op_desc *d) {
  NF_TRY(nf_want(d, 0, NF_FLOATS, 2, 2));
  NF_TRY(nf_want_tokens(d, 0));
  NF_TRY(nf_want_columns(d, 0));
  return nf_gives(d, NF_TYPE(d->in[0].dtype, NF_BY(1, NF_R), nf_last(&d->in[0])));
}

static void sample_gather_rows(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, false, m->q[NF_Q_K]);
}

NF_TRAITS(gather_rows, INFER(infer_gather_rows), SHARD(COLUMNS), WORK(.picks = true), EXTENTS(),
          CHECK(sample_gather_rows, ALWAYS, NULL));

// All elements as one extent; false where two symbols meet or the count overflows.
static bool elements(const nf_type *t, nf_extent *out) {
  nf_type flat = *t;
  if (flat.rank == NF_MAX_RANK) {
    nf_extent rows, cols = nf_last(t);
    if (!nf_type_rows(t, &rows) || (rows.sym != NF_CONST && cols.sym != NF_CONST)) return false;
    *out = NF_BY(0, rows.sym != NF_CONST ? rows.sym : cols.sym);
    return nf_mul_i64(rows.c, cols.c, &out->c);
  }
  flat.dim[flat.rank++] = NF_C(1);
  return nf_type_rows(&flat, out);
}

static nf_status infer_reshape(nf_op_desc *d) {
  const nf_type *x = &d->in[0];
  const nf_shape *to = &d->attr.reshape.to;
  nf_extent have, want;
  if (to->rank < 0 || to->rank > NF_MAX_RANK)
    return nf_refuse(d, "to has rank %d; at most %d", to->rank, NF_MAX_RANK);
  nf_type y = nf_type_make(x->dtype, to->dim, (size_t)to->rank);
  NF_TRY(nf_type_check(&y), "reshape: to");
  if (!nf_pack_is_plain(x->pack)) return nf_refuse_operand(d, 0, "only a plain layout can be reshaped");
  for (int i = 0; i < x->rank; i++)
    if (x->padded[i] != x->dim[i].c)
      return nf_refuse_operand(d, 0, "padded elements do not lie one after the other");
  const bool columns = x->rank && y.rank && nf_extent_equal(nf_last(x), nf_last(&y));
  if (nf_dtype_of(x->dtype)->bits < 8 && !columns)
    return nf_refuse_operand(d, 0, "codes of less than a byte keep their columns");
  if (nf_is_quantised(x->dtype) && !columns &&
      (x->dtype != NF_FP8_GROUP || nf_last(x).c % 128 || nf_last(&y).c % 128))
    return nf_refuse_operand(d, 0, "columns that share a scale must stay together");
  if (!elements(x, &have) || !elements(&y, &want) || !nf_extent_equal(have, want))
    return nf_refuse_operand(d, 0, "%s does not have the same elements", nf_type_text_of(&y).at);
  return nf_gives(d, y);
}

static void sample_reshape(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T);
  d->in[0] = nf_sample_rows(m, true, m->q[NF_Q_K]);
  const nf_extent heads = d->in[0].dim[1], k = d->in[0].dim[2];
  d->attr.reshape.to = nf_bit(m, 1) ? (nf_shape){3, {t, k, heads}} : (nf_shape){2, {t, NF_C(heads.c * k.c)}};
}

NF_TRAITS(reshape, INFER(infer_reshape), SHARD(RESHAPE), WORK(), EXTENTS(),
          CHECK(sample_reshape, ALWAYS, NULL));

static nf_status infer_pad(nf_op_desc *d) {
  NF_TRY(nf_want_columns(d, 0));
  d->out[0] = d->in[0];
  return nf_want_padding(d, "to", d->attr.pad.to);
}

static void sample_pad(nf_op_desc *d, const nf_dims *m) {
  nf_sample_heads(d, m);
  d->attr.pad.to = nf_sample_wider(m->q[NF_Q_K]);
}

NF_TRAITS(pad, INFER(infer_pad), SHARD(REPLICATED), WORK(), EXTENTS(), CHECK(sample_pad, ALWAYS, NULL));

static nf_status infer_unpad(nf_op_desc *d) {
  NF_TRY(nf_want_columns(d, 0));
  return nf_gives(d, nf_plain_type(&d->in[0]));
}

NF_TRAITS(unpad, INFER(infer_unpad), SHARD(REPLICATED), WORK(), EXTENTS(),
          CHECK(nf_sample_heads, ALWAYS, NULL));

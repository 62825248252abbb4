// SPDX-License-Identifier: Apache-2.0
// Products with weights, and rows of them.
#include "op/expect.h"
#include "op/want.h"

static nf_status infer_embedding(nf_op_desc *d) {
  const nf_type *tokens = &d->in[0], *table = &d->in[1];
  NF_TRY(nf_want(d, 0, NF_BIT(I32), 1, 1));
  NF_TRY(nf_want_weight(d, 1, 2));
  NF_TRY(nf_want_out_float(d, d->attr.embedding.out));
  return nf_gives(d, NF_TYPE(d->attr.embedding.out, tokens->dim[0], table->dim[1]));
}

static void sample_embedding(nf_op_desc *d, const nf_dims *m) {
  enum { VOCABULARY = 37 };
  d->attr.embedding.out = m->out;
  d->in[0] = NF_TYPE(NF_I32, NF_BY(1, NF_T));
  d->in[1] = NF_TYPE(m->weight, NF_C(VOCABULARY), NF_C(m->q[NF_Q_N]));
}

NF_TRAITS(embedding, INFER(infer_embedding), SHARD(EMBEDDING), WORK(), EXTENTS(),
          CHECK(sample_embedding, ALWAYS, NULL));

static nf_status infer_linear(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *w = &d->in[1];
  NF_TRY(nf_want_weight(d, 1, 2));
  NF_TRY(nf_want_factor(d, 0, 1, 1, NF_MAX_RANK));
  NF_TRY(nf_want_dim(d, 1, 1, nf_last(x), "x has %s columns"));
  NF_TRY(nf_want_vector(d, 2, w->dim[0], "w has %s rows"));
  NF_TRY(nf_want_out_float(d, d->attr.linear.out));
  return nf_gives(d, nf_with_last(x, d->attr.linear.out, w->dim[0]));
}

enum { BIAS = 1, BF16_BIAS = 4, PLAIN_X = 8 }; // bits of options

static void sample_linear(nf_op_desc *d, const nf_dims *m) {
  const nf_extent k = NF_C(m->q[NF_Q_K]), n = NF_C(m->q[NF_Q_N]);
  d->attr.linear.out = m->out;
  d->in[0] = NF_TYPE(nf_sample_factor(m, nf_bit(m, PLAIN_X)), NF_BY(1, NF_T), k);
  d->in[1] = NF_TYPE(m->weight, n, k);
  if (nf_bit(m, BIAS)) d->in[2] = NF_TYPE(nf_bit(m, BF16_BIAS) ? NF_BF16 : m->act, n);
}

NF_TRAITS(linear, INFER(infer_linear), SHARD(LINEAR), WORK(.of = NF_Q_K, .times = 2, .matrix = true),
          EXTENTS(), CHECK(sample_linear, ON_INTEGERS, nf_bound_sum));

static nf_status infer_grouped_linear(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *ids = &d->in[1], *w = &d->in[2];
  NF_TRY(nf_want_weight(d, 2, 3));
  NF_TRY(nf_want_factor(d, 0, 2, 2, 3));
  NF_TRY(nf_want(d, 1, NF_BIT(I32), 2, 2));
  NF_TRY(nf_want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  if (x->rank == 3) NF_TRY(nf_want_dim(d, 0, 1, ids->dim[1], "ids has %s columns"));
  NF_TRY(nf_want_dim(d, 2, 2, nf_last(x), "x has %s columns"));
  if (d->in[3].dtype != NF_NONE) {
    NF_TRY(nf_want(d, 3, NF_FLOATS, 2, 2));
    NF_TRY(nf_want_dim(d, 3, 0, w->dim[0], "w has %s experts"));
    NF_TRY(nf_want_dim(d, 3, 1, w->dim[1], "w has %s rows"));
  }
  NF_TRY(nf_want_out_float(d, d->attr.grouped_linear.out));
  d->out[0] = NF_TYPE(d->attr.grouped_linear.out, ids->dim[0], ids->dim[1], w->dim[1]);
  const int64_t pad = d->attr.grouped_linear.pad;
  return pad == 0 ? nf_ok() : nf_want_padding(d, "pad", pad);
}

static void sample_grouped_linear(nf_op_desc *d, const nf_dims *m) {
  const nf_extent k = NF_C(m->q[NF_Q_K]), n = NF_C(m->q[NF_Q_N]), e = NF_C(m->q[NF_Q_E]);
  d->attr.grouped_linear = (nf_grouped_linear_attrs){.out = m->out, .pad = nf_sample_choices(d, m)};
  d->in[2] = NF_TYPE(m->weight, e, n, k);
  if (nf_bit(m, BIAS)) d->in[3] = NF_TYPE(nf_bit(m, BF16_BIAS) ? NF_BF16 : m->act, e, n);
}

NF_TRAITS(grouped_linear, INFER(infer_grouped_linear), SHARD(GROUPED_LINEAR),
          WORK(.of = NF_Q_K, .times = 2, .matrix = true),
          EXTENTS({NF_Q_E, NF_OPERAND(grouped_linear, w), 0},
                  {NF_Q_TOPK, NF_OPERAND(grouped_linear, ids), -1}),
          CHECK(sample_grouped_linear, ON_INTEGERS, nf_bound_sum));

// SPDX-License-Identifier: Apache-2.0
// Cases of padding, of sums over ranks, and of ops that are several others in one.
#include "base/checked.h"
#include "check/internal.h"

enum {
  ONE_PLUS = 1,
  PAD = 2,
  HEADS = 4,
  PADDED_OPERAND = 8,
  ROW = 2,
  KEEP = 8,
  BOTH = 16
}; // bits of nf_dims.options

static int64_t wider(int64_t columns) { return nf_round_up(columns + 1, 32); }

nf_status nf_case_pad(nf_op_desc *d, const nf_dims *m) {
  nf_type *x = &d->in[0];
  if (!(nf_op_of(d->op)->flags & NF_OP_PADDED) || !(m->options & PADDED_OPERAND)) return nf_ok();
  x->padded[x->rank - 1] = wider(x->dim[x->rank - 1].c);
  return nf_op_infer(d);
}

nf_status nf_case_make_fused(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), k = NF_C(m->q[NF_Q_K]);
  const bool one_plus = m->options & ONE_PLUS;
  const int64_t pad = m->options & PAD ? wider(m->q[NF_Q_K]) : 0;
  const nf_type w = NF_TYPE(m->options & PAD ? NF_F32 : m->act, k);
  d->in[0] = m->options & HEADS ? NF_TYPE(m->act, t, NF_C(3), k) : NF_TYPE(m->act, t, k);
  switch (d->op) {
  case NF_OP_pad:
    d->attr.pad.to = wider(m->q[NF_Q_K]);
    break;
  case NF_OP_all_gather:
    d->attr.all_gather.world = m->world;
    break;
  case NF_OP_rank_ids:
    d->attr.rank_ids.size = m->q[NF_Q_E];
    d->in[0].dtype = NF_I32;
    break;
  case NF_OP_add_rms_norm:
    d->attr.add_rms_norm = (nf_add_rms_norm_attrs){.eps = 1e-5f, .one_plus = one_plus, .pad = pad};
    d->in[1] = d->in[0];
    d->in[2] = w;
    break;
  case NF_OP_all_reduce_rms_norm:
    d->attr.all_reduce_rms_norm =
        (nf_all_reduce_rms_norm_attrs){.eps = 1e-5f, .one_plus = one_plus, .pad = pad};
    d->in[1] = w;
    break;
  case NF_OP_all_reduce_add_rms_norm:
    d->attr.all_reduce_add_rms_norm =
        (nf_all_reduce_add_rms_norm_attrs){.eps = 1e-5f, .one_plus = one_plus, .pad = pad};
    d->in[1] = d->in[0];
    d->in[2] = w;
    break;
  default:
    break;
  }
  return nf_op_infer(d);
}

#define NORM(op)                                               \
  d->attr.op##_quantise = (nf_##op##_quantise_attrs) {         \
    .eps = 1e-5f, .one_plus = one_plus, .to = to, .keep = keep \
  }

nf_status nf_case_make_quantised(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), k = NF_C(m->q[NF_Q_K]);
  const nf_dtype to = m->options & ROW ? NF_FP8_ROW : NF_FP8_GROUP;
  const bool one_plus = m->options & ONE_PLUS, keep = m->options & KEEP;
  const nf_type x = m->options & HEADS ? NF_TYPE(m->act, t, NF_C(3), k) : NF_TYPE(m->act, t, k),
                w = NF_TYPE(m->out, k);
  d->in[0] = x;
  switch (d->op) {
  case NF_OP_rms_norm_quantise:
    NORM(rms_norm);
    d->in[1] = w;
    break;
  case NF_OP_all_reduce_rms_norm_quantise:
    NORM(all_reduce_rms_norm);
    d->in[1] = w;
    break;
  case NF_OP_add_rms_norm_quantise:
    NORM(add_rms_norm);
    d->in[1] = x;
    d->in[2] = w;
    break;
  case NF_OP_all_reduce_add_rms_norm_quantise:
    NORM(all_reduce_add_rms_norm);
    d->in[1] = x;
    d->in[2] = w;
    break;
  default:
    break;
  }
  return nf_op_infer(d);
}

// Products with one column or all; of rms_norm_gated_quantise three heads side by side.
nf_status nf_case_make_gated(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), k = NF_C(m->q[NF_Q_K]);
  const nf_dtype to = m->options & ROW ? NF_FP8_ROW : NF_FP8_GROUP;
  d->in[0] = NF_TYPE(m->act, t, k);
  d->in[1] = NF_TYPE(m->out, t, m->options & ONE_PLUS ? NF_C(1) : k);
  if (d->op == NF_OP_silu_mul) d->attr.silu_mul.quantise = m->options & KEEP ? NF_NONE : to;
  if (d->op == NF_OP_silu_mul && m->options & BOTH) {
    d->in[0] = NF_TYPE(m->act, t, NF_C(2 * (k.c - k.c / 2)));
    d->in[1] = (nf_type){0};
  }
  if (d->op == NF_OP_sigmoid_mul) d->attr.sigmoid_mul.quantise = m->options & KEEP ? NF_NONE : to;
  if (d->op == NF_OP_rms_norm_gated_quantise) {
    const int64_t heads = k.c % 3 ? 1 : 3;
    d->attr.rms_norm_gated_quantise = (nf_rms_norm_gated_quantise_attrs){.eps = 1e-5f, .to = to};
    d->in[1] = d->in[0];
    d->in[2] = NF_TYPE(m->out, NF_C(k.c / heads));
  }
  return nf_op_infer(d);
}

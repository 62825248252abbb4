// SPDX-License-Identifier: Apache-2.0
// Cases of padding, of sums over ranks, and of ops that are several others in one.
#include "base/checked.h"
#include "check/internal.h"

enum { ONE_PLUS = 1, PAD = 2, HEADS = 4, PADDED_OPERAND = 8 }; // bits of nf_dims.options

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

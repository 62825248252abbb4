// SPDX-License-Identifier: Apache-2.0
// Cases of ops that are a model's blocks.
#include "base/checked.h"
#include "check/internal.h"

static nf_status make_heads(nf_op_desc *d, const nf_dims *m) {
  enum { Q, K, V, TABLE, Q_NORM, K_NORM, KV };
  enum { NORMS = 1, WIDE = 2, PART = 4, SLIDING = 8, Q_ONLY = 16, TOGETHER = 32 }; // bits of options
  const nf_extent t = NF_BY(1, NF_T), heads = NF_C(m->kv_heads);
  const int64_t head = m->q[NF_Q_HEAD], extra = m->options & WIDE ? head + 3 : 0;
  const nf_type norm = NF_TYPE(m->options & PART ? NF_BF16 : m->act, NF_C(head));
  d->attr.qk_rope_write = (nf_qk_rope_write_attrs){
      .eps = 1e-5f, .one_plus = m->options & PART, .start = m->options & WIDE ? 3 : 0};
  d->in[Q] = NF_TYPE(m->act, t, NF_C(m->kv_heads * m->q[NF_Q_GROUP]), NF_C(head + extra));
  if (m->options & TOGETHER && !(m->options & WIDE))
    d->in[Q].dim[1].c = d->in[Q].padded[1] = d->in[Q].dim[1].c + 2 * heads.c;
  else
    d->in[K] = d->in[V] = NF_TYPE(m->act, t, heads, NF_C(head));
  d->in[TABLE] = NF_TYPE(NF_F32, t, NF_C(m->options & PART ? head / 4 * 2 : head / 2 * 2));
  if (m->options & NORMS) d->in[Q_NORM] = norm;
  if (m->options & NORMS && !(m->options & Q_ONLY)) d->in[K_NORM] = norm;
  d->in[KV] = NF_TYPE(m->act, NF_C(2), heads, NF_C(m->q[NF_Q_PAGE]), NF_C(head));
  d->in[KV].cache = m->options & SLIDING ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  return nf_op_infer(d);
}

enum { BIASES = 1, BY_CHOICE = 2, OTHER = 4, PLAIN_X = 8, PAD = 16 };

static int64_t padding(const nf_dims *m) { return m->options & PAD ? nf_round_up(m->q[NF_Q_N] + 1, 32) : 0; }

// What experts read: x [T,K] or [T,J,K], quantised as the weights are unless it is plain; and ids.
static void give_rows(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), j = NF_C(m->q[NF_Q_TOPK]), k = NF_C(m->q[NF_Q_K]);
  const bool plain = m->options & PLAIN_X || !nf_is_fp8(m->weight);
  const nf_dtype x = plain ? m->act : m->weight == NF_FP8_ROW ? NF_FP8_ROW : NF_FP8_GROUP;
  d->in[0] = m->options & BY_CHOICE ? NF_TYPE(x, t, j, k) : NF_TYPE(x, t, k);
  d->in[1] = NF_TYPE(NF_I32, t, j);
}

static nf_type weights(const nf_dims *m, int64_t n, int64_t k) {
  return NF_TYPE(m->weight, NF_C(m->q[NF_Q_E]), NF_C(n), NF_C(k));
}

static nf_status make_swiglu(nf_op_desc *d, const nf_dims *m) {
  const int64_t inner = m->q[NF_Q_INNER], n = m->q[NF_Q_N];
  const nf_extent e = NF_C(m->q[NF_Q_E]);
  const nf_dtype bias = m->options & OTHER ? NF_BF16 : m->act;
  d->attr.experts_swiglu = (nf_experts_swiglu_attrs){
      .out = m->out, .alpha = 1, .interleaved = m->options & OTHER, .pad = padding(m)};
  if (m->options & BIASES) {
    d->attr.experts_swiglu.alpha = 1.702f;
    d->attr.experts_swiglu.beta = 1;
    d->attr.experts_swiglu.limit = 7;
    d->in[3] = NF_TYPE(bias, e, NF_C(2 * inner));
    d->in[5] = NF_TYPE(bias, e, NF_C(n));
  }
  d->in[2] = weights(m, 2 * inner, m->q[NF_Q_K]);
  d->in[4] = weights(m, n, inner);
  return nf_op_infer(d);
}

static nf_status make_silu(nf_op_desc *d, const nf_dims *m) {
  const bool quantised = nf_is_fp8(m->weight) && !(m->options & OTHER);
  d->attr.experts_silu = (nf_experts_silu_attrs){.out = m->out, .pad = padding(m)};
  if (quantised) d->attr.experts_silu.to = m->weight == NF_FP8_ROW ? NF_FP8_ROW : NF_FP8_GROUP;
  d->in[2] = d->in[3] = weights(m, m->q[NF_Q_INNER], m->q[NF_Q_K]);
  d->in[4] = weights(m, m->q[NF_Q_N], m->q[NF_Q_INNER]);
  return nf_op_infer(d);
}

nf_status nf_case_make_block(nf_op_desc *d, const nf_dims *m) {
  if (d->op == NF_OP_qk_rope_write) return make_heads(d, m);
  give_rows(d, m);
  return d->op == NF_OP_experts_swiglu ? make_swiglu(d, m) : make_silu(d, m);
}

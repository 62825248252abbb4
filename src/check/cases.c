// SPDX-License-Identifier: Apache-2.0
// Cases: ops with shapes and dtypes, chosen around tiles, tails and the limits of a variant.
#include "base/checked.h"
#include "check/internal.h"
#include <stdio.h>
#include <string.h>

enum { VOCABULARY = 37, HEADS = 3 };

static nf_status make_attention(const nf_dims *m, nf_op_desc *d, nf_extent t) {
  const int64_t head = m->q[NF_Q_HEAD], heads = m->kv_heads * m->q[NF_Q_GROUP];
  nf_type pool = NF_TYPE(m->act, NF_C(2), NF_C(m->kv_heads), NF_C(m->q[NF_Q_PAGE]), NF_C(head));
  pool.cache = m->options & 2 ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  if (d->op == NF_OP_kv_write) {
    d->in[0] = d->in[1] = NF_TYPE(m->act, t, NF_C(m->kv_heads), NF_C(head));
    d->in[2] = pool;
    return nf_op_infer(d);
  }
  d->attr.attention = (nf_attention_attrs){.scale = .25f, .window = m->options & 2 ? m->q[NF_Q_PAGE] + 3 : 0};
  d->in[0] = NF_TYPE(m->act, t, NF_C(heads), NF_C(head));
  d->in[1] = pool;
  if (m->options & 1) d->in[2] = NF_TYPE(m->act, NF_C(heads));
  return nf_op_infer(d);
}

static nf_status make_linear(const nf_dims *m, nf_op_desc *d, nf_extent t) {
  const nf_extent k = NF_C(m->q[NF_Q_K]), n = NF_C(m->q[NF_Q_N]), e = NF_C(m->q[NF_Q_E]),
                  j = NF_C(m->q[NF_Q_TOPK]);
  const nf_dtype bias = m->options & 4 ? NF_BF16 : m->act;
  const nf_dtype quantised = m->weight == NF_FP8_ROW ? NF_FP8_ROW : NF_FP8_GROUP; // what goes with the weight
  const nf_dtype x = nf_is_fp8(m->weight) && !(m->options & 8) ? quantised : m->act;
  if (d->op == NF_OP_linear) {
    d->attr.linear.out = m->out;
    d->in[0] = NF_TYPE(x, t, k);
    d->in[1] = NF_TYPE(m->weight, n, k);
    if (m->options & 1) d->in[2] = NF_TYPE(bias, n);
    return nf_op_infer(d);
  }
  d->attr.grouped_linear = (nf_grouped_linear_attrs){
      .out = m->out, .pad = m->options & 16 ? nf_round_up(m->q[NF_Q_N] + 1, 32) : 0};
  d->in[0] = m->options & 2 ? NF_TYPE(x, t, j, k) : NF_TYPE(x, t, k);
  d->in[1] = NF_TYPE(NF_I32, t, j);
  d->in[2] = NF_TYPE(m->weight, e, n, k);
  if (m->options & 1) d->in[3] = NF_TYPE(bias, e, n);
  return nf_op_infer(d);
}

static nf_status make_rope(const nf_dims *m, nf_op_desc *d, nf_extent t) {
  const int64_t head = m->q[NF_Q_HEAD], part = m->options & 1 ? head / 4 * 2 : head / 2 * 2;
  if (d->op == NF_OP_rope_table) {
    d->attr.rope_table = (nf_rope_table_attrs){.theta = 150000,
                                               .factor = m->options & 1 ? 32 : 1,
                                               .context = 4096,
                                               .beta_fast = 32,
                                               .beta_slow = 1,
                                               .scale = 1.25f,
                                               .dims = head,
                                               .truncate = m->options & 2};
    return nf_op_infer(d);
  }
  d->in[0] = NF_TYPE(m->act, t, NF_C(HEADS), NF_C(head));
  d->in[1] = NF_TYPE(NF_F32, t, NF_C(part));
  return nf_op_infer(d);
}

static nf_status make_recurrent(const nf_dims *m, nf_op_desc *d, nf_extent t) {
  const int64_t k = m->q[NF_Q_K], taps = m->q[NF_Q_TAPS], key = m->q[NF_Q_HEAD], value = m->q[NF_Q_VALUE];
  const nf_extent heads = NF_C(m->kv_heads * m->q[NF_Q_GROUP]);
  const nf_dtype other = m->options & 1 ? NF_BF16 : m->act;
  if (d->op == NF_OP_causal_conv1d) {
    d->in[0] = NF_TYPE(m->act, t, NF_C(k));
    d->in[1] = NF_TYPE(other, NF_C(k), NF_C(1), NF_C(taps));
    d->in[2] = NF_TYPE(m->act, NF_C(taps - 1), NF_C(k));
    d->in[2].cache = NF_CACHE_RECURRENT;
    return nf_op_infer(d);
  }
  d->in[0] = NF_TYPE(m->act, t, NF_C(2 * m->kv_heads * key + heads.c * value));
  d->in[1] = d->in[2] = NF_TYPE(m->act, t, heads);
  d->in[3] = d->in[4] = NF_TYPE(other, heads);
  d->in[5] = NF_TYPE(NF_F32, heads, NF_C(key), NF_C(value));
  d->in[5].cache = NF_CACHE_RECURRENT;
  return nf_op_infer(d);
}

static nf_status make_rows(const nf_dims *m, nf_op_desc *d, nf_extent t) {
  const nf_extent k = NF_C(m->q[NF_Q_K]), j = NF_C(m->q[NF_Q_TOPK]);
  d->in[0] = NF_TYPE(m->act, t, k);
  switch (d->op) {
  case NF_OP_embedding:
    d->attr.embedding.out = m->out;
    d->in[0] = NF_TYPE(NF_I32, t);
    d->in[1] = NF_TYPE(m->weight, NF_C(VOCABULARY), NF_C(m->q[NF_Q_N]));
    break;
  case NF_OP_rms_norm:
    d->attr.rms_norm = (nf_rms_norm_attrs){.eps = 1e-5f, .one_plus = m->options & 2};
    if (m->options & 1) d->in[0] = NF_TYPE(m->act, t, NF_C(HEADS), k);
    d->in[1] = NF_TYPE(m->act, k);
    break;
  case NF_OP_rms_norm_gated:
    d->attr.rms_norm_gated.eps = 1e-5f;
    if (m->options & 1) d->in[0] = NF_TYPE(m->act, t, NF_C(HEADS), k);
    d->in[1] = d->in[0];
    d->in[2] = NF_TYPE(m->out, k);
    break;
  case NF_OP_mul:
    d->in[1] = NF_TYPE(m->out, t, m->options & 1 ? NF_C(1) : k);
    break;
  case NF_OP_quantise:
    d->attr.quantise.to = m->options & 1 ? NF_FP8_ROW : NF_FP8_GROUP;
    if (m->options & 2) d->in[0] = NF_TYPE(m->act, t, NF_C(HEADS), k);
    break;
  case NF_OP_narrow:
    d->attr.narrow.start = k.c / 3;
    d->attr.narrow.size = k.c - k.c / 3 - (m->options & 1 && k.c > 1);
    break;
  case NF_OP_concat:
    d->in[0] = NF_TYPE(m->act, t, NF_C(m->q[NF_Q_N] - m->q[NF_Q_N] / 3));
    d->in[1] = NF_TYPE(m->act, t, NF_C(m->q[NF_Q_N] / 3 - m->q[NF_Q_N] / 5));
    d->in[2 + (m->options & 1)] = NF_TYPE(m->act, t, NF_C(m->q[NF_Q_N] / 5));
    break;
  case NF_OP_add:
    d->in[1] = d->in[0];
    break;
  case NF_OP_swiglu:
    d->attr.swiglu =
        m->options & 1
            ? (nf_swiglu_attrs){.alpha = 1.702f, .beta = 1, .limit = 7, .interleaved = m->options & 2}
            : (nf_swiglu_attrs){.alpha = 1, .interleaved = m->options & 2};
    break;
  case NF_OP_router_topk:
    d->attr.router_topk = (nf_router_topk_attrs){.k = m->q[NF_Q_TOPK], .over_all = m->options & 2};
    d->in[0] = NF_TYPE(m->act, t, NF_C(m->q[NF_Q_E]));
    if (m->options & 1) d->in[1] = NF_TYPE(NF_I32, t, j);
    break;
  case NF_OP_combine:
    d->in[0] = NF_TYPE(m->act, t, j, k);
    d->in[1] = NF_TYPE(NF_F32, t, j);
    break;
  default:
    break;
  }
  return nf_op_infer(d);
}

static nf_status make(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T);
  switch (d->op) {
  case NF_OP_attention:
  case NF_OP_kv_write:
    return make_attention(m, d, t);
  case NF_OP_linear:
  case NF_OP_grouped_linear:
    return make_linear(m, d, t);
  case NF_OP_rope:
  case NF_OP_rope_table:
    return make_rope(m, d, t);
  case NF_OP_pad:
  case NF_OP_unpad:
  case NF_OP_all_reduce:
  case NF_OP_all_gather:
  case NF_OP_rank_ids:
  case NF_OP_add_rms_norm:
  case NF_OP_all_reduce_rms_norm:
  case NF_OP_all_reduce_add_rms_norm:
    return nf_case_make_fused(d, m);
  case NF_OP_rms_norm_quantise:
  case NF_OP_add_rms_norm_quantise:
  case NF_OP_all_reduce_rms_norm_quantise:
  case NF_OP_all_reduce_add_rms_norm_quantise:
    return nf_case_make_quantised(d, m);
  case NF_OP_rms_norm_gated_quantise:
  case NF_OP_silu_mul:
  case NF_OP_sigmoid_mul:
    return nf_case_make_gated(d, m);
  case NF_OP_causal_conv1d:
  case NF_OP_gated_delta_rule:
    return make_recurrent(m, d, t);
  case NF_OP_qk_rope_write:
  case NF_OP_experts_swiglu:
  case NF_OP_experts_silu:
    return nf_case_make_block(d, m);
  default:
    return make_rows(m, d, t);
  }
}

nf_status nf_case_make(nf_op op, const nf_dims *m, nf_case *out) {
  const int64_t sequences = m->past ? 1 : m->tokens <= 2 ? nf_max(1, m->tokens) : m->tokens <= 8 ? 4 : 6;
  *out = (nf_case){.d.op = op, .dims = *m, .at = nf_sizes_of(m->tokens, sequences, nf_min(m->tokens, 3))};
  NF_TRY(make(&out->d, m));
  return nf_case_pad(&out->d, m);
}

void nf_case_print(const nf_case *c, char *out, size_t size) {
  const nf_op_info *info = nf_op_of(c->d.op);
  nf_text t = {0};
  for (int i = 0; i < info->n_in; i++) {
    if (c->d.in[i].dtype == NF_NONE) continue;
    nf_text_printf(&t, "%s ", info->in[i].name);
    nf_type_print(&c->d.in[i], &t);
    nf_text_printf(&t, ", ");
  }
  nf_text_printf(&t, "T %lld%s", (long long)c->dims.tokens, c->exact ? ", exact" : "");
  if (info->flags & NF_OP_COMM) nf_text_printf(&t, ", world %lld", (long long)c->dims.world);
  snprintf(out, size, "%s", t.failed ? "?" : t.at);
  nf_text_deinit(&t);
}

// Rows of a packed weight are whole groups of columns that share a scale, or it has no size.
static bool packable(const nf_variant *v, const nf_op_desc *d) {
  if (nf_pack_is_plain(v->pack)) return true;
  NF_FOR_PACKED(w, d)
  if (d->in[w].dtype == NF_MXFP4 && d->in[w].dim[d->in[w].rank - 1].c % nf_dtype_of(NF_MXFP4)->group_cols)
    return false;
  return true;
}

bool nf_case_legal(const nf_variant *v, const nf_hw *hw, const nf_case *c) {
  if (!packable(v, &c->d)) return false;
  nf_selection s;
  nf_hw here = *hw;
  nf_op_desc d = c->d;
  const nf_select_options o = {.least = c->at, .most = c->at};
  here.backend = NF_BACKEND_CPU;
  here.world = (int)c->dims.world;
  NF_FOR_PACKED(w, &d) d.in[w].pack = NF_PACK_ANY;
  nf_select_from(v, 1, &here, &d, &o, &s);
  return s.chosen != NULL;
}

static bool made(nf_op op, const nf_dims *m, const nf_case *like, nf_case *out) {
  nf_status st = nf_case_make(op, m, out);
  const bool ok = nf_is_ok(st);
  nf_status_free(st);
  if (like) out->exact = like->exact, out->seed = like->seed;
  return ok;
}

enum { DTYPES = 3 * 5 * 7 }; // all triples of set_dtypes

#define PICK(list, i) (list)[(size_t)(i) % (sizeof(list) / sizeof *(list))]

// Lengths of these lists are different primes, so that all pairs of values come up.
static nf_dims dims_of(int i) {
  static const int64_t k[] = {64, 33, 1, 96, 32, 31, 131, 2, 290, 65, 128}, n[] = {4, 1, 17, 5, 32, 3, 33};
  static const int64_t t[] = {1, 7, 2, 33, 0}, head[] = {64, 8, 66, 32, 6, 80, 128};
  static const int64_t taps[] = {4, 2, 3}, value[] = {16, 32, 5, 128, 7},
                       inner[] = {32, 64, 5, 160, 1, 96, 40};
  static const int64_t experts[] = {4, 8, 5}, topk[] = {2, 4, 1, 3, 4}, group[] = {1, 4, 8},
                       page[] = {16, 64, 5};
  return (nf_dims){.q = {[NF_Q_K] = PICK(k, i),
                         [NF_Q_N] = PICK(n, i),
                         [NF_Q_E] = PICK(experts, i),
                         [NF_Q_TOPK] = PICK(topk, i / 2),
                         [NF_Q_HEAD] = PICK(head, i),
                         [NF_Q_GROUP] = PICK(group, i),
                         [NF_Q_PAGE] = PICK(page, i + i / 3),
                         [NF_Q_TAPS] = PICK(taps, i),
                         [NF_Q_VALUE] = PICK(value, i),
                         [NF_Q_INNER] = PICK(inner, i)},
                   .kv_heads = 1 + i % 2,
                   .tokens = PICK(t, i),
                   .world = 1 + i % NF_MAX_WORLD,
                   .options = (unsigned)(i + i / 4)};
}

static void set_dtypes(nf_dims *m, int i) {
  static const nf_dtype act[] = {NF_F32, NF_BF16, NF_F16}, out[] = {NF_F32, NF_BF16, NF_F16, NF_BF16, NF_F32};
  static const nf_dtype weight[] = {NF_BF16,      NF_MXFP4, NF_FP8_ROW,  NF_F32,
                                    NF_FP8_BLOCK, NF_F16,   NF_FP8_BLOCK};
  m->act = PICK(act, i);
  m->out = PICK(out, i);
  m->weight = PICK(weight, i);
}

bool nf_case_for(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_case *out) {
  const nf_case like = {.exact = i % 2, .seed = nf_check_hash(seed, (uint64_t)i)};
  for (int dtypes = 0; dtypes < DTYPES; dtypes++) {
    nf_dims m = dims_of(i);
    set_dtypes(&m, i + dtypes); // first: packs and bytes follow from them
    for (int pass = 0; pass < 2; pass++)
      for (int l = 0; l < NF_MAX_LIMITS && v->limit[l].relation; l++) nf_dims_obey(&m, &v->limit[l]);
    if (v->op == NF_OP_swiglu) m.q[NF_Q_K] += m.q[NF_Q_K] % 2;
    if (v->op == NF_OP_rope_table) m.q[NF_Q_HEAD] += m.q[NF_Q_HEAD] % 2;
    if (made(v->op, &m, &like, out) && nf_case_legal(v, hw, out)) return true;
  }
  return false;
}

bool nf_case_at(const nf_limit *l, const nf_case *c, nf_case *out) {
  nf_dims m = c->dims;
  if (!nf_dims_at(&m, l)) return false;
  if (l->quantity == NF_Q_E || l->quantity == NF_Q_TOPK) { // keep what else they multiply small
    m.q[NF_Q_K] = nf_min(m.q[NF_Q_K], 32);
    if (c->d.op == NF_OP_router_topk) m.q[NF_Q_E] = nf_max(m.q[NF_Q_E], m.q[NF_Q_TOPK]);
  }
  if (l->quantity != NF_Q_BYTES) m.tokens = nf_min(m.tokens, 2);
  return made(c->d.op, &m, c, out);
}

static bool dtypes_beyond(const nf_limit *l, const nf_case *c, nf_case *out) {
  nf_dims m = c->dims;
  for (int i = 0; i < DTYPES; i++) {
    set_dtypes(&m, i);
    if (made(c->d.op, &m, c, out) && !nf_limit_holds(l, &out->d, NULL)) return true;
  }
  return false;
}

bool nf_case_beyond(const nf_limit *l, const nf_case *c, nf_case *out) {
  if (l->relation == NF_DTYPE_IN) return dtypes_beyond(l, c, out);
  // Two steps, as some ops want even extents.
  for (int step = 1; step <= 2; step++) {
    nf_dims m = c->dims;
    if (!nf_dims_beyond(&m, l, step)) return false;
    if (c->d.op == NF_OP_router_topk) m.q[NF_Q_E] = nf_max(m.q[NF_Q_E], m.q[NF_Q_TOPK]);
    if (!made(c->d.op, &m, c, out)) continue;
    const nf_site site = {.at = out->at, .world = (int)m.world};
    if (!nf_limit_holds(l, &out->d, &site)) return true;
  }
  return false;
}

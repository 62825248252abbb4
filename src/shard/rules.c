// SPDX-License-Identifier: Apache-2.0
// Rules: what an op of each kind makes of operands that are split or partial. Its traits say of which kind an
// op is.
#include "base/checked.h"
#include "op/traits.h"
#include "shard/state.h"

static const nf_node *node_of(const nf_sharding *s, nf_node_id n) { return &s->g->node[n]; }
static const nf_piece *operand(const nf_sharding *s, nf_node_id n, int i) {
  return &s->piece[node_of(s, n)->in[i]];
}
static int rank_of(const nf_sharding *s, nf_node_id n, int i) {
  return s->g->value[node_of(s, n)->in[i]].type.rank;
}
static int64_t extent_of(const nf_sharding *s, nf_node_id n, int i, int dim) {
  return s->g->value[node_of(s, n)->in[i]].type.dim[dim].c;
}

// Split operands first: without the split a partial one may be fine.
nf_status nf_shard_plain(nf_sharding *s, nf_node_id n) {
  const nf_op_info *info = nf_op_of(node_of(s, n)->op);
  bool whole = true;
  for (int i = 0; i < info->n_in; i++)
    if (operand(s, n, i)->spread == NF_SPLIT) whole &= nf_shard_whole(s, node_of(s, n)->in[i], n);
  for (int i = 0; whole && i < info->n_in; i++) whole = nf_shard_whole(s, node_of(s, n)->in[i], n);
  for (int i = 0; whole && i < nf_node_results(node_of(s, n)); i++) nf_shard_result(s, n, i, (nf_piece){0});
  return nf_ok();
}

// a and b are split alike, and of one region from now on.
static bool alike(nf_sharding *s, const nf_piece *a, const nf_piece *b) {
  bool same = a->spread == NF_SPLIT && b->spread == NF_SPLIT && a->dim == b->dim && a->n == b->n;
  for (int i = 0; same && i < a->n; i++) same = a->size[i] == b->size[i];
  return same && nf_region_merge(s, a, b);
}

static bool is_cut_at(const nf_piece *p, int dim) { return p->spread == NF_SPLIT && p->dim == dim; }

static nf_status pass_if(bool fine, nf_sharding *s, nf_node_id n, nf_piece p) {
  return fine ? nf_shard_pass(s, n, p) : nf_shard_plain(s, n);
}

// ---- one operand after the other ----

// Each row alone, zeros to zeros.
static nf_status shard_elementwise(nf_sharding *s, nf_node_id n, nf_piece *x) {
  return pass_if(x->spread == NF_SPLIT || x->spread == NF_EXPERT_PARALLEL, s, n, *x);
}

static nf_status shard_shifted(nf_sharding *s, nf_node_id n, nf_piece *x) {
  return pass_if(x->spread == NF_SPLIT, s, n, *x);
}

// Scales of groups are the unsplit row's if no group is split; a rank's part of a row has its own scale.
static nf_status shard_scales(nf_sharding *s, nf_node_id n, nf_piece *x) {
  const bool groups = node_of(s, n)->attr.quantise.to == NF_FP8_GROUP && is_cut_at(x, rank_of(s, n, 0) - 1);
  for (int i = 0; groups && i < x->n; i++)
    if (!nf_region_require(nf_region_of(s, x), x->size[i], 128)) return nf_shard_plain(s, n);
  return shard_elementwise(s, n, x);
}

// Ops of one result that want whole last dimensions of the first operand, and all of the others.
static nf_status shard_rows(nf_sharding *s, nf_node_id n, nf_piece *x) {
  bool fine = x->spread == NF_SPLIT && x->dim != rank_of(s, n, 0) - 1 && nf_node_results(node_of(s, n)) == 1;
  for (int i = 1; i < nf_op_of(node_of(s, n)->op)->n_in; i++)
    fine &= operand(s, n, i)->spread == NF_REPLICATED;
  return pass_if(fine, s, n, *x);
}

// Ops that want a whole first dimension.
static nf_status shard_columns(nf_sharding *s, nf_node_id n, nf_piece *x) {
  return pass_if(x->spread == NF_SPLIT && x->dim != 0, s, n, *x);
}

// Of columns that are split in segments, some whole ones.
static nf_status shard_narrow(nf_sharding *s, nf_node_id n, nf_piece *x) {
  const nf_narrow_attrs *a = &node_of(s, n)->attr.narrow;
  nf_piece y = *x;
  int64_t at = 0;
  if (!is_cut_at(x, rank_of(s, n, 0) - 1)) return shard_rows(s, n, x);
  y.n = 0;
  for (int i = 0; i < x->n; at += x->size[i++])
    if (at >= a->start && at + x->size[i] <= a->start + a->size) y.size[y.n++] = x->size[i];
  int64_t size = 0;
  for (int i = 0; i < y.n; i++) size += y.size[i];
  return pass_if(size == a->size, s, n, y);
}

// Halves side by side, of a linear of which nothing else is known: each half is split by itself.
static bool halve(nf_sharding *s, nf_node_id n, nf_piece *x) {
  const nf_val v = node_of(s, n)->in[0];
  const nf_node_id from = s->g->value[v].node;
  if (x->n != 1 || x->region != from || s->readers[v] != 1) return x->n == 2 && x->size[0] == x->size[1];
  if (!nf_region_require(nf_region_of(s, x), x->size[0] / 2, 1)) return false;
  for (int i = -1; i < NF_MAX_IN; i++) {
    nf_piece *p = i < 0 ? &s->piece[v] : &s->want[from][i];
    if (p->spread != NF_SPLIT) continue;
    p->n = 2;
    p->size[0] = p->size[1] = p->size[0] / 2;
  }
  return true;
}

static nf_status shard_gated_halves(nf_sharding *s, nf_node_id n, nf_piece *x) {
  if (!is_cut_at(x, rank_of(s, n, 0) - 1)) return shard_elementwise(s, n, x);
  const int64_t inner = extent_of(s, n, 0, x->dim) / 2;
  const bool fine = node_of(s, n)->attr.swiglu.interleaved ? x->n == 1 : halve(s, n, x);
  if (!fine || !nf_region_require(nf_region_of(s, x), inner, 1)) return nf_shard_plain(s, n);
  nf_piece y = *x;
  y.n = 1;
  y.size[0] = inner;
  return nf_shard_pass(s, n, y);
}

// The dimension of `to` before which there are as many elements as before `dim` of x; -1: there is none.
static int same_place(const nf_type *x, int dim, const nf_shape *to) {
  nf_type front = nf_type_make(x->dtype, x->dim, (size_t)dim + 1), y;
  nf_extent before, there;
  if (!nf_type_rows(&front, &before)) return -1;
  for (int i = 0; i < to->rank; i++) {
    y = nf_type_make(x->dtype, to->dim, (size_t)i + 1);
    if (nf_type_rows(&y, &there) && nf_extent_equal(before, there)) return i;
  }
  return -1;
}

static nf_status shard_reshape(nf_sharding *s, nf_node_id n, nf_piece *x) {
  const nf_shape *to = &node_of(s, n)->attr.reshape.to;
  if (x->spread == NF_PARTIAL) return nf_shard_pass(s, n, *x);
  if (x->spread != NF_SPLIT || x->n != 1) return nf_shard_plain(s, n);
  nf_piece y = *x;
  y.dim = same_place(&s->g->value[node_of(s, n)->in[0]].type, x->dim, to);
  if (y.dim < 0 || to->dim[y.dim].sym != NF_CONST) return nf_shard_plain(s, n);
  y.size[0] = to->dim[y.dim].c;
  return pass_if(nf_region_require(nf_region_of(s, x), y.size[0], 1), s, n, y);
}

// ---- two and more ----

static bool is_addend(const nf_piece *p) {
  return p->spread == NF_PARTIAL || p->spread == NF_EXPERT_PARALLEL;
}

static nf_status shard_sum(nf_sharding *s, nf_node_id n, nf_piece *a) {
  const nf_piece *b = operand(s, n, 1);
  if (alike(s, a, b)) return nf_shard_pass(s, n, *a);
  if (!is_addend(a) || !is_addend(b)) return nf_shard_plain(s, n);
  return nf_shard_pass(s, n, (nf_piece){.spread = a->spread == b->spread ? a->spread : NF_PARTIAL});
}

static nf_status shard_product(nf_sharding *s, nf_node_id n, nf_piece *a) {
  const nf_piece *b = operand(s, n, 1);
  const int last = rank_of(s, n, 0) - 1;
  const bool shared = extent_of(s, n, 1, last) == 1 && b->spread == NF_REPLICATED && is_cut_at(a, last);
  if (shared || alike(s, a, b) || (is_addend(a) && b->spread == NF_REPLICATED))
    return nf_shard_pass(s, n, *a);
  if (a->spread == NF_EXPERT_PARALLEL && b->spread == NF_EXPERT_PARALLEL) return nf_shard_pass(s, n, *a);
  if (a->spread == NF_REPLICATED && is_addend(b)) return nf_shard_pass(s, n, *b);
  return nf_shard_plain(s, n);
}

static nf_status shard_gated_norm(nf_sharding *s, nf_node_id n, nf_piece *x) {
  const bool fine = x->dim != rank_of(s, n, 0) - 1 && alike(s, x, operand(s, n, 1));
  return pass_if(fine, s, n, *x);
}

static nf_status shard_combine(nf_sharding *s, nf_node_id n, nf_piece *x) {
  if (!nf_shard_whole(s, node_of(s, n)->in[1], n)) return nf_ok();
  if (is_addend(x)) return nf_shard_pass(s, n, (nf_piece){.spread = NF_PARTIAL});
  return pass_if(is_cut_at(x, 2), s, n, nf_piece_at(*x, 1));
}

// Side by side, split columns are segments of the result; rows that are split alike stay rows.
static nf_status shard_concat(nf_sharding *s, nf_node_id n, nf_piece *a) {
  const int last = rank_of(s, n, 0) - 1;
  nf_piece y = *a;
  bool fine = y.spread == NF_SPLIT;
  for (int i = 1; fine && i < nf_op_of(node_of(s, n)->op)->n_in; i++) {
    const nf_piece *x = operand(s, n, i);
    if (node_of(s, n)->in[i] == 0) continue;
    if (y.dim != last) {
      fine = alike(s, &y, x);
      continue;
    }
    fine = is_cut_at(x, last) && y.n + x->n <= NF_MAX_SEGMENTS && nf_region_merge(s, &y, x);
    for (int k = 0; fine && k < x->n; k++) y.size[y.n++] = x->size[k];
  }
  return pass_if(fine, s, n, y);
}

// ---- heads and states ----

// A pool is split where what is written to it is: operand i, in dimension `dim` as p is.
static bool takes_pool(nf_sharding *s, nf_node_id n, int i, const nf_piece *p, int dim) {
  const nf_val v = node_of(s, n)->in[i];
  const nf_piece want = nf_piece_at(*p, dim);
  if (s->g->value[v].kind == NF_VALUE_RESULT) return alike(s, &want, &s->piece[v]);
  s->want[n][i] = want;
  return true;
}

static bool takes_weight(nf_sharding *s, nf_node_id n, int i, const nf_piece *p) {
  if (node_of(s, n)->in[i] == 0) return true;
  s->want[n][i] = nf_piece_at(*p, 0);
  return nf_shard_sliceable(s, node_of(s, n)->in[i]);
}

static nf_status shard_kv_write(nf_sharding *s, nf_node_id n, nf_piece *k) {
  const nf_piece *v = operand(s, n, 1);
  const bool fine = is_cut_at(k, 1) && alike(s, k, v) && takes_pool(s, n, 2, k, 1);
  return pass_if(fine, s, n, *k);
}

static nf_status shard_attention(nf_sharding *s, nf_node_id n, nf_piece *q) {
  const nf_piece *kv = operand(s, n, 1);
  if (!is_cut_at(q, 1) || !is_cut_at(kv, 1) || !takes_weight(s, n, 2, q)) return nf_shard_plain(s, n);
  NF_TRY(nf_region_heads(s, n, q, q->size[0], "query heads", false));
  NF_TRY(nf_region_heads(s, n, kv, kv->size[0], "key and value heads", true));
  return nf_shard_pass(s, n, *q);
}

static nf_status shard_convolution(nf_sharding *s, nf_node_id n, nf_piece *x) {
  if (!is_cut_at(x, 1) || !takes_weight(s, n, 1, x) || !takes_pool(s, n, 2, x, 1))
    return nf_shard_plain(s, n);
  nf_shard_result(s, n, 1, *x);
  return nf_shard_pass(s, n, *x);
}

static nf_status shard_delta_rule(nf_sharding *s, nf_node_id n, nf_piece *qkv) {
  enum { QKV, B, A, A_LOG, DT_BIAS, STATE };
  const nf_piece *b = operand(s, n, B), *a = operand(s, n, A);
  const int64_t heads = extent_of(s, n, STATE, 0), key = extent_of(s, n, STATE, 1),
                value = extent_of(s, n, STATE, 2);
  bool fine =
      is_cut_at(qkv, 1) && qkv->n == 3 && qkv->size[0] == qkv->size[1] && qkv->size[2] == heads * value;
  fine = fine && is_cut_at(b, 1) && alike(s, b, a) && nf_region_merge(s, qkv, b);
  fine =
      fine && takes_weight(s, n, A_LOG, b) && takes_weight(s, n, DT_BIAS, b) && takes_pool(s, n, STATE, b, 0);
  if (!fine) return nf_shard_plain(s, n);
  NF_TRY(nf_region_heads(s, n, qkv, qkv->size[0] / key, "key heads of the delta rule", false));
  nf_shard_result(s, n, 1, nf_piece_at(*b, 0));
  return nf_shard_pass(s, n, nf_piece_at(*b, 1));
}

nf_status nf_shard_visit(nf_sharding *s, nf_node_id n) {
  static nf_status (*const rules[NF_SHARD_REPLICATED + 1])(nf_sharding *, nf_node_id, nf_piece * x) = {
      [NF_SHARD_LINEAR] = nf_shard_linear,
      [NF_SHARD_GROUPED_LINEAR] = nf_shard_grouped_linear,
      [NF_SHARD_EMBEDDING] = nf_shard_embedding,
      [NF_SHARD_ELEMENTWISE] = shard_elementwise,
      [NF_SHARD_SHIFTED] = shard_shifted,
      [NF_SHARD_SCALES] = shard_scales,
      [NF_SHARD_GATED_HALVES] = shard_gated_halves,
      [NF_SHARD_ROWS] = shard_rows,
      [NF_SHARD_COLUMNS] = shard_columns,
      [NF_SHARD_RESHAPE] = shard_reshape,
      [NF_SHARD_NARROW] = shard_narrow,
      [NF_SHARD_SUM] = shard_sum,
      [NF_SHARD_PRODUCT] = shard_product,
      [NF_SHARD_GATED_NORM] = shard_gated_norm,
      [NF_SHARD_COMBINE] = shard_combine,
      [NF_SHARD_CONCAT] = shard_concat,
      [NF_SHARD_KV_WRITE] = shard_kv_write,
      [NF_SHARD_ATTENTION] = shard_attention,
      [NF_SHARD_CONVOLUTION] = shard_convolution,
      [NF_SHARD_DELTA_RULE] = shard_delta_rule,
  };
  const nf_shard_kind kind = nf_traits_of(node_of(s, n)->op)->shard;
  return rules[kind] ? rules[kind](s, n, &s->piece[node_of(s, n)->in[0]]) : nf_shard_plain(s, n);
}

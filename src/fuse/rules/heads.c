// SPDX-License-Identifier: Apache-2.0
// Queries and keys turned, perhaps normalised before, with the writing of keys and values. The attention that
// reads both is a part of the pattern, and stays: it says which queries and keys belong together.
#include "fuse/rules/join.h"

enum { HEADS = 4, KV_HEADS = 2, PAGE = 4 };

enum {
  NORMS = 1,
  NARROW = 2,
  LINEARS = 4
}; // parts; narrow: queries are some of the columns; linears: that make all three

static const char *const results[] = {"q.flat", "k.flat", "v.flat"}, *const weights[] = {"q.w", "k.w", "v.w"},
                         *const biases[] = {"q.b", "k.b", "v.b"};

// ---- patterns ----

// `norm` of x, by the weight `w`; and turned.
static nf_val turned(nf_side *s, nf_val x, const char *norm, const char *w, const char *name, nf_val table) {
  const nf_example *e = s->example;
  if (norm) {
    const nf_val weight = nf_leaf(s, w, NF_TYPE(e->weight, NF_C(2 * e->columns)));
    x = NF_BUILD(s->b, norm, rms_norm, (x, weight), .eps = e->eps, .one_plus = e->flag);
    nf_any(s, x, "eps");
    nf_any(s, x, "one_plus");
  }
  return NF_BUILD(s->b, name, rope, (x, table), );
}

// Heads from outside, or of linear i of x.
static nf_val heads(nf_side *s, const char *name, int i, int64_t n, nf_val x) {
  const nf_example *e = s->example;
  const nf_extent t = NF_BY(1, NF_T), head = NF_C(2 * e->columns), rows = NF_C(n * head.c);
  if (!x) return nf_leaf(s, name, NF_TYPE(e->dtype, t, NF_C(n), head));
  const nf_val w = nf_leaf_weight(s, weights[i], NF_TYPE(e->weight, rows, NF_C(e->columns)), false);
  const nf_val b = nf_leaf_weight(s, biases[i], NF_TYPE(e->weight, rows), true);
  const nf_val y = NF_BUILD(s->b, results[i], linear, (x, w, b), .out = e->dtype);
  const nf_val apart = NF_BUILD(s->b, name, reshape, (y), .to = {3, {t, NF_C(n), head}});
  nf_any(s, y, "out");
  nf_any(s, apart, "to");
  return apart;
}

static nf_val narrow_query(nf_side *s) {
  const nf_example *e = s->example;
  const int64_t head = 2 * e->columns;
  const nf_val q = nf_leaf(s, "q", NF_TYPE(e->dtype, NF_BY(1, NF_T), NF_C(HEADS), NF_C(2 * head)));
  const nf_val part = NF_BUILD(s->b, "query", narrow, (q), .start = e->flag ? head : 0, .size = head);
  nf_any(s, part, "start");
  nf_any(s, part, "size");
  return part;
}

static void pattern(nf_side *s) {
  const unsigned parts = s->rule->parts;
  const nf_example *e = s->example;
  const nf_extent t = NF_BY(1, NF_T), head = NF_C(2 * e->columns);
  nf_type slot = NF_TYPE(e->dtype, NF_C(2), NF_C(KV_HEADS), NF_C(PAGE), head);
  slot.cache = NF_CACHE_FULL;
  const nf_val x = parts & LINEARS ? nf_leaf_rows(s, "x") : 0;
  const nf_val query = parts & NARROW ? narrow_query(s) : heads(s, "q", 0, HEADS, x);
  const nf_val k = heads(s, "k", 1, KV_HEADS, x), v = heads(s, "v", 2, KV_HEADS, x);
  const nf_val table = nf_leaf(s, "table", NF_TYPE(NF_F32, t, NF_C(e->flag ? head.c / 4 * 2 : head.c)));
  const nf_val q = turned(s, query, parts & NORMS ? "q.norm" : NULL, "q.norm.w", "q.rope", table);
  const nf_val keys = turned(s, k, parts & NORMS ? "k.norm" : NULL, "k.norm.w", "k.rope", table);
  const nf_val written = NF_BUILD(s->b, "written", kv_write, (keys, v, nf_leaf(s, "cache", slot)), );
  const nf_val sinks = nf_leaf_maybe(s, "sinks", NF_TYPE(e->weight, NF_C(HEADS)));
  const nf_val o = NF_BUILD(s->b, "o", attention, (q, written, sinks), .scale = 0.5f);
  nf_any(s, o, "scale");
  nf_any(s, o, "window");
  nf_yield(s, q);
  nf_yield(s, written);
  nf_yield(s, o);
}

// ---- replacements ----

// Queries, keys and values of one linear, one's heads behind another's.
static nf_val all_heads(nf_side *s) {
  const nf_type *q = nf_found_type(s, "q"), *k = nf_found_type(s, "k");
  const nf_val w = nf_replace_joined(s, "joined.w", weights, 3);
  const nf_val b = nf_found(s, biases[0]) ? nf_replace_joined(s, "joined.b", biases, 3) : 0;
  const nf_val all = NF_BUILD(s->b, "joined", linear, (nf_found(s, "x"), w, b),
                              .out = nf_found_attrs(s, results[0])->linear.out);
  const nf_shape to = {3, {q->dim[0], NF_C(q->dim[1].c + 2 * k->dim[1].c), q->dim[2]}};
  return NF_BUILD(s->b, "joined.heads", reshape, (all), .to = to);
}

static void replacement(nf_side *s) {
  const unsigned parts = s->rule->parts;
  const nf_attention_attrs *attention = &nf_found_attrs(s, "o")->attention;
  const nf_rms_norm_attrs none = {0}, *norm = parts & NORMS ? &nf_found_attrs(s, "q.norm")->rms_norm : &none;
  const nf_val q = parts & LINEARS ? all_heads(s) : nf_found(s, "q"),
               k = parts & LINEARS ? 0 : nf_found(s, "k"), v = parts & LINEARS ? 0 : nf_found(s, "v");
  const nf_val y = NF_BUILD(s->b, "q.rope", qk_rope_write,
                            (q, k, v, nf_found(s, "table"), parts & NORMS ? nf_found(s, "q.norm.w") : 0,
                             parts & NORMS ? nf_found(s, "k.norm.w") : 0, nf_found(s, "cache")),
                            .eps = norm->eps, .one_plus = norm->one_plus,
                            .start = parts & NARROW ? nf_found_attrs(s, "query")->narrow.start : 0);
  const nf_val written = nf_build_result(s->b, y, 1);
  nf_yield(s, y);
  nf_yield(s, written);
  nf_yield(s, NF_BUILD(s->b, "o", attention, (y, written, nf_found(s, "sinks")), .scale = attention->scale,
                       .window = attention->window));
}

static bool applies(const nf_side *s, nf_text *why) {
  const unsigned parts = s->rule->parts;
  const bool agree = !(parts & NORMS) ||
                     nf_attrs_equal(NF_OP_rms_norm, nf_found_attrs(s, "q.norm"), nf_found_attrs(s, "k.norm"));
  if (!agree) nf_text_printf(why, "the norms of queries and keys have other attributes");
  return agree && (!(parts & LINEARS) || nf_can_merge(s, results, weights, biases, 3, why));
}

#define RULE(name_, family_, parts_, what_)                                               \
  {                                                                                       \
    .name = name_, .family = family_, .what = what_, .parts = parts_, .pattern = pattern, \
    .replacement = replacement, .applies = applies                                        \
  }

const nf_rule nf_rules_heads[] = {
    RULE("qk_rope_write", "qk_norm_rope_write", 0, "queries and keys turned, keys and values written"),
    RULE("qk_norm_rope_write", "qk_norm_rope_write", NORMS, "the same, normalised before"),
    RULE("qk_norm_rope_write_narrow", "qk_norm_rope_write", NORMS | NARROW,
         "the same, of queries that have a gate beside them"),
    RULE("merge_qkv", "merge_linears", LINEARS, "queries, keys and values of one linear, turned and written"),
    RULE("merge_qkv_norm", "merge_linears", NORMS | LINEARS, "the same, normalised before"),
    {0},
};

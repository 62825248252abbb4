// SPDX-License-Identifier: Apache-2.0
// Queries and keys rotated, perhaps normalised before, with the writing of keys and values. The attention
// that reads both is a part of the pattern, and stays: it says which queries and keys belong together.
#include "fuse/rule.h"

enum { HEADS = 4, KV_HEADS = 2, PAGE = 4 };

enum { NORMS = 1 }; // parts

// ---- patterns ----

// `norm` of x, by the weight `w`; and rotated.
static nf_val rotated(nf_side *s, nf_val x, const char *norm, const char *w, const char *name, nf_val table) {
  const nf_example *e = s->example;
  if (norm) {
    const nf_val weight = nf_leaf(s, w, NF_TYPE(e->weight, NF_C(2 * e->columns)));
    x = NF_BUILD(s->b, norm, rms_norm, (x, weight), .eps = e->eps, .one_plus = e->flag);
    nf_any(s, x, "eps");
    nf_any(s, x, "one_plus");
  }
  return NF_BUILD(s->b, name, rope, (x, table), );
}

static nf_val heads(nf_side *s, const char *name, int64_t n) {
  const nf_example *e = s->example;
  return nf_leaf(s, name, NF_TYPE(e->dtype, NF_BY(1, NF_T), NF_C(n), NF_C(2 * e->columns)));
}

static void heads_pattern(nf_side *s) {
  const bool norms = s->rule->parts & NORMS;
  const nf_example *e = s->example;
  const nf_extent t = NF_BY(1, NF_T), head = NF_C(2 * e->columns);
  nf_type slot = NF_TYPE(e->dtype, NF_C(2), NF_C(KV_HEADS), NF_C(PAGE), head);
  slot.cache = NF_CACHE_FULL;
  const nf_val query = heads(s, "q", HEADS), k = heads(s, "k", KV_HEADS), v = heads(s, "v", KV_HEADS);
  const nf_val table = nf_leaf(s, "table", NF_TYPE(NF_F32, t, NF_C(e->flag ? head.c / 4 * 2 : head.c)));
  const nf_val q = rotated(s, query, norms ? "q.norm" : NULL, "q.norm.w", "q.rope", table);
  const nf_val keys = rotated(s, k, norms ? "k.norm" : NULL, "k.norm.w", "k.rope", table);
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

static void heads_replacement(nf_side *s) {
  const bool norms = s->rule->parts & NORMS;
  const nf_attention_attrs *attention = &nf_found_attrs(s, "o")->attention;
  const nf_rms_norm_attrs none = {0}, *norm = norms ? &nf_found_attrs(s, "q.norm")->rms_norm : &none;
  const nf_val y = NF_BUILD(s->b, "q.rope", qk_rope_write,
                            (nf_found(s, "q"), nf_found(s, "k"), nf_found(s, "v"), nf_found(s, "table"),
                             norms ? nf_found(s, "q.norm.w") : 0, norms ? nf_found(s, "k.norm.w") : 0,
                             nf_found(s, "cache")),
                            .eps = norm->eps, .one_plus = norm->one_plus);
  const nf_val written = nf_build_result(s->b, y, 1);
  nf_yield(s, y);
  nf_yield(s, written);
  nf_yield(s, NF_BUILD(s->b, "o", attention, (y, written, nf_found(s, "sinks")), .scale = attention->scale,
                       .window = attention->window));
}

static bool norms_agree(const nf_side *s, nf_text *why) {
  if (!(s->rule->parts & NORMS) ||
      nf_attrs_equal(NF_OP_rms_norm, nf_found_attrs(s, "q.norm"), nf_found_attrs(s, "k.norm")))
    return true;
  nf_text_printf(why, "the norms of queries and keys have other attributes");
  return false;
}

const nf_rule nf_rules_heads[] = {
    NF_RULE(heads, "qk_rope_write", "qk_norm_rope_write", "queries and keys rotated, keys and values written",
            .applies = norms_agree),
    NF_RULE(heads, "qk_norm_rope_write", "qk_norm_rope_write", "the same, normalised before", .parts = NORMS,
            .applies = norms_agree),
    {0},
};

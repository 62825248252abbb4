// SPDX-License-Identifier: Apache-2.0
// Linears that read the same rows as one, whose weight joins theirs, and whose result their readers see parts
// of. The parts are copies: cost decides whether that pays. Where a kernel reads the parts in place a rule
// takes the reader in: gated products here, heads in heads.c.
#include "fuse/rules/join.h"

static const char *const results[] = {"a", "b", "c"}, *const weights[] = {"a.w", "b.w", "c.w"},
                         *const biases[] = {"a.b", "b.b", "c.b"};

enum { THREE = 1, QUANTISE = 2 }; // parts

static int count(const nf_side *s) { return s->rule->parts & THREE ? 3 : 2; }

static void pattern(nf_side *s) {
  const nf_example *e = s->example;
  const nf_val x = nf_leaf_rows(s, "x");
  for (int i = 0; i < count(s); i++) {
    const nf_extent rows = NF_C(3 + 2 * i);
    const nf_val w = nf_leaf_weight(s, weights[i], NF_TYPE(e->weight, rows, NF_C(e->columns)), false);
    const nf_val b = nf_leaf_weight(s, biases[i], NF_TYPE(e->weight, rows), true);
    const nf_val y = NF_BUILD(s->b, results[i], linear, (x, w, b), .out = e->dtype);
    nf_any(s, y, "out");
    nf_yield(s, y);
  }
}

static void replacement(nf_side *s) {
  const int n = count(s);
  const nf_val w = nf_replace_joined(s, "joined.w", weights, n);
  const nf_val b = nf_found(s, biases[0]) ? nf_replace_joined(s, "joined.b", biases, n) : 0;
  const nf_val all = NF_BUILD(s->b, "joined", linear, (nf_found(s, "x"), w, b),
                              .out = nf_found_attrs(s, results[0])->linear.out);
  for (int64_t i = 0, start = 0; i < n; i++) {
    const int64_t size = nf_found_type(s, weights[i])->dim[0].c;
    nf_yield(s, NF_BUILD(s->b, results[i], narrow, (all), .start = start, .size = size));
    start += size;
  }
}

static bool can_merge(const nf_side *s, nf_text *why) {
  for (int i = 1; i < count(s); i++)
    if (!nf_found_before(s, results[i - 1], results[i])) return false; // told once, in the graph's order
  return nf_can_merge(s, results, weights, biases, count(s), why);
}

// ---- gate and up, whose product is gated by SiLU ----

static void gated_pattern(nf_side *s) {
  const nf_example *e = s->example;
  const nf_val x = nf_leaf_rows(s, "x");
  nf_val y[2];
  for (int i = 0; i < 2; i++) {
    const nf_val w = nf_leaf_weight(s, weights[i], NF_TYPE(e->weight, NF_C(5), NF_C(e->columns)), false);
    const nf_val b = nf_leaf_weight(s, biases[i], NF_TYPE(e->weight, NF_C(5)), true);
    y[i] = NF_BUILD(s->b, results[i], linear, (x, w, b), .out = e->dtype);
    nf_any(s, y[i], "out");
  }
  const nf_val open = NF_BUILD(s->b, "open", silu, (y[0]), ), act = NF_BUILD(s->b, "y", mul, (open, y[1]), );
  nf_yield(s, s->rule->parts & QUANTISE ? nf_pattern_quantise(s, act) : act);
}

static void gated_replacement(nf_side *s) {
  const bool quantise = s->rule->parts & QUANTISE;
  const nf_val w = nf_replace_joined(s, "joined.w", weights, 2);
  const nf_val b = nf_found(s, biases[0]) ? nf_replace_joined(s, "joined.b", biases, 2) : 0;
  const nf_val all = NF_BUILD(s->b, "joined", linear, (nf_found(s, "x"), w, b),
                              .out = nf_found_attrs(s, results[0])->linear.out);
  nf_yield(s, NF_BUILD(s->b, quantise ? "codes" : "y", silu_mul, (all),
                       .quantise = quantise ? nf_found_attrs(s, "codes")->quantise.to : NF_NONE));
}

static bool can_merge_gated(const nf_side *s, nf_text *why) {
  if (nf_extent_equal(nf_found_type(s, weights[0])->dim[0], nf_found_type(s, weights[1])->dim[0]))
    return nf_can_merge(s, results, weights, biases, 2, why);
  nf_text_printf(why, "gate and up have other columns");
  return false;
}

const nf_rule nf_rules_merge[] = {
    {.name = "merge_2_linears",
     .family = "merge_linears",
     .what = "two linears of the same rows as one",
     .pattern = pattern,
     .replacement = replacement,
     .applies = can_merge},
    {.name = "merge_3_linears",
     .family = "merge_linears",
     .what = "three linears of the same rows as one",
     .parts = THREE,
     .pattern = pattern,
     .replacement = replacement,
     .applies = can_merge},
    {.name = "merge_gate_up",
     .family = "merge_linears",
     .what = "gate and up as one linear, with their gated product",
     .pattern = gated_pattern,
     .replacement = gated_replacement,
     .applies = can_merge_gated},
    {.name = "merge_gate_up_quantise",
     .family = "merge_linears",
     .what = "the same, quantised",
     .parts = QUANTISE,
     .pattern = gated_pattern,
     .replacement = gated_replacement,
     .applies = can_merge_gated},
    {0},
};

// SPDX-License-Identifier: Apache-2.0
// Gated products, silu(gate) up of MLPs and x sigmoid(gate) of attention and of shared experts, as they are
// and quantised. docs/add-a-fusion.md follows this file.
#include "fuse/rules/parts.h"

enum { QUANTISE = 1, HEADS = 2 }; // parts: codes of the product; heads side by side, each with its gate

static nf_val leaf(nf_side *s, const char *name) {
  return s->rule->parts & HEADS ? nf_leaf_heads(s, name) : nf_leaf_rows(s, name);
}

// Heads that are quantised side by side are seen so before the product too, which is a view.
static nf_val found(nf_side *s, const char *name) {
  return s->rule->parts & HEADS ? nf_replace_flat(s, name) : nf_found(s, name);
}

// What the product becomes.
static void yield(nf_side *s, nf_val y) {
  if (s->rule->parts & HEADS) y = nf_pattern_flat(s, y);
  nf_yield(s, s->rule->parts & QUANTISE ? nf_pattern_quantise(s, y) : y);
}

static nf_dtype to(const nf_side *s) {
  return s->rule->parts & QUANTISE ? nf_found_attrs(s, "codes")->quantise.to : NF_NONE;
}

static const char *name(const nf_side *s) { return s->rule->parts & QUANTISE ? "codes" : "y"; }

static void silu_pattern(nf_side *s) {
  const nf_val gate = leaf(s, "gate"), up = leaf(s, "up");
  const nf_val open = NF_BUILD(s->b, "open", silu, (gate), );
  yield(s, NF_BUILD(s->b, "y", mul, (open, up), ));
}

static void silu_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, name(s), silu_mul, (found(s, "gate"), found(s, "up")), .quantise = to(s)));
}

static void sigmoid_pattern(nf_side *s) {
  const nf_val x = leaf(s, "x"), gate = leaf(s, "gate");
  const nf_val open = NF_BUILD(s->b, "open", sigmoid, (gate), );
  yield(s, NF_BUILD(s->b, "y", mul, (x, open), ));
}

static void sigmoid_replacement(nf_side *s) {
  const nf_val x = found(s, "x"), gate = found(s, "gate");
  nf_yield(s, NF_BUILD(s->b, name(s), sigmoid_mul, (x, gate), .quantise = to(s)));
}

const nf_rule nf_rules_act[] = {
    NF_RULE(silu, "silu_mul", "act", "a product gated by SiLU"),
    NF_RULE(silu, "silu_mul_quantise", "act_quantise", "a product gated by SiLU, quantised",
            .parts = QUANTISE),
    NF_RULE(sigmoid, "sigmoid_mul", "act", "a product gated by sigmoid"),
    NF_RULE(sigmoid, "sigmoid_mul_quantise", "act_quantise", "a product gated by sigmoid, quantised",
            .parts = QUANTISE),
    NF_RULE(sigmoid, "sigmoid_mul_heads_quantise", "act_quantise", "the same of heads side by side",
            .parts = QUANTISE | HEADS),
    {0},
};

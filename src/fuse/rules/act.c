// SPDX-License-Identifier: Apache-2.0
// Gated products, silu(gate) up of MLPs and x sigmoid(gate) of attention and of shared experts, as they are
// and quantised. docs/add-a-fusion.md follows this file.
#include "fuse/rules/parts.h"

enum { QUANTISE = 1, HEADS = 2 }; // parts: codes of the product; heads side by side, each with its gate

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
  const nf_val gate = nf_leaf_rows(s, "gate"), up = nf_leaf_rows(s, "up");
  const nf_val open = NF_BUILD(s->b, "open", silu, (gate), );
  yield(s, NF_BUILD(s->b, "y", mul, (open, up), ));
}

static void silu_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, name(s), silu_mul, (nf_found(s, "gate"), nf_found(s, "up")), .quantise = to(s)));
}

static void sigmoid_pattern(nf_side *s) {
  const bool heads = s->rule->parts & HEADS;
  const nf_val x = heads ? nf_leaf_heads(s, "x") : nf_leaf_rows(s, "x");
  const nf_val gate = heads ? nf_leaf_heads(s, "gate") : nf_leaf_rows(s, "gate");
  const nf_val open = NF_BUILD(s->b, "open", sigmoid, (gate), );
  yield(s, NF_BUILD(s->b, "y", mul, (x, open), ));
}

// Of heads that are quantised side by side the operands are seen so too, which is a view.
static void sigmoid_replacement(nf_side *s) {
  const bool heads = s->rule->parts & HEADS;
  const nf_val x = heads ? nf_replace_flat(s, "x") : nf_found(s, "x");
  const nf_val gate = heads ? nf_replace_flat(s, "gate") : nf_found(s, "gate");
  nf_yield(s, NF_BUILD(s->b, name(s), sigmoid_mul, (x, gate), .quantise = to(s)));
}

#define SILU .pattern = silu_pattern, .replacement = silu_replacement
#define SIGMOID .pattern = sigmoid_pattern, .replacement = sigmoid_replacement

const nf_rule nf_rules_act[] = {
    {.name = "silu_mul", .family = "act", .what = "a product gated by SiLU", SILU},
    {.name = "silu_mul_quantise",
     .family = "act_quantise",
     .what = "a product gated by SiLU, quantised",
     .parts = QUANTISE,
     SILU},
    {.name = "sigmoid_mul", .family = "act", .what = "a product gated by sigmoid", SIGMOID},
    {.name = "sigmoid_mul_quantise",
     .family = "act_quantise",
     .what = "a product gated by sigmoid, quantised",
     .parts = QUANTISE,
     SIGMOID},
    {.name = "sigmoid_mul_heads_quantise",
     .family = "act_quantise",
     .what = "the same of heads side by side",
     .parts = QUANTISE | HEADS,
     SIGMOID},
    {0},
};

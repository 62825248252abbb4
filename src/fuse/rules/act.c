// SPDX-License-Identifier: Apache-2.0
// Gated products: silu(gate) up of MLPs, x sigmoid(gate) of attention and of shared experts; and quantised
// ones.
#include "fuse/rules/parts.h"

static nf_val pattern_sigmoid(nf_side *s, nf_val x, nf_val gate) {
  const nf_val open = NF_BUILD(s->b, "open", sigmoid, (gate), );
  return NF_BUILD(s->b, "y", mul, (x, open), );
}

// ---- as they are ----

static void silu_pattern(nf_side *s) {
  const nf_val gate = nf_leaf_rows(s, "gate"), up = nf_leaf_rows(s, "up");
  const nf_val open = NF_BUILD(s->b, "open", silu, (gate), );
  nf_yield(s, NF_BUILD(s->b, "y", mul, (open, up), ));
}
static void silu_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, "y", silu_mul, (nf_found(s, "gate"), nf_found(s, "up")), ));
}
const nf_rule nf_rule_silu_mul = {.name = "silu_mul",
                                  .family = "act",
                                  .what = "a product gated by SiLU",
                                  .pattern = silu_pattern,
                                  .replacement = silu_replacement};

static void sigmoid_pattern(nf_side *s) {
  nf_yield(s, pattern_sigmoid(s, nf_leaf_rows(s, "x"), nf_leaf_rows(s, "gate")));
}
static void sigmoid_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, "y", sigmoid_mul, (nf_found(s, "x"), nf_found(s, "gate")), ));
}
const nf_rule nf_rule_sigmoid_mul = {.name = "sigmoid_mul",
                                     .family = "act",
                                     .what = "a product gated by sigmoid",
                                     .pattern = sigmoid_pattern,
                                     .replacement = sigmoid_replacement};

// ---- quantised ----

static void sigmoid_quantise_pattern(nf_side *s) {
  nf_yield(s, nf_pattern_quantise(s, pattern_sigmoid(s, nf_leaf_rows(s, "x"), nf_leaf_rows(s, "gate"))));
}
static void sigmoid_quantise_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, "codes", sigmoid_mul, (nf_found(s, "x"), nf_found(s, "gate")),
                       .quantise = nf_found_attrs(s, "codes")->quantise.to));
}
const nf_rule nf_rule_sigmoid_mul_quantise = {.name = "sigmoid_mul_quantise",
                                              .family = "act_quantise",
                                              .what = "a product gated by sigmoid, quantised",
                                              .pattern = sigmoid_quantise_pattern,
                                              .replacement = sigmoid_quantise_replacement};

// ---- of heads that are quantised side by side: so are the operands, which is a view ----

static void heads_pattern(nf_side *s) {
  const nf_val y = pattern_sigmoid(s, nf_leaf_heads(s, "x"), nf_leaf_heads(s, "gate"));
  nf_yield(s, nf_pattern_quantise(s, nf_pattern_flat(s, y)));
}
static void heads_replacement(nf_side *s) {
  const nf_val x = nf_replace_flat(s, "x"), gate = nf_replace_flat(s, "gate");
  nf_yield(s, NF_BUILD(s->b, "codes", sigmoid_mul, (x, gate),
                       .quantise = nf_found_attrs(s, "codes")->quantise.to));
}
const nf_rule nf_rule_sigmoid_mul_heads_quantise = {.name = "sigmoid_mul_heads_quantise",
                                                    .family = "act_quantise",
                                                    .what = "the same of heads side by side",
                                                    .pattern = heads_pattern,
                                                    .replacement = heads_replacement};

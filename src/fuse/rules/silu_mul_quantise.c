// SPDX-License-Identifier: Apache-2.0
// A product gated by SiLU and what quantises it. docs/add-a-fusion.md follows this file.
#include "fuse/rules/parts.h"

static void pattern(nf_side *s) {
  const nf_val gate = nf_leaf_rows(s, "gate"), up = nf_leaf_rows(s, "up");
  const nf_val open = NF_BUILD(s->b, "open", silu, (gate), );
  const nf_val y = NF_BUILD(s->b, "y", mul, (open, up), );
  nf_yield(s, nf_pattern_quantise(s, y));
}

static void replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, "codes", silu_mul, (nf_found(s, "gate"), nf_found(s, "up")),
                       .quantise = nf_found_attrs(s, "codes")->quantise.to));
}

const nf_rule nf_rule_silu_mul_quantise = {.name = "silu_mul_quantise",
                                           .family = "act_quantise",
                                           .what = "a product gated by SiLU, quantised",
                                           .pattern = pattern,
                                           .replacement = replacement};

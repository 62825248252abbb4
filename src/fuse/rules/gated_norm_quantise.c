// SPDX-License-Identifier: Apache-2.0
// The gated norm of linear attention's heads, side by side and quantised. Its operands are seen side by side
// too, which is a view, so that the scales are those of the row that the next product reads.
#include "fuse/rules/parts.h"

static void pattern(nf_side *s) {
  const nf_val x = nf_leaf_heads(s, "x"), z = nf_leaf_heads(s, "z");
  const nf_val w = nf_leaf(s, "w", NF_TYPE(s->example->weight, NF_C(s->example->columns)));
  const nf_val y = NF_BUILD(s->b, "y", rms_norm_gated, (x, z, w), .eps = s->example->eps);
  nf_any(s, y, "eps");
  nf_yield(s, nf_pattern_quantise(s, nf_pattern_flat(s, y)));
}

// Where the rows of `flat` are not whole heads the op refuses.
static void replacement(nf_side *s) {
  const nf_val x = nf_replace_flat(s, "x"), z = nf_replace_flat(s, "z");
  nf_yield(s, NF_BUILD(s->b, "codes", rms_norm_gated_quantise, (x, z, nf_found(s, "w")),
                       .eps = nf_found_attrs(s, "y")->rms_norm_gated.eps,
                       .to = nf_found_attrs(s, "codes")->quantise.to));
}

const nf_rule nf_rule_rms_norm_gated_quantise = {.name = "rms_norm_gated_quantise",
                                                 .family = "gated_norm_quantise",
                                                 .what = "gated norms of heads, quantised side by side",
                                                 .pattern = pattern,
                                                 .replacement = replacement};

// SPDX-License-Identifier: Apache-2.0
// The residual's sum with the norm that follows it, and with the padding of what feeds the experts: the
// router reads the same rows, whose padding does not concern it.
#include "fuse/rules/parts.h"

// The fused node; its second result is the sum.
static nf_val replace(nf_side *s, int64_t pad) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  return NF_BUILD(s->b, "y", add_rms_norm, (nf_found(s, "x"), nf_found(s, "residual"), nf_found(s, "w")),
                  .eps = norm->eps, .one_plus = norm->one_plus, .pad = pad);
}

static void plain_pattern(nf_side *s) { nf_yield_norm(s, nf_pattern_sum(s, nf_leaf_rows(s, "x"))); }

static void plain_replacement(nf_side *s) { nf_yield_results(s, replace(s, 0), 2); }

const nf_rule nf_rule_add_rms_norm = {.name = "add_rms_norm",
                                      .family = "add_rms_norm",
                                      .what = "a residual's sum and its norm",
                                      .pattern = plain_pattern,
                                      .replacement = plain_replacement};

static void pad_pattern(nf_side *s) { nf_yield_norm_pad(s, nf_pattern_sum(s, nf_leaf_rows(s, "x"))); }

static void pad_replacement(nf_side *s) {
  nf_yield_results(s, replace(s, nf_found_attrs(s, "padded")->pad.to), 2);
}

const nf_rule nf_rule_add_rms_norm_pad = {.name = "add_rms_norm_pad",
                                          .family = "add_rms_norm_pad",
                                          .what = "a residual's sum and its norm, padded",
                                          .pattern = pad_pattern,
                                          .replacement = pad_replacement};

static void router_pattern(nf_side *s) {
  nf_yield_norm_router_pad(s, nf_pattern_sum(s, nf_leaf_rows(s, "x")));
}

static void router_replacement(nf_side *s) {
  nf_yield_results_and_router(s, replace(s, nf_found_attrs(s, "padded")->pad.to));
}

const nf_rule nf_rule_add_rms_norm_router_pad = {.name = "add_rms_norm_router_pad",
                                                 .family = "add_rms_norm_pad",
                                                 .what = "the same, where a router reads the norm too",
                                                 .pattern = router_pattern,
                                                 .replacement = router_replacement};

// SPDX-License-Identifier: Apache-2.0
// The residual's sum with the norm that follows it, and with the padding of what feeds the experts: the
// router reads the same rows, whose padding does not concern it.
#include "fuse/rules/parts.h"

static nf_val pattern_sum(nf_side *s) {
  const nf_val x = nf_leaf_rows(s, "x"), residual = nf_leaf_rows(s, "residual");
  return NF_BUILD(s->b, "sum", add, (x, residual), );
}

// The fused node; its second result is the sum.
static nf_val replace(nf_side *s, int64_t pad) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  return NF_BUILD(s->b, "y", add_rms_norm, (nf_found(s, "x"), nf_found(s, "residual"), nf_found(s, "w")),
                  .eps = norm->eps, .one_plus = norm->one_plus, .pad = pad);
}

static void plain_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s);
  nf_yield(s, nf_pattern_norm(s, sum));
  nf_yield(s, sum);
}

static void plain_replacement(nf_side *s) {
  const nf_val y = replace(s, 0);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_add_rms_norm = {.name = "add_rms_norm",
                                      .family = "add_rms_norm",
                                      .what = "a residual's sum and its norm",
                                      .pattern = plain_pattern,
                                      .replacement = plain_replacement};

static void pad_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s);
  nf_yield(s, nf_pattern_pad(s, nf_pattern_norm(s, sum)));
  nf_yield(s, sum);
}

static void pad_replacement(nf_side *s) {
  const nf_val y = replace(s, nf_found_attrs(s, "padded")->pad.to);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_add_rms_norm_pad = {.name = "add_rms_norm_pad",
                                          .family = "add_rms_norm_pad",
                                          .what = "a residual's sum and its norm, padded",
                                          .pattern = pad_pattern,
                                          .replacement = pad_replacement};

static void router_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s), norm = nf_pattern_norm(s, sum);
  nf_yield(s, nf_pattern_pad(s, norm));
  nf_yield(s, nf_pattern_router(s, norm));
  nf_yield(s, sum);
}

static void router_replacement(nf_side *s) {
  const nf_val y = replace(s, nf_found_attrs(s, "padded")->pad.to);
  nf_yield(s, y);
  nf_yield(s, nf_replace_router(s, y));
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_add_rms_norm_router_pad = {.name = "add_rms_norm_router_pad",
                                                 .family = "add_rms_norm_pad",
                                                 .what = "the same, where a router reads the norm too",
                                                 .pattern = router_pattern,
                                                 .replacement = router_replacement};

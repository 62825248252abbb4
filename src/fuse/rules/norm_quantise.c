// SPDX-License-Identifier: Apache-2.0
// Norms whose results are quantised, alone and with the residual's sum in front. Each in two forms: where
// others read the norm unquantised (a router, a gate, a projection that is not FP8) it is kept beside the
// codes.
#include "fuse/rules/parts.h"

// ---- rms_norm ----

static void norm_pattern(nf_side *s, bool keep) {
  const nf_val y = nf_pattern_norm(s, nf_leaf_rows(s, "x"));
  nf_yield(s, nf_pattern_quantise(s, y));
  if (keep) nf_yield(s, y);
}

static void norm_replacement(nf_side *s, bool keep) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  const nf_val y =
      NF_BUILD(s->b, "codes", rms_norm_quantise, (nf_found(s, "x"), nf_found(s, "w")), .eps = norm->eps,
               .one_plus = norm->one_plus, .to = nf_found_attrs(s, "codes")->quantise.to, .keep = keep);
  nf_yield_results(s, y, 1 + keep);
}

static void plain_pattern(nf_side *s) { norm_pattern(s, false); }
static void plain_replacement(nf_side *s) { norm_replacement(s, false); }
const nf_rule nf_rule_rms_norm_quantise = {.name = "rms_norm_quantise",
                                           .family = "norm_quantise",
                                           .what = "a norm that is quantised",
                                           .pattern = plain_pattern,
                                           .replacement = plain_replacement};

static void keep_pattern(nf_side *s) { norm_pattern(s, true); }
static void keep_replacement(nf_side *s) { norm_replacement(s, true); }
const nf_rule nf_rule_rms_norm_quantise_keep = {.name = "rms_norm_quantise_keep",
                                                .family = "norm_quantise",
                                                .what = "the same, where others read the norm too",
                                                .pattern = keep_pattern,
                                                .replacement = keep_replacement};

// ---- add and rms_norm. The sum may be read by others or by none ----

static void sum_pattern(nf_side *s, bool keep) {
  nf_yield_norm_quantise(s, nf_pattern_sum(s, nf_leaf_rows(s, "x")), keep);
}

static void sum_replacement(nf_side *s, bool keep) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  const nf_val y =
      NF_BUILD(s->b, "codes", add_rms_norm_quantise,
               (nf_found(s, "x"), nf_found(s, "residual"), nf_found(s, "w")), .eps = norm->eps,
               .one_plus = norm->one_plus, .to = nf_found_attrs(s, "codes")->quantise.to, .keep = keep);
  nf_yield_results(s, y, 2 + keep);
}

static void plain_sum_pattern(nf_side *s) { sum_pattern(s, false); }
static void plain_sum_replacement(nf_side *s) { sum_replacement(s, false); }
const nf_rule nf_rule_add_rms_norm_quantise = {.name = "add_rms_norm_quantise",
                                               .family = "norm_quantise",
                                               .what = "a residual's sum and its norm, quantised",
                                               .pattern = plain_sum_pattern,
                                               .replacement = plain_sum_replacement};

static void keep_sum_pattern(nf_side *s) { sum_pattern(s, true); }
static void keep_sum_replacement(nf_side *s) { sum_replacement(s, true); }
const nf_rule nf_rule_add_rms_norm_quantise_keep = {.name = "add_rms_norm_quantise_keep",
                                                    .family = "norm_quantise",
                                                    .what = "the same, where others read the norm too",
                                                    .pattern = keep_sum_pattern,
                                                    .replacement = keep_sum_replacement};

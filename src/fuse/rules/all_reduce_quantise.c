// SPDX-License-Identifier: Apache-2.0
// Sums over ranks with the norm that follows them and is quantised; in two forms, as norm_quantise.c's.
#include "fuse/rules/parts.h"

// ---- all_reduce and norm ----

static void norm_replacement(nf_side *s, bool keep) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  nf_yield_results(s,
                   NF_BUILD(s->b, "codes", all_reduce_rms_norm_quantise, (nf_found(s, "x"), nf_found(s, "w")),
                            .eps = norm->eps, .one_plus = norm->one_plus,
                            .to = nf_found_attrs(s, "codes")->quantise.to, .keep = keep),
                   2 + keep);
}

static void plain_pattern(nf_side *s) { nf_yield_norm_quantise(s, nf_pattern_reduced(s), false); }
static void plain_replacement(nf_side *s) { norm_replacement(s, false); }
const nf_rule nf_rule_all_reduce_rms_norm_quantise = {.name = "all_reduce_rms_norm_quantise",
                                                      .family = "all_reduce_rms_norm_quantise",
                                                      .what = "a sum over ranks and its norm, quantised",
                                                      .pattern = plain_pattern,
                                                      .replacement = plain_replacement};

static void keep_pattern(nf_side *s) { nf_yield_norm_quantise(s, nf_pattern_reduced(s), true); }
static void keep_replacement(nf_side *s) { norm_replacement(s, true); }
const nf_rule nf_rule_all_reduce_rms_norm_quantise_keep = {.name = "all_reduce_rms_norm_quantise_keep",
                                                           .family = "all_reduce_rms_norm_quantise",
                                                           .what = "the same, where others read the norm too",
                                                           .pattern = keep_pattern,
                                                           .replacement = keep_replacement};

// ---- all_reduce, add and norm ----

static void sum_replacement(nf_side *s, bool keep) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  nf_yield_results(s,
                   NF_BUILD(s->b, "codes", all_reduce_add_rms_norm_quantise,
                            (nf_found(s, "x"), nf_found(s, "residual"), nf_found(s, "w")), .eps = norm->eps,
                            .one_plus = norm->one_plus, .to = nf_found_attrs(s, "codes")->quantise.to,
                            .keep = keep),
                   2 + keep);
}

static void plain_sum_pattern(nf_side *s) {
  nf_yield_norm_quantise(s, nf_pattern_sum(s, nf_pattern_reduced(s)), false);
}
static void plain_sum_replacement(nf_side *s) { sum_replacement(s, false); }
const nf_rule nf_rule_all_reduce_add_rms_norm_quantise = {
    .name = "all_reduce_add_rms_norm_quantise",
    .family = "all_reduce_rms_norm_quantise",
    .what = "a sum over ranks, the residual's sum and its norm, quantised",
    .pattern = plain_sum_pattern,
    .replacement = plain_sum_replacement};

static void keep_sum_pattern(nf_side *s) {
  nf_yield_norm_quantise(s, nf_pattern_sum(s, nf_pattern_reduced(s)), true);
}
static void keep_sum_replacement(nf_side *s) { sum_replacement(s, true); }
const nf_rule nf_rule_all_reduce_add_rms_norm_quantise_keep = {
    .name = "all_reduce_add_rms_norm_quantise_keep",
    .family = "all_reduce_rms_norm_quantise",
    .what = "the same, where others read the norm too",
    .pattern = keep_sum_pattern,
    .replacement = keep_sum_replacement};

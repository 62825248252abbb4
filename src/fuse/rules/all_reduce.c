// SPDX-License-Identifier: Apache-2.0
// Sums over ranks with the norm that follows them, directly or behind the residual's sum.
#include "fuse/rules/parts.h"

// ---- all_reduce and norm: of the embedding, the reduced rows are the residual ----

static void norm_pattern(nf_side *s) { nf_yield_norm(s, nf_pattern_reduced(s)); }

static void norm_replacement(nf_side *s) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  const nf_val y = NF_BUILD(s->b, "y", all_reduce_rms_norm, (nf_found(s, "x"), nf_found(s, "w")),
                            .eps = norm->eps, .one_plus = norm->one_plus);
  nf_yield_results(s, y, 2);
}

const nf_rule nf_rule_all_reduce_rms_norm = {.name = "all_reduce_rms_norm",
                                             .family = "all_reduce_rms_norm",
                                             .what = "a sum over ranks and its norm",
                                             .pattern = norm_pattern,
                                             .replacement = norm_replacement};

// ---- all_reduce, add and norm. The sum may be read by others or by none ----

static nf_val replace(nf_side *s, nf_val x, nf_val residual, int64_t pad) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  return NF_BUILD(s->b, "y", all_reduce_add_rms_norm, (x, residual, nf_found(s, "w")), .eps = norm->eps,
                  .one_plus = norm->one_plus, .pad = pad);
}

static nf_val replace_leaves(nf_side *s, int64_t pad) {
  return replace(s, nf_found(s, "x"), nf_found(s, "residual"), pad);
}

static void add_pattern(nf_side *s) { nf_yield_norm(s, nf_pattern_sum(s, nf_pattern_reduced(s))); }

static void add_replacement(nf_side *s) { nf_yield_results(s, replace_leaves(s, 0), 2); }

const nf_rule nf_rule_all_reduce_add_rms_norm = {.name = "all_reduce_add_rms_norm",
                                                 .family = "all_reduce_rms_norm",
                                                 .what = "a sum over ranks, the residual's sum and its norm",
                                                 .pattern = add_pattern,
                                                 .replacement = add_replacement};

// ---- the same at the end, where only some rows are read: those are chosen before they are summed ----

static void rows_pattern(nf_side *s) {
  nf_yield_norm(s, NF_BUILD(s->b, "rows", gather_rows, (nf_pattern_sum(s, nf_pattern_reduced(s))), ));
}

static void rows_replacement(nf_side *s) {
  const nf_val x = NF_BUILD(s->b, "x.rows", gather_rows, (nf_found(s, "x")), );
  const nf_val residual = NF_BUILD(s->b, "residual.rows", gather_rows, (nf_found(s, "residual")), );
  nf_yield_results(s, replace(s, x, residual, 0), 2);
}

const nf_rule nf_rule_all_reduce_add_rows_rms_norm = {.name = "all_reduce_add_rows_rms_norm",
                                                      .family = "all_reduce_rms_norm",
                                                      .what = "the same for the rows that are read alone",
                                                      .pattern = rows_pattern,
                                                      .replacement = rows_replacement};

// ---- with padding of what feeds the experts ----

static void pad_pattern(nf_side *s) { nf_yield_norm_pad(s, nf_pattern_sum(s, nf_pattern_reduced(s))); }

static void pad_replacement(nf_side *s) {
  nf_yield_results(s, replace_leaves(s, nf_found_attrs(s, "padded")->pad.to), 2);
}

const nf_rule nf_rule_all_reduce_add_rms_norm_pad = {
    .name = "all_reduce_add_rms_norm_pad",
    .family = "all_reduce_rms_norm_pad",
    .what = "a sum over ranks, the residual's sum and its norm, padded",
    .pattern = pad_pattern,
    .replacement = pad_replacement};

static void router_pattern(nf_side *s) {
  nf_yield_norm_router_pad(s, nf_pattern_sum(s, nf_pattern_reduced(s)));
}

static void router_replacement(nf_side *s) {
  nf_yield_results_and_router(s, replace_leaves(s, nf_found_attrs(s, "padded")->pad.to));
}

const nf_rule nf_rule_all_reduce_add_rms_norm_router_pad = {.name = "all_reduce_add_rms_norm_router_pad",
                                                            .family = "all_reduce_rms_norm_pad",
                                                            .what =
                                                                "the same, where a router reads the norm too",
                                                            .pattern = router_pattern,
                                                            .replacement = router_replacement};

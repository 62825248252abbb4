// SPDX-License-Identifier: Apache-2.0
// Sums over ranks with the norm that follows them, directly or behind the residual's sum.
#include "fuse/rules/parts.h"

static nf_val pattern_reduced(nf_side *s) {
  return NF_BUILD(s->b, "reduced", all_reduce, (nf_leaf_rows(s, "x")), );
}

// ---- all_reduce and norm: of the embedding, the reduced rows are the residual ----

static void norm_pattern(nf_side *s) {
  const nf_val reduced = pattern_reduced(s);
  nf_yield(s, nf_pattern_norm(s, reduced));
  nf_yield(s, reduced);
}

static void norm_replacement(nf_side *s) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  const nf_val y = NF_BUILD(s->b, "y", all_reduce_rms_norm, (nf_found(s, "x"), nf_found(s, "w")),
                            .eps = norm->eps, .one_plus = norm->one_plus);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_all_reduce_rms_norm = {.name = "all_reduce_rms_norm",
                                             .family = "all_reduce_rms_norm",
                                             .what = "a sum over ranks and its norm",
                                             .pattern = norm_pattern,
                                             .replacement = norm_replacement};

// ---- all_reduce, add and norm. The sum may be read by others or by none ----

static nf_val pattern_sum(nf_side *s) {
  const nf_val reduced = pattern_reduced(s), residual = nf_leaf_rows(s, "residual");
  return NF_BUILD(s->b, "sum", add, (reduced, residual), );
}

static nf_val replace(nf_side *s, nf_val x, nf_val residual, int64_t pad) {
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  return NF_BUILD(s->b, "y", all_reduce_add_rms_norm, (x, residual, nf_found(s, "w")), .eps = norm->eps,
                  .one_plus = norm->one_plus, .pad = pad);
}

static void add_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s);
  nf_yield(s, nf_pattern_norm(s, sum));
  nf_yield(s, sum);
}

static void add_replacement(nf_side *s) {
  const nf_val y = replace(s, nf_found(s, "x"), nf_found(s, "residual"), 0);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_all_reduce_add_rms_norm = {.name = "all_reduce_add_rms_norm",
                                                 .family = "all_reduce_rms_norm",
                                                 .what = "a sum over ranks, the residual's sum and its norm",
                                                 .pattern = add_pattern,
                                                 .replacement = add_replacement};

// ---- the same at the end, where only some rows are read: those are chosen before they are summed ----

static void rows_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s);
  const nf_val rows = NF_BUILD(s->b, "rows", gather_rows, (sum), );
  nf_yield(s, nf_pattern_norm(s, rows));
  nf_yield(s, rows);
}

static void rows_replacement(nf_side *s) {
  const nf_val x = NF_BUILD(s->b, "x.rows", gather_rows, (nf_found(s, "x")), );
  const nf_val residual = NF_BUILD(s->b, "residual.rows", gather_rows, (nf_found(s, "residual")), );
  const nf_val y = replace(s, x, residual, 0);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_all_reduce_add_rows_rms_norm = {.name = "all_reduce_add_rows_rms_norm",
                                                      .family = "all_reduce_rms_norm",
                                                      .what = "the same for the rows that are read alone",
                                                      .pattern = rows_pattern,
                                                      .replacement = rows_replacement};

// ---- with padding of what feeds the experts ----

static void pad_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s);
  nf_yield(s, nf_pattern_pad(s, nf_pattern_norm(s, sum)));
  nf_yield(s, sum);
}

static void pad_replacement(nf_side *s) {
  const nf_val y = replace(s, nf_found(s, "x"), nf_found(s, "residual"), nf_found_attrs(s, "padded")->pad.to);
  nf_yield(s, y);
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_all_reduce_add_rms_norm_pad = {
    .name = "all_reduce_add_rms_norm_pad",
    .family = "all_reduce_rms_norm_pad",
    .what = "a sum over ranks, the residual's sum and its norm, padded",
    .pattern = pad_pattern,
    .replacement = pad_replacement};

static void router_pattern(nf_side *s) {
  const nf_val sum = pattern_sum(s), norm = nf_pattern_norm(s, sum);
  nf_yield(s, nf_pattern_pad(s, norm));
  nf_yield(s, nf_pattern_router(s, norm));
  nf_yield(s, sum);
}

static void router_replacement(nf_side *s) {
  const nf_val y = replace(s, nf_found(s, "x"), nf_found(s, "residual"), nf_found_attrs(s, "padded")->pad.to);
  nf_yield(s, y);
  nf_yield(s, nf_replace_router(s, y));
  nf_yield(s, nf_build_result(s->b, y, 1));
}

const nf_rule nf_rule_all_reduce_add_rms_norm_router_pad = {.name = "all_reduce_add_rms_norm_router_pad",
                                                            .family = "all_reduce_rms_norm_pad",
                                                            .what =
                                                                "the same, where a router reads the norm too",
                                                            .pattern = router_pattern,
                                                            .replacement = router_replacement};

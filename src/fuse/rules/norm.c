// SPDX-License-Identifier: Apache-2.0
// Norms with what stands around them: sums over ranks and with the residual before; padding of what feeds the
// experts, whose router reads the same rows and is not concerned by it, or quantise behind. Where others read
// a quantised norm too (a router, a gate, a projection that is not FP8) it is kept beside the codes.
#include "fuse/rules/parts.h"

enum {
  REDUCE = 1,
  SUM = 2,
  ROWS = 4, // at the end only some rows are read: those are chosen before they are summed
  PAD = 8,
  ROUTER = 16,
  QUANTISE = 32,
  KEEP = 64
}; // parts

// What is normalised. It may be read by others or by none.
static nf_val pattern_sum(nf_side *s) {
  const unsigned parts = s->rule->parts;
  nf_val h = nf_leaf_rows(s, "x");
  if (parts & REDUCE) h = NF_BUILD(s->b, "reduced", all_reduce, (h), );
  if (parts & SUM) h = NF_BUILD(s->b, "sum", add, (h, nf_leaf_rows(s, "residual")), );
  return parts & ROWS ? NF_BUILD(s->b, "rows", gather_rows, (h), ) : h;
}

static nf_val pattern_router(nf_side *s, nf_val x) {
  const nf_val w = nf_leaf(s, "router.w", NF_TYPE(s->example->weight, NF_C(8), NF_C(s->example->columns)));
  const nf_val bias = nf_leaf_maybe(s, "router.b", NF_TYPE(s->example->weight, NF_C(8)));
  const nf_val logits = NF_BUILD(s->b, "logits", linear, (x, w, bias), .out = NF_F32);
  nf_any(s, logits, "out");
  return logits;
}

static nf_val replace_router(nf_side *s, nf_val x) {
  return NF_BUILD(s->b, "logits", linear, (x, nf_found(s, "router.w"), nf_found(s, "router.b")),
                  .out = nf_found_attrs(s, "logits")->linear.out);
}

static void norm_pattern(nf_side *s) {
  const unsigned parts = s->rule->parts;
  const nf_val h = pattern_sum(s),
               w = nf_leaf(s, "w", NF_TYPE(s->example->weight, NF_C(s->example->columns)));
  const nf_val y =
      NF_BUILD(s->b, "y", rms_norm, (h, w), .eps = s->example->eps, .one_plus = s->example->flag);
  nf_any(s, y, "eps");
  nf_any(s, y, "one_plus");
  nf_yield(s, parts & PAD        ? nf_pattern_pad(s, "padded", y, s->example->padded)
              : parts & QUANTISE ? nf_pattern_quantise(s, y)
                                 : y);
  if (parts & ROUTER) nf_yield(s, pattern_router(s, y));
  if (parts & (REDUCE | SUM)) nf_yield(s, h);
  if (parts & KEEP) nf_yield(s, y);
}

static void norm_replacement(nf_side *s) {
  const unsigned parts = s->rule->parts;
  const nf_rms_norm_attrs *norm = &nf_found_attrs(s, "y")->rms_norm;
  nf_val x = nf_found(s, "x"), residual = parts & SUM ? nf_found(s, "residual") : 0;
  if (parts & ROWS) {
    x = NF_BUILD(s->b, "x.rows", gather_rows, (x), );
    residual = NF_BUILD(s->b, "residual.rows", gather_rows, (residual), );
  }
  const nf_val y = NF_BUILD(s->b, parts & QUANTISE ? "codes" : "y", rms_norm, (x, nf_found(s, "w"), residual),
                            .eps = norm->eps, .one_plus = norm->one_plus, .reduce = parts & REDUCE,
                            .pad = parts & PAD ? nf_found_attrs(s, "padded")->pad.to : 0,
                            .to = parts & QUANTISE ? nf_found_attrs(s, "codes")->quantise.to : NF_NONE,
                            .keep = parts & KEEP);
  nf_yield(s, y);
  if (parts & ROUTER) nf_yield(s, replace_router(s, y));
  if (parts & (REDUCE | SUM)) nf_yield(s, nf_build_result(s->b, y, 1));
  if (parts & KEEP) nf_yield(s, nf_build_result(s->b, y, 2));
}

// ---- the gated norm of linear attention's heads, side by side and quantised ----

// Its operands are seen side by side too, which is a view, so that the scales are those of the row that the
// next product reads.
static void gated_pattern(nf_side *s) {
  const nf_val x = nf_leaf_heads(s, "x"), z = nf_leaf_heads(s, "z");
  const nf_val w = nf_leaf(s, "w", NF_TYPE(s->example->weight, NF_C(s->example->columns)));
  const nf_val y = NF_BUILD(s->b, "y", rms_norm_gated, (x, z, w), .eps = s->example->eps);
  nf_any(s, y, "eps");
  nf_yield(s, nf_pattern_quantise(s, nf_pattern_flat(s, y)));
}

// Where the rows of `flat` are not whole heads the op refuses.
static void gated_replacement(nf_side *s) {
  const nf_val x = nf_replace_flat(s, "x"), z = nf_replace_flat(s, "z");
  nf_yield(s, NF_BUILD(s->b, "codes", rms_norm_gated_quantise, (x, z, nf_found(s, "w")),
                       .eps = nf_found_attrs(s, "y")->rms_norm_gated.eps,
                       .to = nf_found_attrs(s, "codes")->quantise.to));
}

#define NORM(family, what, name, parts_) NF_RULE(norm, name, family, what, .parts = parts_)

const nf_rule nf_rules_norm[] = {
    NORM("add_rms_norm", "a residual's sum and its norm", "add_rms_norm", SUM),
    NORM("add_rms_norm_pad", "a residual's sum and its norm, padded", "add_rms_norm_pad", SUM | PAD),
    NORM("add_rms_norm_pad", "the same, where a router reads the norm too", "add_rms_norm_router_pad",
         SUM | PAD | ROUTER),
    NORM("all_reduce_rms_norm", "a sum over ranks and its norm", "all_reduce_rms_norm", REDUCE),
    NORM("all_reduce_rms_norm", "a sum over ranks, the residual's sum and its norm",
         "all_reduce_add_rms_norm", REDUCE | SUM),
    NORM("all_reduce_rms_norm", "the same for the rows that are read alone", "all_reduce_add_rows_rms_norm",
         REDUCE | SUM | ROWS),
    NORM("all_reduce_rms_norm_pad", "a sum over ranks, the residual's sum and its norm, padded",
         "all_reduce_add_rms_norm_pad", REDUCE | SUM | PAD),
    NORM("all_reduce_rms_norm_pad", "the same, where a router reads the norm too",
         "all_reduce_add_rms_norm_router_pad", REDUCE | SUM | PAD | ROUTER),
    NORM("norm_quantise", "a norm that is quantised", "rms_norm_quantise", QUANTISE),
    NORM("norm_quantise", "the same, where others read the norm too", "rms_norm_quantise_keep",
         QUANTISE | KEEP),
    NORM("norm_quantise", "a residual's sum and its norm, quantised", "add_rms_norm_quantise",
         SUM | QUANTISE),
    NORM("norm_quantise", "the same, where others read the norm too", "add_rms_norm_quantise_keep",
         SUM | QUANTISE | KEEP),
    NORM("all_reduce_rms_norm_quantise", "a sum over ranks and its norm, quantised",
         "all_reduce_rms_norm_quantise", REDUCE | QUANTISE),
    NORM("all_reduce_rms_norm_quantise", "the same, where others read the norm too",
         "all_reduce_rms_norm_quantise_keep", REDUCE | QUANTISE | KEEP),
    NORM("all_reduce_rms_norm_quantise", "a sum over ranks, the residual's sum and its norm, quantised",
         "all_reduce_add_rms_norm_quantise", REDUCE | SUM | QUANTISE),
    NORM("all_reduce_rms_norm_quantise", "the same, where others read the norm too",
         "all_reduce_add_rms_norm_quantise_keep", REDUCE | SUM | QUANTISE | KEEP),
    NF_RULE(gated, "rms_norm_gated_quantise", "gated_norm_quantise",
            "gated norms of heads, quantised side by side"),
    {0},
};

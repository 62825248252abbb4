// SPDX-License-Identifier: Apache-2.0
// Parts of patterns and replacements that several rules say.
#include "fuse/rules/parts.h"

nf_val nf_leaf_rows(nf_side *s, const char *name) {
  return nf_leaf(s, name, NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns)));
}

enum { HEADS = 4 };

nf_val nf_leaf_heads(nf_side *s, const char *name) {
  return nf_leaf(s, name, NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(HEADS), NF_C(s->example->columns)));
}

nf_val nf_pattern_flat(nf_side *s, nf_val x) {
  const nf_shape to = {2, {NF_BY(1, NF_T), NF_C(HEADS * s->example->columns)}};
  const nf_val flat = NF_BUILD(s->b, "flat", reshape, (x), .to = to);
  nf_any(s, flat, "to");
  return flat;
}

nf_val nf_pattern_quantise(nf_side *s, nf_val x) {
  const nf_val codes =
      NF_BUILD(s->b, "codes", quantise, (x), .to = s->example->flag ? NF_FP8_ROW : NF_FP8_GROUP);
  nf_any(s, codes, "to");
  return codes;
}

nf_val nf_replace_flat(nf_side *s, const char *leaf) {
  return NF_BUILD(s->b, nf_build_name(s->b, "%s.flat", leaf), reshape, (nf_found(s, leaf)),
                  .to = nf_found_attrs(s, "flat")->reshape.to);
}

nf_val nf_pattern_norm(nf_side *s, nf_val x) {
  const nf_val w = nf_leaf(s, "w", NF_TYPE(s->example->weight, NF_C(s->example->columns)));
  const nf_val y =
      NF_BUILD(s->b, "y", rms_norm, (x, w), .eps = s->example->eps, .one_plus = s->example->flag);
  nf_any(s, y, "eps");
  nf_any(s, y, "one_plus");
  return y;
}

nf_val nf_pattern_reduced(nf_side *s) {
  return NF_BUILD(s->b, "reduced", all_reduce, (nf_leaf_rows(s, "x")), );
}

nf_val nf_pattern_sum(nf_side *s, nf_val x) {
  return NF_BUILD(s->b, "sum", add, (x, nf_leaf_rows(s, "residual")), );
}

nf_val nf_pattern_pad(nf_side *s, nf_val x) {
  const nf_val padded = NF_BUILD(s->b, "padded", pad, (x), .to = s->example->padded);
  nf_any(s, padded, "to");
  return padded;
}

nf_val nf_pattern_router(nf_side *s, nf_val x) {
  const nf_val w = nf_leaf(s, "router.w", NF_TYPE(s->example->weight, NF_C(8), NF_C(s->example->columns)));
  const nf_val bias = nf_leaf_maybe(s, "router.b", NF_TYPE(s->example->weight, NF_C(8)));
  const nf_val logits = NF_BUILD(s->b, "logits", linear, (x, w, bias), .out = NF_F32);
  nf_any(s, logits, "out");
  return logits;
}

nf_val nf_replace_router(nf_side *s, nf_val x) {
  return NF_BUILD(s->b, "logits", linear, (x, nf_found(s, "router.w"), nf_found(s, "router.b")),
                  .out = nf_found_attrs(s, "logits")->linear.out);
}

void nf_yield_norm(nf_side *s, nf_val h) {
  nf_yield(s, nf_pattern_norm(s, h));
  nf_yield(s, h);
}

void nf_yield_norm_pad(nf_side *s, nf_val h) {
  nf_yield(s, nf_pattern_pad(s, nf_pattern_norm(s, h)));
  nf_yield(s, h);
}

void nf_yield_norm_router_pad(nf_side *s, nf_val h) {
  const nf_val norm = nf_pattern_norm(s, h);
  nf_yield(s, nf_pattern_pad(s, norm));
  nf_yield(s, nf_pattern_router(s, norm));
  nf_yield(s, h);
}

void nf_yield_norm_quantise(nf_side *s, nf_val h, bool keep) {
  const nf_val y = nf_pattern_norm(s, h);
  nf_yield(s, nf_pattern_quantise(s, y));
  nf_yield(s, h);
  if (keep) nf_yield(s, y);
}

void nf_yield_results(nf_side *s, nf_val y, int n) {
  for (int i = 0; i < n; i++) nf_yield(s, nf_build_result(s->b, y, i));
}

void nf_yield_results_and_router(nf_side *s, nf_val y) {
  nf_yield(s, y);
  nf_yield(s, nf_replace_router(s, y));
  nf_yield(s, nf_build_result(s->b, y, 1));
}

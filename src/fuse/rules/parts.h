// SPDX-License-Identifier: Apache-2.0
// What several rules' patterns are made of: example types, norms, and what reads a norm's result.
#pragma once
#include "fuse/rule.h"

static inline nf_val nf_leaf_rows(nf_side *s, const char *name) { // activations [T, H]
  return nf_leaf(s, name, NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns)));
}

// "y", rms_norm of x with the weight "w".
static inline nf_val nf_pattern_norm(nf_side *s, nf_val x) {
  const nf_val w = nf_leaf(s, "w", NF_TYPE(s->example->weight, NF_C(s->example->columns)));
  const nf_val y =
      NF_BUILD(s->b, "y", rms_norm, (x, w), .eps = s->example->eps, .one_plus = s->example->flag);
  nf_any(s, y, "eps");
  nf_any(s, y, "one_plus");
  return y;
}

// "padded", and what reads x unpadded beside it: "logits", the router's linear.
static inline nf_val nf_pattern_pad(nf_side *s, nf_val x) {
  const nf_val padded = NF_BUILD(s->b, "padded", pad, (x), .to = s->example->padded);
  nf_any(s, padded, "to");
  return padded;
}

static inline nf_val nf_pattern_router(nf_side *s, nf_val x) {
  const nf_val w = nf_leaf(s, "router.w", NF_TYPE(s->example->weight, NF_C(8), NF_C(s->example->columns)));
  const nf_val bias = nf_leaf_maybe(s, "router.b", NF_TYPE(s->example->weight, NF_C(8)));
  const nf_val logits = NF_BUILD(s->b, "logits", linear, (x, w, bias), .out = NF_F32);
  nf_any(s, logits, "out");
  return logits;
}

static inline nf_val nf_replace_router(nf_side *s, nf_val x) {
  return NF_BUILD(s->b, "logits", linear, (x, nf_found(s, "router.w"), nf_found(s, "router.b")),
                  .out = nf_found_attrs(s, "logits")->linear.out);
}

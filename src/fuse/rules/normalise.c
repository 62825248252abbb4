// SPDX-License-Identifier: Apache-2.0
// Normalising rewrites of padding: it ends as early as it can, and none is added that is taken away again.
#include "fuse/rules/parts.h"

static nf_val leaf_padded(nf_side *s) {
  nf_type t = NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns));
  t.padded[1] = s->example->padded;
  return nf_leaf(s, "x", t);
}

static nf_val leaf_pad(nf_side *s, const char *name) {
  return nf_pattern_pad(s, name, nf_leaf_rows(s, "x"), s->example->padded);
}

static void yield_unpad(nf_side *s, const char *name, nf_val x) {
  nf_yield(s, NF_BUILD(s->b, name, unpad, (x), ));
}

// x padded as the pattern's value of that name was.
static void yield_pad(nf_side *s, const char *name, nf_val x) {
  nf_yield(s, NF_BUILD(s->b, name, pad, (x), .to = nf_found_attrs(s, name)->pad.to));
}

// ---- unpad(all_reduce(x)) is all_reduce(unpad(x)), which moves less ----

static void sum_unpad_pattern(nf_side *s) {
  const nf_val x = leaf_padded(s), sum = NF_BUILD(s->b, "sum", all_reduce, (x), );
  yield_unpad(s, "y", sum);
}

// A pad behind the unpad cancels it instead.
static bool no_pad_behind(const nf_side *s, nf_text *why) {
  if (!nf_found_users(s, "y", NF_OP_pad)) return true;
  nf_text_printf(why, "a pad follows the unpad");
  return false;
}

static void sum_unpad_replacement(nf_side *s) {
  const nf_val narrow = NF_BUILD(s->b, "narrow", unpad, (nf_found(s, "x")), );
  nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (narrow), ));
}

// ---- and all_reduce(pad(x)) is pad(all_reduce(x)) ----

static void pad_sum_pattern(nf_side *s) {
  const nf_val wide = leaf_pad(s, "wide");
  nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (wide), ));
  nf_yield(s, wide);
}

static void pad_sum_replacement(nf_side *s) {
  const nf_val x = nf_found(s, "x"), sum = NF_BUILD(s->b, "sum", all_reduce, (x), );
  nf_yield(s, NF_BUILD(s->b, "y", pad, (sum), .to = nf_found_attrs(s, "wide")->pad.to));
  yield_pad(s, "wide", x);
}

// ---- unpad(pad(x)) is unpad(x), and pad(unpad(x)) is pad(x): where that is x already, canonical form takes
// them away. What stands in the middle may have other users ----

static void pad_unpad_pattern(nf_side *s) {
  const nf_val wide = leaf_pad(s, "wide");
  yield_unpad(s, "y", wide);
  nf_yield(s, wide);
}

static void pad_unpad_replacement(nf_side *s) {
  yield_unpad(s, "y", nf_found(s, "x"));
  yield_pad(s, "wide", nf_found(s, "x"));
}

static void unpad_pad_pattern(nf_side *s) {
  const nf_val x = leaf_padded(s), narrow = NF_BUILD(s->b, "narrow", unpad, (x), );
  nf_yield(s, nf_pattern_pad(s, "y", narrow, s->example->padded));
  nf_yield(s, narrow);
}

static void unpad_pad_replacement(nf_side *s) {
  yield_pad(s, "y", nf_found(s, "x"));
  yield_unpad(s, "narrow", nf_found(s, "x"));
}

// ---- pad(pad(x)) is one pad ----

static void pad_pad_pattern(nf_side *s) {
  const nf_val wide = leaf_pad(s, "wide");
  nf_yield(s, nf_pattern_pad(s, "y", wide, s->example->padded + 32));
  nf_yield(s, wide);
}

static void pad_pad_replacement(nf_side *s) {
  yield_pad(s, "y", nf_found(s, "x"));
  yield_pad(s, "wide", nf_found(s, "x"));
}

#define PADDING(sides, name, what, ...) NF_RULE(sides, name, "padding", what, .normalise = true, __VA_ARGS__)

const nf_rule nf_rules_normalise[] = {
    PADDING(sum_unpad, "unpad_below_all_reduce", "padding is not summed over ranks",
            .applies = no_pad_behind),
    PADDING(pad_sum, "pad_above_all_reduce", "padding is added after the sum over ranks"),
    PADDING(pad_unpad, "unpad_of_pad", "padding that is taken away again is not added"),
    PADDING(unpad_pad, "pad_of_unpad", "padding that is added again is not taken away"),
    PADDING(pad_pad, "pad_of_pad", "rows are padded once"),
    {0},
};

// SPDX-License-Identifier: Apache-2.0
// Normalising rewrites of padding: it ends as early as it can, and none is added that is taken away again.
#include "fuse/rule.h"

static nf_type rows(const nf_side *s, bool padded) {
  nf_type t = NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns));
  if (padded) t.padded[1] = s->example->padded;
  return t;
}

// ---- unpad(all_reduce(x)) is all_reduce(unpad(x)), which moves less ----

static void sum_then_unpad(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", rows(s, true));
  const nf_val sum = NF_BUILD(s->b, "sum", all_reduce, (x), );
  nf_yield(s, NF_BUILD(s->b, "y", unpad, (sum), ));
}

// A pad behind the unpad cancels it instead.
static bool no_pad_behind(const nf_side *s, nf_text *why) {
  if (!nf_found_users(s, "y", NF_OP_pad)) return true;
  nf_text_printf(why, "a pad follows the unpad");
  return false;
}

static void unpad_then_sum(nf_side *s) {
  const nf_val narrow = NF_BUILD(s->b, "narrow", unpad, (nf_found(s, "x")), );
  nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (narrow), ));
}

// ---- and all_reduce(pad(x)) is pad(all_reduce(x)) ----

static void pad_then_sum(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", rows(s, false));
  const nf_val wide = NF_BUILD(s->b, "wide", pad, (x), .to = s->example->padded);
  nf_any(s, wide, "to");
  nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (wide), ));
  nf_yield(s, wide);
}

static void sum_then_pad(nf_side *s) {
  const nf_val x = nf_found(s, "x"), sum = NF_BUILD(s->b, "sum", all_reduce, (x), );
  const int64_t to = nf_found_attrs(s, "wide")->pad.to;
  nf_yield(s, NF_BUILD(s->b, "y", pad, (sum), .to = to));
  nf_yield(s, NF_BUILD(s->b, "wide", pad, (x), .to = to));
}

// ---- unpad(pad(x)) is unpad(x), and pad(unpad(x)) is pad(x): where that is x already, canonical form takes
// them away. What stands in the middle may have other users ----

static void pad_then_unpad(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", rows(s, false));
  const nf_val wide = NF_BUILD(s->b, "wide", pad, (x), .to = s->example->padded);
  nf_any(s, wide, "to");
  nf_yield(s, NF_BUILD(s->b, "y", unpad, (wide), ));
  nf_yield(s, wide);
}

static void no_pad(nf_side *s) {
  const nf_val x = nf_found(s, "x");
  nf_yield(s, NF_BUILD(s->b, "y", unpad, (x), ));
  nf_yield(s, NF_BUILD(s->b, "wide", pad, (x), .to = nf_found_attrs(s, "wide")->pad.to));
}

static void unpad_then_pad(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", rows(s, true));
  const nf_val narrow = NF_BUILD(s->b, "narrow", unpad, (x), );
  const nf_val y = NF_BUILD(s->b, "y", pad, (narrow), .to = s->example->padded);
  nf_any(s, y, "to");
  nf_yield(s, y);
  nf_yield(s, narrow);
}

static void no_unpad(nf_side *s) {
  const nf_val x = nf_found(s, "x");
  nf_yield(s, NF_BUILD(s->b, "y", pad, (x), .to = nf_found_attrs(s, "y")->pad.to));
  nf_yield(s, NF_BUILD(s->b, "narrow", unpad, (x), ));
}

// ---- pad(pad(x)) is one pad ----

static void pad_then_pad(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", rows(s, false));
  const nf_val wide = NF_BUILD(s->b, "wide", pad, (x), .to = s->example->padded);
  const nf_val y = NF_BUILD(s->b, "y", pad, (wide), .to = s->example->padded + 32);
  nf_any(s, wide, "to");
  nf_any(s, y, "to");
  nf_yield(s, y);
  nf_yield(s, wide);
}

static void one_pad(nf_side *s) {
  const nf_val x = nf_found(s, "x");
  nf_yield(s, NF_BUILD(s->b, "y", pad, (x), .to = nf_found_attrs(s, "y")->pad.to));
  nf_yield(s, NF_BUILD(s->b, "wide", pad, (x), .to = nf_found_attrs(s, "wide")->pad.to));
}

const nf_rule nf_rules_normalise[] = {
    {.name = "unpad_below_all_reduce",
     .family = "padding",
     .what = "padding is not summed over ranks",
     .normalise = true,
     .pattern = sum_then_unpad,
     .replacement = unpad_then_sum,
     .applies = no_pad_behind},
    {.name = "pad_above_all_reduce",
     .family = "padding",
     .what = "padding is added after the sum over ranks",
     .normalise = true,
     .pattern = pad_then_sum,
     .replacement = sum_then_pad},
    {.name = "unpad_of_pad",
     .family = "padding",
     .what = "padding that is taken away again is not added",
     .normalise = true,
     .pattern = pad_then_unpad,
     .replacement = no_pad},
    {.name = "pad_of_unpad",
     .family = "padding",
     .what = "padding that is added again is not taken away",
     .normalise = true,
     .pattern = unpad_then_pad,
     .replacement = no_unpad},
    {.name = "pad_of_pad",
     .family = "padding",
     .what = "rows are padded once",
     .normalise = true,
     .pattern = pad_then_pad,
     .replacement = one_pad},
    {0},
};

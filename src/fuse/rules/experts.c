// SPDX-License-Identifier: Apache-2.0
// Experts: gate and up, the activation and down as one. The sum over a token's experts stays a node: it is
// over what several blocks make.
#include "fuse/rules/parts.h"

enum { EXPERTS = 4, CHOICES = 2, INNER = 6, OUT = 10 };
enum { QUANTISE = 1 }; // parts

static nf_type weight_of(const nf_side *s, int64_t n, int64_t k) {
  return NF_TYPE(s->example->weight, NF_C(EXPERTS), NF_C(n), NF_C(k));
}

static nf_val product(nf_side *s, const char *name, nf_val x, nf_val ids, nf_val w, nf_val bias) {
  const nf_val y = NF_BUILD(s->b, name, grouped_linear, (x, ids, w, bias), .out = s->example->dtype);
  nf_any(s, y, "out");
  nf_any(s, y, "pad");
  return y;
}

static nf_val ids_of(nf_side *s) { return nf_leaf(s, "ids", NF_TYPE(NF_I32, NF_BY(1, NF_T), NF_C(CHOICES))); }

static nf_dtype out_of(const nf_side *s, const char *name) {
  return nf_found_attrs(s, name)->grouped_linear.out;
}

static int64_t pad_of(const nf_side *s) { return nf_found_attrs(s, "y")->grouped_linear.pad; }

// ---- gate and up in one weight ----

static void swiglu_pattern(nf_side *s) {
  const nf_val x = nf_leaf_rows(s, "x"), ids = ids_of(s),
               w_up = nf_leaf(s, "w_up", weight_of(s, 2 * INNER, s->example->columns));
  const nf_val up_bias =
      nf_leaf_maybe(s, "up_bias", NF_TYPE(s->example->weight, NF_C(EXPERTS), NF_C(2 * INNER)));
  const nf_val up = product(s, "up", x, ids, w_up, up_bias);
  const nf_val act = NF_BUILD(s->b, "act", swiglu, (up), .alpha = 1.7f, .beta = 1, .limit = 0.1f,
                              .interleaved = s->example->flag);
  static const char *const free[] = {"alpha", "beta", "limit", "interleaved"};
  for (size_t i = 0; i < sizeof free / sizeof *free; i++) nf_any(s, act, free[i]);
  const nf_val w_down = nf_leaf(s, "w_down", weight_of(s, OUT, INNER));
  const nf_val down_bias =
      nf_leaf_maybe(s, "down_bias", NF_TYPE(s->example->weight, NF_C(EXPERTS), NF_C(OUT)));
  nf_yield(s, product(s, "y", act, ids, w_down, down_bias));
}

static void swiglu_replacement(nf_side *s) {
  const nf_swiglu_attrs *act = &nf_found_attrs(s, "act")->swiglu;
  nf_yield(s, NF_BUILD(s->b, "y", experts_swiglu,
                       (nf_found(s, "x"), nf_found(s, "ids"), nf_found(s, "w_up"), nf_found(s, "up_bias"),
                        nf_found(s, "w_down"), nf_found(s, "down_bias")),
                       .out = out_of(s, "y"), .alpha = act->alpha, .beta = act->beta, .limit = act->limit,
                       .interleaved = act->interleaved, .pad = pad_of(s)));
}

// Where gate and up are apart, they too.
static bool one_type(const nf_side *s, nf_text *why) {
  const nf_dtype gate = out_of(s, "gate"), up = out_of(s, "up");
  if (up == out_of(s, "y") && (gate == up || gate == NF_NONE)) return true;
  nf_text_printf(why, "the products have results of other types");
  return false;
}

// ---- gate and up apart; what lies between may be quantised ----

static void silu_pattern(nf_side *s) {
  const int64_t k = s->example->columns;
  const nf_val x = nf_leaf_rows(s, "x"), ids = ids_of(s);
  const nf_val gate = product(s, "gate", x, ids, nf_leaf(s, "w_gate", weight_of(s, INNER, k)), 0);
  const nf_val up = product(s, "up", x, ids, nf_leaf(s, "w_up", weight_of(s, INNER, k)), 0);
  const nf_val open = NF_BUILD(s->b, "open", silu, (gate), );
  nf_val act = NF_BUILD(s->b, "act", mul, (open, up), );
  nf_type down = weight_of(s, OUT, INNER);
  if (s->rule->parts & QUANTISE) {
    act = NF_BUILD(s->b, "codes", quantise, (act), .to = NF_FP8_ROW);
    nf_any(s, act, "to");
    down.dtype = NF_FP8_ROW;
  }
  nf_yield(s, product(s, "y", act, ids, nf_leaf(s, "w_down", down), 0));
}

static void silu_replacement(nf_side *s) {
  const nf_dtype to = s->rule->parts & QUANTISE ? nf_found_attrs(s, "codes")->quantise.to : NF_NONE;
  nf_yield(s, NF_BUILD(s->b, "y", experts_silu,
                       (nf_found(s, "x"), nf_found(s, "ids"), nf_found(s, "w_gate"), nf_found(s, "w_up"),
                        nf_found(s, "w_down")),
                       .out = out_of(s, "y"), .to = to, .pad = pad_of(s)));
}

// ---- the sum of a token's experts with a shared one, which has a gate ----

static void shared_pattern(nf_side *s) {
  const nf_example *e = s->example;
  const nf_extent t = NF_BY(1, NF_T);
  const nf_val gate = nf_leaf(s, "gate", NF_TYPE(e->weight, t, NF_C(1)));
  const nf_val x = nf_leaf(s, "x", NF_TYPE(e->dtype, t, NF_C(CHOICES), NF_C(e->columns)));
  const nf_val weights = nf_leaf(s, "weights", NF_TYPE(NF_F32, t, NF_C(CHOICES)));
  const nf_val shared = nf_leaf_rows(s, "shared");
  const nf_val open = NF_BUILD(s->b, "open", sigmoid, (gate), );
  const nf_val own = NF_BUILD(s->b, "own", mul, (shared, open), );
  const nf_val routed = NF_BUILD(s->b, "routed", combine, (x, weights), );
  nf_yield(s, NF_BUILD(s->b, "y", add, (routed, own), ));
}

static void shared_replacement(nf_side *s) {
  nf_yield(
      s, NF_BUILD(s->b, "y", combine_shared,
                  (nf_found(s, "x"), nf_found(s, "weights"), nf_found(s, "shared"), nf_found(s, "gate")), ));
}

const nf_rule nf_rules_experts[] = {
    NF_RULE(swiglu, "experts_swiglu", "experts", "an expert's products and the activation between",
            .applies = one_type),
    NF_RULE(silu, "experts_silu", "experts", "an expert's products, gate and up apart", .applies = one_type),
    NF_RULE(silu, "experts_silu_quantise", "experts", "the same, quantised in between", .parts = QUANTISE,
            .applies = one_type),
    NF_RULE(shared, "combine_shared", "act", "the sum of a token's experts with a gated shared one"),
    {0},
};

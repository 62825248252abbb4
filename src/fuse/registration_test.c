// SPDX-License-Identifier: Apache-2.0
// Sets of rules: those that disagree with themselves are refused, and so are options that make no sense.
#include "tests/support/fusing.h"

static void says(nf_status st, nf_code code, const char *what) {
  if (nf_status_code(st) != code || !strstr(nf_status_message(st), what))
    fail_msg("'%s' does not say '%s'", nf_status_message(st), what);
  nf_status_free(st);
}

// ---- registration ----

static nf_val x_of(nf_side *s) {
  return nf_leaf(s, "x", NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns)));
}
static void sum_of_x(nf_side *s) {
  const nf_val x = x_of(s);
  nf_yield(s, NF_BUILD(s->b, "y", add, (x, x), ));
}
static void other_shape(nf_side *s) { nf_yield(s, NF_BUILD(s->b, "z", pad, (nf_found(s, "x")), .to = 100)); }
static void two_results(nf_side *s) {
  const nf_val x = nf_found(s, "x");
  nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (x), ));
  nf_yield(s, x);
}
static void unknown_leaf(nf_side *s) { nf_yield(s, nf_found(s, "w")); }
static void refused_op(nf_side *s) { nf_yield(s, NF_BUILD(s->b, "y", pad, (nf_found(s, "x")), .to = 1)); }
static void right(nf_side *s) { nf_yield(s, NF_BUILD(s->b, "y", all_reduce, (nf_found(s, "x")), )); }
static void no_node(nf_side *s) { nf_yield(s, x_of(s)); }
static void no_yield(nf_side *s) {
  const nf_val x = x_of(s);
  NF_BUILD(s->b, "y", add, (x, x), );
}
static void apart(nf_side *s) {
  const nf_val x = x_of(s), w = nf_leaf(s, "w", NF_TYPE(NF_F32, NF_C(3)));
  nf_yield(s, NF_BUILD(s->b, "y", add, (x, x), ));
  nf_yield(s, NF_BUILD(s->b, "z", add, (w, w), ));
}
static void bad_attribute(nf_side *s) {
  const nf_val y = NF_BUILD(s->b, "y", pad, (x_of(s)), .to = 200);
  nf_any(s, y, "by");
  nf_yield(s, y);
}

static void wrong_rules_are_refused(void **state) {
  (void)state;
  static const struct {
    void (*pattern)(nf_side *), (*replacement)(nf_side *);
    const char *says;
  } rows[] = {
      {sum_of_x, other_shape,
       "rule r: the pattern yields y : bf16[T,64]; the replacement yields z : bf16[T,64:100]"},
      {sum_of_x, two_results,
       "the pattern yields y : bf16[T,64]; the replacement yields y : bf16[T,64], x : bf16[T,64]"},
      {sum_of_x, unknown_leaf, "the pattern has no leaf called w"},
      {sum_of_x, refused_op, "pad: to is 1 but must be at least"},
      {no_node, right, "rule r: the pattern has no node"},
      {no_yield, right, "rule r: nothing is yielded"},
      {apart, right, "rule r: the pattern is not connected"},
      {bad_attribute, right, "rule r: pad has no attribute by"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const nf_rule rule = {.name = "r",
                          .family = "f",
                          .what = "",
                          .pattern = rows[i].pattern,
                          .replacement = rows[i].replacement};
    nf_rules *r = NULL;
    nf_status st = nf_rules_from((const nf_rule *const[]){&rule}, 1, &r);
    assert_false(nf_is_ok(st));
    says(st, nf_status_code(st), rows[i].says);
    assert_null(r);
  }
  const nf_rule rule = {.name = "r", .family = "f", .what = "", .pattern = sum_of_x, .replacement = right};
  nf_rules *r = NULL;
  says(nf_rules_from((const nf_rule *const[]){&rule, &rule}, 2, &r), NF_BAD_INPUT, "two are called r");
}

// ---- options ----

static void options(void **state) {
  (void)state;
  static const struct {
    nf_fuse_mode mode;
    const char *order[2], *filter, *says;
  } rows[] = {
      {NF_FUSE_COST, {0}, NULL, NULL},
      {NF_FUSE_COST, {0}, "-all,+add_rms_norm", NULL},
      {NF_FUSE_ORDERED, {"add_rms_norm_pad", "all_reduce_rms_norm"}, "-pad_of_pad", NULL},
      {NF_FUSE_ORDERED, {"padding"}, NULL, NULL},
      {NF_FUSE_COST, {"add_rms_norm"}, NULL, "only the ordered mode"},
      {NF_FUSE_ORDERED, {0}, NULL, "needs names"},
      {NF_FUSE_ORDERED,
       {"add_rms_nrom"},
       NULL,
       "no rule or family is called 'add_rms_nrom'; nearest is add_rms_norm"},
      {NF_FUSE_ORDERED, {"padding", "padding"}, NULL, "padding is named twice"},
      {NF_FUSE_ORDERED, {"padding"}, "-padding", "padding is taken out by the rules option"},
      {NF_FUSE_COST, {0}, "-everything", "no rule or family is called 'everything'"},
      {NF_FUSE_COST, {0}, "padding", "'padding' must begin with + or -"},
      {NF_FUSE_COST, {0}, "-padding,+padding", "padding is taken out and put in"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const nf_fuse_options o = {.mode = rows[i].mode,
                               .order = rows[i].order,
                               .n_order = (size_t)(rows[i].order[0] != NULL) + (rows[i].order[1] != NULL),
                               .filter = rows[i].filter};
    nf_status st = nf_fuse_check_options(rules, &o);
    if (rows[i].says)
      says(st, NF_USAGE, rows[i].says);
    else
      ok(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_rules_are_refused), cmocka_unit_test(options)};
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}

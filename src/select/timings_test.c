// SPDX-License-Identifier: Apache-2.0
// Timings: what they are kept by, that they turn a choice, that costs are never mixed, and where they are
// looked up.
#include "select/select.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const nf_variant list[] = {
    {.name = "add_old", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU},
    {.name = "add_new", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU},
    {.name = "add_wide",
     .op = NF_OP_add,
     .entry.kind = NF_ENTRY_HOST,
     .backend = NF_BACKEND_CPU,
     .limit = {MULTIPLE_OF(K, 64)}}};

static nf_hw hw = {.backend = NF_BACKEND_CPU, .cores = 4};
static nf_timings *t;

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static int set_up(void **state) {
  (void)state;
  nf_hw_state_peaks(&hw);
  return !nf_is_ok(nf_timings_create(&t));
}

static int tear_down(void **state) {
  (void)state;
  nf_timings_destroy(t);
  return 0;
}

static nf_op_desc add(int64_t k) {
  nf_op_desc d = {.op = NF_OP_add};
  d.in[0] = d.in[1] = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(k));
  ok(nf_op_infer(&d));
  return d;
}

static const char *chosen(int64_t k, int64_t tokens, bool measured) {
  const nf_op_desc d = add(k);
  const nf_select_options o = {.at = nf_sizes_of(tokens, 1, 1), .timings = t};
  nf_selection s;
  nf_select_from(list, 3, &hw, &d, &o, &s);
  assert_int_equal(s.measured, measured);
  return s.chosen->name;
}

static void a_choice_turns(void **state) {
  (void)state;
  const nf_op_desc d = add(100);
  const nf_sizes at = nf_sizes_of(8, 1, 1);
  assert_string_equal(chosen(100, 8, false), "add_new");
  ok(nf_timings_put(t, &hw, &d, &at, &list[1], 9));
  assert_string_equal(chosen(100, 8, false), "add_new"); // the other was not measured
  ok(nf_timings_put(t, &hw, &d, &at, &list[0], 7));
  assert_string_equal(chosen(100, 8, true), "add_old");
  assert_string_equal(chosen(100, 7, true), "add_old"); // a step like it
  assert_string_equal(chosen(100, 9, false), "add_new");
  assert_string_equal(chosen(128, 8, false), "add_wide");
  const nf_select_options o = {.at = at, .timings = t};
  nf_text why = {0};
  nf_selection s;
  nf_select_from(list, 3, &hw, &d, &o, &s);
  nf_selection_explain(&s, &hw, &d, &o, &why);
  assert_string_equal(why.at, "add_old: chosen; add_new: measured 9 µs against 7 of add_old; "
                              "add_wide: K = 100 is not a multiple of 64");
  nf_text_deinit(&why);
  ok(nf_timings_put(t, &hw, &d, &at, &list[1], 6)); // measured again
  assert_string_equal(chosen(100, 8, true), "add_new");
}

static void keys(void **state) {
  (void)state;
  nf_op_desc d = {.op = NF_OP_linear,
                  .attr.linear = {.out = NF_BF16},
                  .in = {NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(64)), NF_TYPE(NF_BF16, NF_C(96), NF_C(64))}};
  ok(nf_op_infer(&d));
  const nf_sizes at = nf_sizes_of(5, 2, 2), other = nf_sizes_of(8, 8, 1);
  double us = 0;
  ok(nf_timings_put(t, &hw, &d, &at, &list[0], 3));
  assert_true(nf_timings_get(t, &d, &other, &list[0], &us) && us == 3); // it has T alone
  assert_false(nf_timings_get(t, &d, &at, &list[1], &us));
  d.in[1].pack = NF_PACK_N16; // as a plan asks
  assert_true(nf_timings_get(t, &d, &at, &list[0], &us));
  d.attr.linear.out = NF_F32;
  assert_false(nf_timings_get(t, &d, &at, &list[0], &us));
}

// An estimate is scaled by how far others of the op were off.
static void ratios(void **state) {
  (void)state;
  const nf_op_desc d = add(4096);
  const nf_select_options o = {.timings = t};
  assert_true(nf_timings_ratio(NULL, NF_OP_add) == 1 && nf_timings_ratio(t, NF_OP_mul) == 1);
  for (int i = 0; i < 3; i++) {
    const nf_sizes at = nf_sizes_of(1 << 4 * i, 1, 1);
    ok(nf_timings_put(t, &hw, &d, &at, &list[0], (i + 2) * nf_cost_us(&hw, &d, &at, &list[0])));
  }
  assert_true(nf_timings_ratio(t, NF_OP_add) > 2.99 && nf_timings_ratio(t, NF_OP_add) < 3.01);
  const nf_sizes at = nf_sizes_of(3, 1, 1);
  nf_op_cost cost;
  assert_true(nf_select_cost(&hw, &o, &d, &at, &cost, NULL));
  assert_true(cost.us > 2.99 * nf_cost_us(&hw, &d, &at, NULL));
}

static const nf_variant with_reference[] = {
    {.name = "add_ref", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_REF},
    {.name = "add_old", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU},
    {.name = "add_new", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU}};

static void references_need_no_measurement(void **state) {
  (void)state;
  const nf_op_desc d = add(100);
  const nf_sizes at = nf_sizes_of(8, 1, 1);
  const nf_select_options o = {.at = at, .timings = t};
  nf_selection s;
  nf_text why = {0};
  ok(nf_timings_put(t, &hw, &d, &at, &list[0], 3));
  ok(nf_timings_put(t, &hw, &d, &at, &list[1], INFINITY)); // refused
  nf_select_from(with_reference, 3, &hw, &d, &o, &s);
  assert_true(s.measured);
  assert_string_equal(s.chosen->name, "add_old");
  nf_selection_explain(&s, &hw, &d, &o, &why);
  assert_string_equal(why.at,
                      "add_ref: not measured, or refused by what measured it; add_old: chosen; add_new: "
                      "not measured, or refused by what measured it");
  nf_text_deinit(&why);
  ok(nf_timings_put(t, &hw, &d, &at, &list[0], INFINITY)); // nothing is left that could be chosen by it
  nf_select_from(with_reference, 3, &hw, &d, &o, &s);
  assert_false(s.measured);
}

static int asked;
static void answer(void *user, const nf_op_desc *d, const nf_sizes *at) {
  asked++;
  assert_ptr_equal(user, t);
  assert_true(at->of[NF_T] == 8 && at->of[NF_S] == 0);
  ok(nf_timings_put(user, &hw, d, at, &list[0], 5));
}

static void a_source_is_asked_once(void **state) {
  (void)state;
  const nf_op_desc d = add(100);
  const nf_sizes at = nf_sizes_of(7, 2, 2);
  double us = 0;
  asked = 0;
  nf_timings_look_up(t, answer, t);
  assert_true(nf_timings_get(t, &d, &at, &list[0], &us) && us == 5);
  assert_false(nf_timings_get(t, &d, &at, &list[1], &us));
  assert_int_equal(asked, 1);
  assert_true(nf_timings_ratio(t, NF_OP_add) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_choice_turns, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ratios, set_up, tear_down),
      cmocka_unit_test_setup_teardown(references_need_no_measurement, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_source_is_asked_once, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

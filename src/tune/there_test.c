// SPDX-License-Identifier: Apache-2.0
// Measuring on a device: the faster kernel wins, those that are wrong are refused with the reason.
#include "tune/measure.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
// cmocka wants the standard headers first
#include "tests/support/module.h"

#define KERNEL(fault_)                                                                         \
  {                                                                                            \
    .name = #fault_, .op = NF_OP_add, .backend = NF_BACKEND_CUDA, .order = NF_ORDER_REFERENCE, \
    .parameter = {NF_OP_add, fault_}, .entry = {                                               \
      NF_ENTRY_MODULE,                                                                         \
      {.module = &kernel}                                                                      \
    }                                                                                          \
  }
static const nf_variant list[] = {KERNEL(SLOW),  KERNEL(RIGHT),  KERNEL(WRONG),
                                  KERNEL(LARGE), KERNEL(BESIDE), KERNEL(COUNTERS)};
enum { N = sizeof list / sizeof *list };

static void measures(void **state) {
  const far *f = *state;
  bool passed[N] = {false};
  const nf_runner on = {.device = f->device, .module = f->module, .hw = &f->hw};
  const nf_measuring m = {.hw = &f->hw, .on = &on, .list = list, .passed = passed};
  nf_case c = {.d.op = NF_OP_add, .at = nf_sizes_of(300, 1, 1), .seed = 1, .world = 1, .repeats = true};
  nf_tune_entry e = {.n = N};
  c.d.in[0] = c.d.in[1] = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(4096));
  assert_true(nf_is_ok(nf_op_infer(&c.d)));
  for (int i = 0; i < N; i++) e.of[i].v = &list[i];
  const nf_status st = nf_tune_measure(&c, &m, &e);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  assert_int_equal(e.winner, 1);
  assert_true(e.of[0].us > e.of[1].us && e.of[1].us > 0);
  assert_true(passed[0] && passed[1] && !passed[2]);
  static const char *const why[N] = {[2] = "wrong: ",
                                     [3] = "wrong: the result is far from the default kernel's at this size",
                                     [4] = "wrong: wrote beside its result",
                                     [5] = "wrong: left counters that are not zeros"};
  for (int i = 2; i < N; i++) {
    if (strncmp(e.of[i].why, why[i], strlen(why[i])) != 0) fail_msg("%s: %s", list[i].name, e.of[i].why);
    assert_true(e.of[i].us == 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(measures, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

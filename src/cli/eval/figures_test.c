// SPDX-License-Identifier: Apache-2.0
// Means and McNemar's test against values computed by hand.
#include "cli/eval/figures.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void near(double got, double want) {
  if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want)))) fail_msg("%.17g, not %.17g", got, want);
}

static void test_mean(void **state) {
  (void)state;
  static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9}; // mean 5, squares 32
  eval_mean m = {0};
  near(eval_mean_error(&m), 0);
  eval_mean_add(&m, -3);
  near(eval_mean_error(&m), 0);
  near(m.most, -3);
  m = (eval_mean){0};
  for (int i = 0; i < 8; i++) eval_mean_add(&m, x[i]);
  near(m.mean, 5);
  near(m.most, 9);
  near(eval_mean_error(&m), sqrt(32.0 / 7 / 8));
  eval_mean parts[2] = {0}, joined = {0};
  for (int i = 0; i < 8; i++) eval_mean_add(&parts[i > 2], x[i]);
  eval_mean_join(&joined, &parts[0]);
  eval_mean_join(&joined, &(eval_mean){0});
  eval_mean_join(&joined, &parts[1]);
  near(joined.mean, 5);
  near(joined.squares, 32);
  near(joined.most, 9);
}

// sqrt(p (1 - p) / (n - 1)).
static void test_rate(void **state) {
  (void)state;
  eval_mean m = {0};
  for (int i = 0; i < 1000; i++) eval_mean_add(&m, i < 832);
  near(m.mean, 0.832);
  near(eval_mean_error(&m), sqrt(0.832 * 0.168 / 999));
}

static void test_mcnemar(void **state) {
  (void)state;
  near(eval_mcnemar(0, 0), 1);
  near(eval_mcnemar(1, 0), 1);
  near(eval_mcnemar(5, 5), 1);
  near(eval_mcnemar(0, 10), 2.0 / 1024);
  near(eval_mcnemar(2, 8), 2 * (1 + 10 + 45) / 1024.0);
  near(eval_mcnemar(8, 2), 2 * (1 + 10 + 45) / 1024.0);
  near(eval_mcnemar(1500, 1500), 1);
  assert_true(eval_mcnemar(1000, 2000) < 1e-60 && eval_mcnemar(1000, 2000) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mean), cmocka_unit_test(test_rate),
                                     cmocka_unit_test(test_mcnemar)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

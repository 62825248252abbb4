// SPDX-License-Identifier: Apache-2.0
// Log probabilities and distances of rows with known values.
#include "cli/eval/rows.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want, double most) {
  if (!(fabs(got - want) <= most)) fail_msg("%.17g, not %.17g", got, want);
}

static void test_top(void **state) {
  (void)state;
  const float row[] = {-1, 3, 2, 3};
  assert_int_equal(eval_top(row, 4), 1);
  assert_int_equal(eval_top(row, 1), 0);
}

static void test_log_probability(void **state) {
  (void)state;
  const float row[] = {1000 + logf(1), 1000 + logf(2), 1000 + logf(5), -INFINITY};
  near(eval_log_probability(row, 4, 2), log(5.0 / 8), 1e-4); // logits of 1000 have steps of 6e-5
  near(eval_log_probability(row, 4, 0), log(1.0 / 8), 1e-4);
  assert_true(eval_log_probability(row, 4, 3) == -INFINITY);
}

// KL of (1/2, 1/4, 1/4) and (1/4, 1/2, 1/4).
static void test_compare(void **state) {
  (void)state;
  float base[] = {logf(2) + 7, logf(1) + 7, logf(1) + 7};
  const float other[] = {logf(1), logf(2), logf(1)};
  eval_log_probabilities(base, 3);
  near(base[0], log(0.5), 1e-6);
  const eval_distance d = eval_compare(base, other, 3);
  near(d.kl, 0.5 * log(2) - 0.25 * log(2), 1e-6);
  assert_false(d.same_top);
}

static void test_itself(void **state) {
  (void)state;
  float row[257], base[257];
  for (int i = 0; i < 257; i++) row[i] = sinf((float)i * 1.7f) * 20;
  row[3] = -INFINITY;
  memcpy(base, row, sizeof row);
  eval_log_probabilities(base, 257);
  const eval_distance d = eval_compare(base, row, 257);
  assert_true(d.kl == 0 && d.same_top);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_top), cmocka_unit_test(test_log_probability),
                                     cmocka_unit_test(test_compare), cmocka_unit_test(test_itself)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

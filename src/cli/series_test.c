// SPDX-License-Identifier: Apache-2.0
// Figures of series: right values, small ones, and none at all.
#include "cli/series.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static cli_series of(const double *x, size_t n) {
  cli_series s = {0};
  for (size_t i = 0; i < n; i++) cli_series_add(&s, x[i]);
  return s;
}

static void near(double wanted, double x) { assert_true(x > wanted - 1e-9 && x < wanted + 1e-9); }

static void test_percentiles_lie_between_neighbours(void **state) {
  (void)state;
  cli_series s = of((double[]){4, 1, 3, 2}, 4);
  cli_sort(&s);
  near(1, cli_percentile(&s, 0));
  near(1.3, cli_percentile(&s, 10));
  near(2.5, cli_percentile(&s, 50));
  near(3.97, cli_percentile(&s, 99));
  near(4, cli_percentile(&s, 100));
  near(2.5, cli_mean(&s));
  near(1.118033988749895, cli_deviation(&s));
  cli_series_deinit(&s);
}

static void test_one_value_is_all_its_figures(void **state) {
  (void)state;
  cli_series s = of((double[]){7}, 1);
  cli_sort(&s);
  near(7, cli_percentile(&s, 10));
  near(7, cli_percentile(&s, 99));
  near(0, cli_deviation(&s));
  cli_series_deinit(&s);
}

static void test_an_empty_series_has_zeros(void **state) {
  (void)state;
  cli_series s = {0};
  cli_sort(&s);
  near(0, cli_percentile(&s, 50));
  near(0, cli_mean(&s));
  near(0, cli_deviation(&s));
  json_t *list = cli_series_json(&s, 1);
  assert_int_equal(json_array_size(list), 0);
  json_decref(list);
}

static void test_a_document_keeps_the_order_and_scales(void **state) {
  (void)state;
  cli_series s = of((double[]){.5, .25}, 2);
  json_t *list = cli_series_json(&s, 1000);
  near(500, json_real_value(json_array_get(list, 0)));
  near(250, json_real_value(json_array_get(list, 1)));
  json_decref(list);
  cli_series_deinit(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_percentiles_lie_between_neighbours),
      cmocka_unit_test(test_one_value_is_all_its_figures),
      cmocka_unit_test(test_an_empty_series_has_zeros),
      cmocka_unit_test(test_a_document_keeps_the_order_and_scales),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The memory planner: no two values alive together overlap, nothing is misaligned, and it shares well.
#include "base/memory.h"
#include "plan/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void plan(nf_lifetime *v, size_t n, size_t *total) {
  assert_true(nf_is_ok(nf_memory_plan(v, n, total)));
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(v[i].offset % NF_CACHE_LINE, 0);
    assert_true(v[i].offset + v[i].bytes <= *total);
    for (size_t j = 0; j < i; j++) {
      const bool together = v[i].first <= v[j].last && v[j].first <= v[i].last;
      const bool overlap = v[i].offset < v[j].offset + v[j].bytes && v[j].offset < v[i].offset + v[i].bytes;
      assert_false(together && overlap);
    }
  }
}

// The most bytes alive in one step: no plan can do with less.
static size_t lower_bound(const nf_lifetime *v, size_t n, int32_t steps) {
  size_t most = 0;
  for (int32_t s = 0; s < steps; s++) {
    size_t alive = 0;
    for (size_t i = 0; i < n; i++)
      if (v[i].first <= s && s <= v[i].last) alive += v[i].bytes;
    if (alive > most) most = alive;
  }
  return most;
}

static void test_small(void **state) {
  (void)state;
  size_t total;
  assert_true(nf_is_ok(nf_memory_plan(NULL, 0, &total)));
  assert_int_equal(total, 0);
  nf_lifetime chain[] = {
      {100, 0, 1, 9}, {100, 1, 2, 9}, {100, 2, 3, 9}}; // a value dies when its successor's is born
  plan(chain, 3, &total);
  assert_int_equal(total, 256);
  nf_lifetime none[] = {{0, 0, 5, 9}, {64, 0, 5, 9}};
  plan(none, 2, &total);
  assert_int_equal(total, 64);
}

static void test_residual(void **state) { // a long-lived value under short ones, as in a transformer
  (void)state;
  size_t total;
  nf_lifetime v[] = {{64, 0, 9, 0}, {640, 1, 2, 0}, {64, 2, 3, 0}, {640, 3, 4, 0}, {64, 4, 5, 0}};
  plan(v, 5, &total);
  assert_int_equal(total, 64 + 640 + 64);
}

static void test_random(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 200; seed++) {
    enum { N = 120, STEPS = 60 };
    nf_lifetime v[N];
    size_t total;
    srand(seed);
    for (int i = 0; i < N; i++) {
      const int32_t first = rand() % STEPS, length = rand() % 6;
      v[i] = (nf_lifetime){(size_t)(rand() % 5000), first,
                           first + length < STEPS ? first + length : STEPS - 1, 1};
    }
    plan(v, N, &total);
    const size_t bound = lower_bound(v, N, STEPS);
    if (total > bound + bound / 4) fail_msg("seed %u: %zu bytes, %zu are alive at once", seed, total, bound);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_residual),
                                     cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

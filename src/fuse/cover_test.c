// SPDX-License-Identifier: Apache-2.0
// Covers against all sets, ties, and the limit.
#include "fuse/choice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 14 };

static double best_of_all(const nf_cover *c) {
  double best = 0;
  for (unsigned set = 0; set < 1u << c->n; set++) {
    double sum = 0;
    bool fits = true;
    for (size_t i = 0; i < c->n; i++)
      if (set >> i & 1) sum += c->gain[i], fits &= !(c->excludes[i] & set);
    if (fits && sum > best) best = sum;
  }
  return best;
}

static double taken(const nf_cover *c) {
  double sum = 0;
  uint64_t set = 0;
  for (size_t i = 0; i < c->n; i++)
    if (c->taken[i]) {
      assert_false(c->excludes[i] & set);
      set |= 1ull << i;
      sum += c->gain[i];
    }
  return sum;
}

static void against_all_sets(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 2000; seed++) {
    double gain[MOST];
    uint64_t excludes[MOST] = {0};
    bool set[MOST];
    srand(seed);
    nf_cover c = {.n = (size_t)(rand() % (MOST + 1)),
                  .gain = gain,
                  .excludes = excludes,
                  .words = 1,
                  .limit = 100000,
                  .taken = set};
    for (size_t i = 0; i < c.n; i++) {
      gain[i] = 1 + rand() % 9;
      for (size_t k = 0; k < i; k++)
        if (rand() % 3 == 0) excludes[i] |= 1ull << k, excludes[k] |= 1ull << i;
    }
    assert_true(nf_is_ok(nf_cover_solve(&c)));
    assert_true(c.exact);
    if (taken(&c) != best_of_all(&c)) fail_msg("seed %u: %g, best is %g", seed, taken(&c), best_of_all(&c));
  }
}

static void ties_go_to_the_first(void **state) {
  (void)state;
  const double gain[] = {2, 2, 1, 1};
  const uint64_t excludes[] = {2, 1, 8, 4};
  bool set[4];
  nf_cover c = {.n = 4, .gain = gain, .excludes = excludes, .words = 1, .limit = 100, .taken = set};
  assert_true(nf_is_ok(nf_cover_solve(&c)));
  assert_true(set[0] && !set[1] && set[2] && !set[3]);
}

// A ring of a hundred: more than a few steps can settle.
static void limit(void **state) {
  (void)state;
  enum { N = 100 };
  double gain[N];
  uint64_t excludes[N][2] = {{0}};
  bool set[N];
  for (size_t i = 0; i < N; i++) {
    gain[i] = (double)(1 + i * 7 % 5);
    for (size_t d = 1; d <= 3; d++) {
      const size_t k = (i + d) % N;
      excludes[i][k / 64] |= 1ull << k % 64;
      excludes[k][i / 64] |= 1ull << i % 64;
    }
  }
  nf_cover c = {.n = N, .gain = gain, .excludes = excludes[0], .words = 2, .limit = 150, .taken = set};
  assert_true(nf_is_ok(nf_cover_solve(&c)));
  assert_false(c.exact);
  int n = 0;
  for (size_t i = 0; i < N; i++)
    for (size_t k = 0; set[i] && k < N; k++)
      if (set[k]) n++, assert_false(excludes[i][k / 64] >> k % 64 & 1);
  assert_true(n > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(against_all_sets),
                                     cmocka_unit_test(ties_go_to_the_first), cmocka_unit_test(limit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Plans of several ranks with different slices of the weights: every rank gets the same result bit for bit,
// and the one that a single rank with all the weights gets; failing ranks; no allocation after the first
// step.
#include "base/difference.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/team.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

enum { VOCAB = 40, BATCH = 5, WORLDS = 5 };
static const int worlds[WORLDS] = {1, 2, 3, 4, 8}; // the last are more than there are cores
static const team_shape shape = {
    .hidden = 64, .vocab = VOCAB, .blocks = 7, .inner = {48, 24}, .dtype = NF_F32, .batch = BATCH};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void draw(uint64_t step, int32_t *tokens, int64_t *n) {
  *n = 1 + (int64_t)(team_uniform(7, step) * BATCH);
  for (int64_t i = 0; i < *n; i++) tokens[i] = (int32_t)(team_uniform(step, (uint64_t)i) * VOCAB);
}

static const float *out_of(const team *t, int rank) { return team_out(t, rank).data; }

// ||got - want|| / ||want|| of the last step.
static double error_of(const team *got, const team *want, int64_t rows) {
  nf_difference d = {0};
  nf_difference_add(&d, out_of(got, 0), out_of(want, 0), rows * VOCAB);
  return nf_difference_of(&d);
}

static void compare(int world, int threads, uint64_t steps, const team_shape *s) {
  team many, one;
  ok(team_init(&many, s, world, threads, NULL));
  ok(team_init(&one, s, 1, 1, NULL));
  for (uint64_t step = 0; step < steps; step++) {
    int32_t tokens[BATCH];
    int64_t n;
    draw(step, tokens, &n);
    ok(team_step(&many, tokens, n));
    ok(team_step(&one, tokens, n));
    for (int r = 1; r < world; r++)
      assert_memory_equal(out_of(&many, r), out_of(&many, 0), (size_t)n * VOCAB * sizeof(float));
    const double error = error_of(&many, &one, n);
    if (!(error <= 1e-5)) fail_msg("%d ranks, step %d: error %g", world, (int)step, error);
  }
  team_deinit(&many);
  team_deinit(&one);
}

static void test_any_world_is_one(void **state) {
  (void)state;
  for (int w = 0; w < WORLDS; w++) compare(worlds[w], 1, worlds[w] <= 4 ? 1000 : 50, &shape);
  compare(2, 2, 200, &shape);
}

static void test_fused(void **state) {
  (void)state;
  team_shape fused = shape;
  fused.fused = true;
  for (int w = 0; w < WORLDS; w++) compare(worlds[w], 1, 50, &fused);
}

// A rank that never gets to its plan: one error, nobody hangs, and the next step is right.
static void test_a_rank_fails(void **state) {
  (void)state;
  const int32_t tokens[] = {3, 1, 4};
  for (int w = 0; w < WORLDS; w++) {
    team t, one;
    ok(team_init(&t, &shape, worlds[w], 1, NULL));
    ok(team_init(&one, &shape, 1, 1, NULL));
    ok(team_step(&one, tokens, 3));
    for (t.failing = 0; t.failing < worlds[w]; t.failing++) {
      const int failing = t.failing;
      nf_status st = team_step(&t, tokens, 3);
      assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
      assert_non_null(strstr(nf_status_message(st), "out of order"));
      nf_status_free(st);
      t.failing = -1;
      ok(team_step(&t, tokens, 3));
      assert_true(error_of(&t, &one, 3) <= 1e-5);
      t.failing = failing;
    }
    team_deinit(&t);
    team_deinit(&one);
  }
}

// A step that is too large is refused by all ranks at once, and said once.
static void test_a_step_too_large(void **state) {
  (void)state;
  team t;
  const int32_t tokens[BATCH] = {0};
  ok(team_init(&t, &shape, 3, 1, NULL));
  const nf_sizes large = nf_sizes_of(BATCH + 1, 1, 1);
  nf_status st = nf_plan_run(t.rank[2].plan, t.rank[2].device, &large);
  assert_int_equal(nf_status_code(st), NF_INTERNAL);
  nf_status_free(st);
  ok(team_step(&t, tokens, BATCH));
  team_deinit(&t);
}

static void test_nothing_is_allocated(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  for (int w = 0; w < WORLDS; w++) {
    team t;
    int32_t tokens[BATCH];
    int64_t n;
    ok(team_init(&t, &shape, worlds[w], 2, NULL));
    draw(0, tokens, &n);
    ok(team_step(&t, tokens, n));
    nf_alloc_fail_at(0, false);
    for (uint64_t step = 1; step < 20; step++) {
      draw(step, tokens, &n);
      ok(team_step(&t, tokens, n));
    }
    assert_int_equal(nf_alloc_count(), 0);
    team_deinit(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_world_is_one),     cmocka_unit_test(test_fused),
      cmocka_unit_test(test_a_rank_fails),         cmocka_unit_test(test_a_step_too_large),
      cmocka_unit_test(test_nothing_is_allocated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

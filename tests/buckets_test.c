// SPDX-License-Identifier: Apache-2.0
// Steps that are replayed from captures, their sizes rounded up: the host, which has no need of it, computes
// the same so as with exact sizes.
#include "base/difference.h"
#include "engine/engine.h"
#include "tests/support/expect.h"
#include <string.h>

enum { SESSIONS = 5, STEPS = 14, MOST = 7 };

// Session k's tokens of step i: from none to a few.
static size_t tokens_of(int i, int k, int32_t *out) {
  const size_t n = (size_t)(i * 5 + k * 3) % MOST;
  for (size_t t = 0; t < n; t++) out[t] = (int32_t)(i * 31 + k * 17 + (int)t * 7) % 300;
  return n;
}

typedef struct side {
  infuse_runtime *rt;
  infuse_model *m;
  infuse_session *s[SESSIONS];
} side;

static side open_side(const char *dir, int64_t world, bool buckets) {
  const infuse_runtime_options r = {.size = sizeof r, .threads = 2};
  const infuse_model_options o = {
      .size = sizeof o, .sessions = SESSIONS, .context = 128, .batch = SESSIONS * MOST, .world = world};
  const infuse_session_options so = {.size = sizeof so};
  side e;
  ok(infuse_runtime_create(&r, &e.rt));
  ok(infuse_model_load(e.rt, dir, &o, &e.m));
  e.m->buckets = buckets;
  for (int k = 0; k < SESSIONS; k++) ok(infuse_session_create(e.m, &so, &e.s[k]));
  return e;
}

static void close_side(side *e) {
  for (int k = 0; k < SESSIONS; k++) infuse_session_destroy(e->s[k]);
  infuse_model_destroy(e->m);
  infuse_runtime_destroy(e->rt);
}

static void step(side *e, int i) {
  int32_t tokens[MOST];
  for (int k = 0; k < SESSIONS; k++) {
    const size_t n = tokens_of(i, k, tokens);
    if (n != 0) ok(infuse_session_append(e->s[k], tokens, n));
  }
  ok(infuse_step(e->m, e->s, SESSIONS));
}

static void compare(const char *dir, int64_t world) {
  side exact = open_side(dir, world, false), rounded = open_side(dir, world, true);
  for (int i = 0; i < STEPS; i++) {
    step(&exact, i);
    step(&rounded, i);
    for (int s = NF_T; s < NF_SYM_COUNT; s++) {
      const int64_t n = rounded.m->flight.bucket.of[s], at = exact.m->flight.bucket.of[s];
      assert_true(n >= at && (n < 2 * at || at == 0));
      assert_true((n & (n - 1)) == 0 || n == nf_model_largest_step(exact.m).of[s]);
    }
    for (int k = 0; k < SESSIONS; k++) {
      const infuse_rows a = infuse_session_logits(exact.s[k]), b = infuse_session_logits(rounded.s[k]);
      nf_difference d = {0};
      assert_int_equal(a.rows, b.rows);
      if (a.rows == 0) continue;
      nf_difference_add(&d, b.data, a.data, (int64_t)(a.rows * a.width));
      if (!(nf_difference_of(&d) == 0))
        fail_msg("%s, step %d, session %d: %g", dir, i, k, nf_difference_of(&d));
    }
  }
  close_side(&exact);
  close_side(&rounded);
}

// What replaying leaves on the host is in the budget, as is what kernels and drawing need for themselves.
static void budget(void **) {
  side e = open_side("checkpoints/gpt-oss-tiny", 1, false);
  const nf_budget exact = e.m->budget;
  const nf_step_tables tables = e.m->tables; // which adding up lays out anew
  e.m->buckets = true;
  ok(nf_model_add_up(e.m).error);
  e.m->tables = tables;
  assert_int_equal(exact.of[NF_CAPTURES], 0);
  assert_true(e.m->budget.of[NF_CAPTURES] > 0);
  assert_int_equal(e.m->budget.rank, exact.rank + e.m->budget.of[NF_CAPTURES]);
  assert_true(exact.of[NF_SCRATCH] >= (uint64_t)e.m->n_scratch * sizeof(float) * (uint64_t)e.m->config.vocab);
  for (size_t i = 0; i < e.m->compiled.n; i++)
    assert_true(exact.of[NF_SCRATCH] >=
                nf_scratch_total(nf_plan_scratch_bytes(e.m->compiled.range[i].plan), 2));
  close_side(&e);
}

static void pages(void **) { compare("checkpoints/gpt-oss-tiny", 1); }
static void states(void **) { compare("checkpoints/qwen3-next-tiny", 1); }
static void ranks(void **) { compare("checkpoints/gpt-oss-tiny", 2); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pages), cmocka_unit_test(states),
                                     cmocka_unit_test(ranks), cmocka_unit_test(budget)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

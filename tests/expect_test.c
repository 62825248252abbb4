// SPDX-License-Identifier: Apache-2.0
// The step that is expected, on a driver of tests/drivers: what comes otherwise is computed as it comes,
// whatever sessions do between steps; and what comes as expected finds its tables there, and the tokens too
// where the device has drawn them.
#include "engine/engine.h"
#include "tests/drivers/fake.h"
#include "tests/support/sessions.h"
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

enum { SESSIONS = 3, STEPS = 14, MODELS = 2 };

static void (*fake)(const char *settings);
static long (*count)(const char *call);
static infuse_runtime *rt;

static void expect_nothing(infuse_model *m) {
  nf_event_destroy(m->expected.computed);
  m->expected.computed = NULL;
}

// ---- whatever sessions do ----

typedef struct rng {
  uint64_t at;
} rng;
static size_t below(rng *r, size_t n) {
  r->at = r->at * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(r->at >> 33) % n;
}

static infuse_session *begin_kind(infuse_model *m, size_t kind) {
  const infuse_sampling warm = {.size = sizeof warm, .temperature = 1, .top_p = 1, .seed = 7};
  return new_session(m, (infuse_session_options){.generate = true,
                                                 .sampling = kind == 0 ? &warm : &greedy,
                                                 .max_tokens = (int64_t)(kind == 1 ? 3 : 0),
                                                 .ignore_eos = true});
}

// The same to both.
static void change(infuse_model *m[MODELS], infuse_session *s[MODELS], rng *r, int step) {
  const size_t what = below(r, 12), n = 1 + below(r, 6), kind = below(r, 4);
  const bool ended = infuse_session_output(s[0]).finish != INFUSE_RUNNING;
  for (int i = 0; i < MODELS; i++) {
    size_t known;
    infuse_session_tokens(s[i], &known);
    if (what == 0 || known + 8 > MANY) {
      infuse_session_destroy(s[i]);
      s[i] = begin_kind(m[i], kind);
      ok(infuse_session_append(s[i], prompt + step, n));
    } else if (what == 1 && known > n) {
      ok(infuse_session_truncate(s[i], known - n));
      ok(infuse_session_append(s[i], prompt + step, 1));
    } else if (what == 2 || ended)
      ok(infuse_session_append(s[i], prompt + step, 1 + kind));
    else if (what == 3)
      ok(infuse_session_suspend(s[i]));
  }
}

static void same_as_unexpected(const char *dir, uint64_t seed) {
  infuse_model *m[MODELS] = {load(rt, dir), load(rt, dir)};
  infuse_session *s[SESSIONS][MODELS];
  rng r = {seed};
  size_t met = 0;
  expect_nothing(m[1]);
  for (int k = 0; k < SESSIONS; k++)
    for (int i = 0; i < MODELS; i++) {
      s[k][i] = begin_kind(m[i], 2);
      ok(infuse_session_append(s[k][i], prompt + k, k == 0 ? 60 : 3));
    }
  for (int step = 0; step < STEPS; step++) {
    const size_t from = below(&r, 8) == 0; // sometimes without the first
    for (int k = 0; k < SESSIONS; k++)
      if (below(&r, 9) == 0 || infuse_session_output(s[k][0]).finish != INFUSE_RUNNING)
        change(m, s[k], &r, step);
    for (int i = 0; i < MODELS; i++) {
      infuse_session *named[SESSIONS];
      for (int k = 0; k < SESSIONS; k++) named[k] = s[k][i];
      ok(infuse_step(m[i], named + from, SESSIONS - from));
    }
    met += m[0]->expected.given;
    assert_false(m[1]->expected.given);
    for (int k = 0; k < SESSIONS; k++)
      if (infuse_session_output(s[k][0]).token != infuse_session_output(s[k][1]).token)
        fail_msg("%s, seed %lu, step %d, session %d: %d is %d", dir, (unsigned long)seed, step, k,
                 infuse_session_output(s[k][0]).token, infuse_session_output(s[k][1]).token);
  }
  assert_true(met > 2);
  for (int i = 0; i < MODELS; i++) {
    for (int k = 0; k < SESSIONS; k++) infuse_session_destroy(s[k][i]);
    infuse_model_destroy(m[i]);
  }
}

static void whatever_comes(void **) {
  const uint64_t fresh = (uint64_t)time(NULL);
  same_as_unexpected("checkpoints/gpt-oss-tiny", fresh);
  same_as_unexpected("checkpoints/qwen3-next-tiny", fresh);
}

// ---- what is copied ----

// Copies in front of the next step's graph, which then fails.
static long copies_before(infuse_model *m, infuse_session *s) {
  const long before = count("copy");
  fake("fail=exec_launch:1:1");
  refused(infuse_step(m, &s, 1), INFUSE_INTERNAL, "cuGraphLaunch");
  fake(NULL);
  return count("copy") - before;
}

static void copied(size_t kind, long ids) {
  infuse_model *m = load(rt, tiny[1]);
  infuse_session *s = begin_kind(m, kind);
  ok(infuse_session_append(s, prompt, 61)); // the third token fills a page
  ok(infuse_step(m, &s, 1));
  assert_int_equal(copies_before(m, s), 1); // a prompt's end: all tables
  ok(infuse_step(m, &s, 1));
  assert_int_equal(copies_before(m, s), ids);
  assert_int_equal(copies_before(m, s), 1); // what failed is not expected
  ok(infuse_step(m, &s, 1));
  ok(infuse_step(m, &s, 1));
  assert_int_equal(copies_before(m, s), 2); // a page that nobody has expected, and tables
  ok(infuse_step(m, &s, 1));
  assert_int_equal(copies_before(m, s), ids);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void only_ids(void **) {
  copied(2, 0); // drawn by the device
  copied(0, 1); // by the process
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_comes), cmocka_unit_test(only_ids)};
  const infuse_runtime_options o = {.size = sizeof o, .device = "cuda", .threads = 1};
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  fake = library != NULL ? dlsym(library, "fake_gpu") : NULL;
  count = library != NULL ? dlsym(library, "fake_gpu_count") : NULL;
  if (fake == NULL || count == NULL || infuse_runtime_create(&o, &rt) != NULL)
    return fprintf(stderr, "libcuda.so.1 is not the one of tests/drivers\n"), 1;
  const int failed = cmocka_run_group_tests(tests, set_up, tear_down);
  infuse_runtime_destroy(rt);
  return failed;
}

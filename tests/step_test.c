// SPDX-License-Identifier: Apache-2.0
// A step of several sessions: each gets what it would get alone, on any number of threads.
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"
#include <stdlib.h>

enum { SESSIONS = 7, TOKENS = 6, PROMPT = 4 };

typedef struct engine {
  infuse_runtime *runtime;
  infuse_model *model;
  infuse_session *session[SESSIONS];
} engine;

// Session i has a prompt, a seed and filters of its own.
static infuse_session *session_of(infuse_model *m, int i) {
  const infuse_sampling sampling[] = {{.top_p = 1},
                                      {.temperature = 1, .seed = (uint64_t)i},
                                      {.temperature = 1, .top_k = 20, .repetition_penalty = 1.3f}};
  const infuse_session_options o = {.size = sizeof o,
                                    .generate = true,
                                    .sampling = &sampling[i % 3],
                                    .max_tokens = TOKENS,
                                    .ignore_eos = true};
  int32_t prompt[PROMPT];
  infuse_session *s;
  for (int k = 0; k < PROMPT; k++) prompt[k] = 17 * i + 5 * k + 1;
  ok(infuse_session_create(m, &o, &s));
  ok(infuse_session_append(s, prompt, PROMPT));
  return s;
}

static engine start(int threads) {
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = threads};
  const infuse_model_options mo = {.size = sizeof mo, .context = 64, .sessions = SESSIONS};
  engine e;
  ok(infuse_runtime_create(&ro, &e.runtime));
  ok(infuse_model_load(e.runtime, "checkpoints/qwen3-tiny", &mo, &e.model));
  for (int i = 0; i < SESSIONS; i++) e.session[i] = session_of(e.model, i);
  return e;
}

static void stop(engine *e) {
  for (int i = 0; i < SESSIONS; i++) infuse_session_destroy(e->session[i]);
  infuse_model_destroy(e->model);
  infuse_runtime_destroy(e->runtime);
}

static void hold_the_same(const infuse_session *a, const infuse_session *b) {
  size_t n_a, n_b;
  const int32_t *at = infuse_session_tokens(a, &n_a), *bt = infuse_session_tokens(b, &n_b);
  assert_int_equal(n_a, n_b);
  assert_memory_equal(at, bt, n_a * sizeof *at);
}

// ---- threads ----

static void test_any_number_of_threads(void **) {
  engine one = start(1), many = start(3);
  for (int step = 0; step < TOKENS; step++) {
    ok(infuse_step(one.model, one.session, SESSIONS));
    nf_alloc_fail_at(0, false);
    ok(infuse_step(many.model, many.session, SESSIONS));
    if (step > 1) assert_int_equal(nf_alloc_count(), 0);
    for (int i = 0; i < SESSIONS; i++) {
      assert_int_equal(infuse_session_output(many.session[i]).tokens, step + 1);
      hold_the_same(one.session[i], many.session[i]);
    }
  }
  stop(&one);
  stop(&many);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_number_of_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

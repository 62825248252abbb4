// SPDX-License-Identifier: Apache-2.0
// A step of several sessions: each gets what it would get alone, on any number of threads.
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { PAGE = 64, SESSIONS = 7, TOKENS = 6, PROMPT = 4, VOCAB = 384 };

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

static engine start_with(int threads, infuse_model_options mo, const char *dir) {
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = threads};
  engine e;
  mo.size = sizeof mo, mo.context = 64, mo.sessions = SESSIONS;
  ok(infuse_runtime_create(&ro, &e.runtime));
  ok(infuse_model_load(e.runtime, dir, &mo, &e.model));
  for (int i = 0; i < SESSIONS; i++) e.session[i] = session_of(e.model, i);
  return e;
}

static engine start(int threads) {
  return start_with(threads, (infuse_model_options){0}, "checkpoints/qwen3-tiny");
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

static bool is_running(const engine *e) {
  bool running = false;
  for (int i = 0; i < SESSIONS; i++) running |= infuse_session_output(e->session[i]).finish == INFUSE_RUNNING;
  return running;
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

// ---- one of several ----

// A session that has nothing to draw ends alone.
static void test_others_go_on(void **) {
  engine e = start(2), undisturbed = start(2);
  int32_t all[VOCAB];
  for (int32_t i = 0; i < VOCAB; i++) all[i] = i;
  const infuse_sampling none = {.begin_suppress_tokens = all, .n_begin_suppress_tokens = VOCAB};
  const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &none};
  infuse_session_destroy(e.session[3]);
  ok(infuse_session_create(e.model, &o, &e.session[3]));
  ok(infuse_session_append(e.session[3], all, PROMPT));
  for (int step = 0; step < TOKENS; step++) {
    ok(infuse_step(e.model, e.session, SESSIONS));
    ok(infuse_step(undisturbed.model, undisturbed.session, SESSIONS));
  }
  for (int i = 0; i < SESSIONS; i++) {
    const infuse_status wanted = i == 3 ? INFUSE_STATUS_FAILED : INFUSE_STATUS_COMPUTED;
    assert_int_equal(infuse_session_status(e.session[i]), wanted);
    if (i != 3) hold_the_same(e.session[i], undisturbed.session[i]);
  }
  refused(infuse_error_copy(infuse_session_error(e.session[3])), INFUSE_USAGE, "leave no token to draw");
  assert_null(infuse_error_copy(infuse_session_error(e.session[0])));
  ok(infuse_step(e.model, e.session, SESSIONS)); // all have finished
  assert_int_equal(infuse_session_status(e.session[0]), INFUSE_STATUS_IDLE);
  assert_int_equal(infuse_session_status(e.session[3]), INFUSE_STATUS_FAILED);
  assert_int_equal(infuse_session_status(NULL), INFUSE_STATUS_IDLE);
  stop(&e);
  stop(&undisturbed);
}

static void test_no_room(void **) {
  engine e = start_with(2, (infuse_model_options){.batch = 3 * PROMPT}, "checkpoints/qwen3-tiny"),
         all = start(2);
  ok(infuse_step(e.model, e.session, SESSIONS));
  for (int i = 0; i < SESSIONS; i++)
    assert_int_equal(infuse_session_status(e.session[i]),
                     i < 3 ? INFUSE_STATUS_COMPUTED : INFUSE_STATUS_NO_ROOM);
  for (int step = 0; step < TOKENS; step++) {
    ok(infuse_step(e.model, e.session + 3, SESSIONS - 3)); // one of four waits each time
    ok(infuse_step(all.model, all.session, SESSIONS));
  }
  for (int i = 0; i < 3; i++) assert_int_equal(infuse_session_output(e.session[i]).tokens, 1);
  for (int step = 0; step < 4 * TOKENS; step++) ok(infuse_step(e.model, e.session, SESSIONS));
  for (int i = 0; i < SESSIONS; i++) hold_the_same(e.session[i], all.session[i]);
  stop(&e);
  stop(&all);
}

// Pages for three sessions: the others wait until those give theirs back, and get what they would have got.
static void test_out_of_pages(void **) {
  static const char *const models[] = {"checkpoints/qwen3-tiny", "checkpoints/qwen3-next-tiny"};
  for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
    engine e = start_with(2, (infuse_model_options){.cache_tokens = 3 * PAGE}, models[k]),
           all = start_with(2, (infuse_model_options){0}, models[k]);
    ok(infuse_step(e.model, e.session, SESSIONS));
    for (int i = 0; i < SESSIONS; i++) {
      assert_int_equal(infuse_session_status(e.session[i]),
                       i < 3 ? INFUSE_STATUS_COMPUTED : INFUSE_STATUS_NO_PAGES);
      assert_int_equal(infuse_session_pending(e.session[i]), i < 3 ? 1 : PROMPT);
    }
    for (int step = 1; step < TOKENS; step++) ok(infuse_step(e.model, e.session, SESSIONS));
    refused(infuse_step(e.model, e.session, SESSIONS), INFUSE_UNAVAILABLE,
            "no session of the step can go on");
    assert_int_equal(infuse_session_status(e.session[2]), INFUSE_STATUS_IDLE);
    assert_int_equal(infuse_session_status(e.session[3]), INFUSE_STATUS_NO_PAGES);
    while (is_running(&e)) {
      for (int i = 0; i < SESSIONS; i++)
        if (infuse_session_output(e.session[i]).finish != INFUSE_RUNNING)
          ok(infuse_session_suspend(e.session[i]));
      ok(infuse_step(e.model, e.session, SESSIONS));
    }
    while (is_running(&all)) ok(infuse_step(all.model, all.session, SESSIONS));
    for (int i = 0; i < SESSIONS; i++) hold_the_same(e.session[i], all.session[i]);
    stop(&e);
    stop(&all);
  }
}

static bool stop_half_way(void *user, const char *what, uint64_t done, uint64_t total) {
  (void)what;
  return !*(bool *)user || 2 * done < total;
}

// Another model that is not loaded after all, while sessions of the first are under way.
static void test_stopped_loading(void **) {
  bool stops = false;
  const infuse_runtime_options ro = {
      .size = sizeof ro, .threads = 2, .progress = stop_half_way, .user = &stops};
  const infuse_model_options mo = {.size = sizeof mo, .context = PAGE, .sessions = SESSIONS};
  engine e, calm = start(2);
  infuse_model *other = NULL;
  ok(infuse_runtime_create(&ro, &e.runtime));
  ok(infuse_model_load(e.runtime, "checkpoints/qwen3-tiny", &mo, &e.model));
  for (int i = 0; i < SESSIONS; i++) e.session[i] = session_of(e.model, i);
  ok(infuse_step(e.model, e.session, SESSIONS));
  stops = true;
  refused(infuse_model_load(e.runtime, "checkpoints/gpt-oss-tiny", &mo, &other), INFUSE_CANCELLED, "stopped");
  assert_null(other);
  while (is_running(&e)) ok(infuse_step(e.model, e.session, SESSIONS));
  while (is_running(&calm)) ok(infuse_step(calm.model, calm.session, SESSIONS));
  for (int i = 0; i < SESSIONS; i++) hold_the_same(e.session[i], calm.session[i]);
  stop(&e);
  stop(&calm);
}

// A list that is wrong leaves even the outputs of the step before.
static void test_wrong_use_changes_nothing(void **) {
  engine e = start(1);
  infuse_session *const list[] = {e.session[0], e.session[1], e.session[0]};
  ok(infuse_step(e.model, e.session, SESSIONS));
  const infuse_output before = infuse_session_output(e.session[0]);
  refused(infuse_step(e.model, list, 3), INFUSE_USAGE, "session 2 of the step is there twice");
  const infuse_output after = infuse_session_output(e.session[0]);
  assert_int_equal(after.token, before.token);
  assert_int_equal(after.n, before.n);
  assert_int_equal(infuse_session_status(e.session[0]), INFUSE_STATUS_COMPUTED);
  assert_int_equal(infuse_session_logits(e.session[0]).rows, 1);
  stop(&e);
}

// ---- cancelling ----

typedef struct canceller { // cancels all the time
  infuse_model *model;
  _Atomic bool stop;
} canceller;

static void *cancel(void *arg) {
  canceller *c = arg;
  while (!c->stop) infuse_step_cancel(c->model);
  return NULL;
}

// A step that somebody tries to cancel. Whether that came in time.
static bool is_cancelled(engine *e) {
  canceller c = {.model = e->model};
  pthread_t thread;
  size_t pending[SESSIONS], held[SESSIONS], n;
  for (int i = 0; i < SESSIONS; i++) {
    pending[i] = infuse_session_pending(e->session[i]);
    (void)infuse_session_tokens(e->session[i], &held[i]);
  }
  assert_int_equal(pthread_create(&thread, NULL, cancel, &c), 0);
  infuse_error *error = infuse_step(e->model, e->session, SESSIONS);
  c.stop = true;
  pthread_join(thread, NULL);
  if (error == NULL) return false;
  refused(error, INFUSE_CANCELLED, "cancelled after");
  for (int i = 0; i < SESSIONS; i++) {
    (void)infuse_session_tokens(e->session[i], &n);
    assert_int_equal(n, held[i]);
    const bool again = infuse_session_position(e->session[i]) == 0; // of a recurrent state
    assert_true(again || infuse_session_pending(e->session[i]) == pending[i]);
    assert_int_equal(infuse_session_status(e->session[i]), INFUSE_STATUS_IDLE);
    assert_int_equal(infuse_session_logits(e->session[i]).rows, 0);
  }
  return true;
}

static void test_cancelled_steps_can_be_repeated(void **) {
  static const char *const models[] = {"checkpoints/qwen3-tiny", "checkpoints/gpt-oss-tiny",
                                       "checkpoints/qwen3-next-tiny"};
  int cancelled = 0;
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    for (int64_t world = 1; world <= 2; world++) {
      const infuse_model_options o = {.world = world, .batch = 3 * PROMPT}; // others wait for room
      engine e = start_with(2, o, models[i]), calm = start_with(2, o, models[i]);
      for (int k = 0; is_running(&e); k++) {
        if (k % 2 == 0)
          cancelled += is_cancelled(&e);
        else
          ok(infuse_step(e.model, e.session, SESSIONS));
      }
      while (is_running(&calm)) ok(infuse_step(calm.model, calm.session, SESSIONS));
      for (int s = 0; s < SESSIONS; s++) hold_the_same(e.session[s], calm.session[s]);
      stop(&e);
      stop(&calm);
    }
  assert_true(cancelled > 0);
  infuse_step_cancel(NULL);
}

// ---- begun and waited for ----

static void test_begun_steps(void **) {
  engine e = start(2), plain = start(2);
  for (int step = 0; step < TOKENS; step++) {
    const infuse_output before = infuse_session_output(e.session[0]);
    ok(infuse_step_begin(e.model, e.session, SESSIONS));
    assert_int_equal(infuse_session_status(e.session[1]), INFUSE_STATUS_COMPUTING);
    assert_int_equal(infuse_session_output(e.session[0]).token, before.token); // still there
    while (!infuse_step_poll(e.model)) assert_int_equal(infuse_session_logits(e.session[0]).rows, 0);
    ok(infuse_step_wait(e.model));
    ok(infuse_step(plain.model, plain.session, SESSIONS));
    for (int i = 0; i < SESSIONS; i++) {
      assert_int_equal(infuse_session_status(e.session[i]), INFUSE_STATUS_COMPUTED);
      hold_the_same(e.session[i], plain.session[i]);
    }
    assert_int_equal(infuse_session_logits(e.session[0]).rows, 1);
  }
  ok(infuse_step_wait(e.model)); // nothing to wait for
  assert_true(infuse_step_poll(e.model));
  refused(infuse_step_wait(NULL), INFUSE_USAGE, "model is NULL");
  assert_true(infuse_step_poll(NULL));
  stop(&e);
  stop(&plain);
}

static void count(void *user) { ++*(_Atomic int *)user; }

// Who has other things to wait for is told.
static void test_told_when_computed(void **) {
  _Atomic int told = 0;
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = 1, .computed = count, .user = &told};
  const infuse_model_options mo = {.size = sizeof mo, .context = PAGE, .sessions = 1};
  infuse_runtime *runtime;
  infuse_model *m;
  ok(infuse_runtime_create(&ro, &runtime));
  ok(infuse_model_load(runtime, "checkpoints/qwen3-tiny", &mo, &m));
  infuse_session *s = session_of(m, 1);
  ok(infuse_step(m, &s, 1));
  assert_int_equal(told, 0);
  for (int i = 1; i <= TOKENS; i++) { // the last one has nothing to compute
    ok(infuse_step_begin(m, &s, 1));
    while (told < i) sched_yield();
    ok(infuse_step_wait(m));
    assert_int_equal(told, i);
  }
  // And who comes later, until the first is told again.
  _Atomic int later = 0;
  for (int i = 1; i <= 3; i++) {
    ok(infuse_runtime_on_computed(runtime, i == 2 ? NULL : count, &later));
    ok(infuse_step_begin(m, &s, 1));
    refused(infuse_runtime_on_computed(runtime, count, &told), INFUSE_USAGE, "infuse_step_wait comes first");
    ok(infuse_step_wait(m));
    assert_int_equal(later, (i + 1) / 2);
    assert_int_equal(told, TOKENS + i / 2);
  }
  refused(infuse_runtime_on_computed(NULL, count, &told), INFUSE_USAGE, "runtime is NULL");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(runtime);
}

static void is_busy(infuse_error *e) { refused(e, INFUSE_USAGE, "infuse_step_wait comes first"); }

static void test_what_waits(void **) {
  engine e = start(2);
  infuse_session *const *in = e.session, *out = e.session[SESSIONS - 1], *copy;
  infuse_model *other;
  const infuse_session_options o = {.size = sizeof o};
  const infuse_message hi = {"user", "hi"};
  const int32_t more[] = {3, 4, 5};
  ok(infuse_step_begin(e.model, in, SESSIONS - 1));
  is_busy(infuse_step(e.model, &out, 1));
  is_busy(infuse_step_begin(e.model, &out, 1));
  is_busy(infuse_model_load(e.runtime, "checkpoints/qwen3-tiny", NULL, &other));
  is_busy(infuse_session_append(in[0], more, 3));
  is_busy(infuse_session_truncate(in[0], 1));
  is_busy(infuse_session_suspend(in[0]));
  is_busy(infuse_session_clone(in[0], &copy));
  infuse_error_free(infuse_session_chat(in[0], &hi, 1)); // without a chat format, or busy
  ok(infuse_session_truncate(out, 2));
  ok(infuse_session_append(out, more, 3));
  infuse_session_destroy(out);
  ok(infuse_session_create(e.model, &o, &e.session[SESSIONS - 1]));
  ok(infuse_session_append(e.session[SESSIONS - 1], more, 3));
  infuse_session_destroy(in[0]); // waits for the step
  e.session[0] = NULL;
  for (int i = 1; i < SESSIONS - 1; i++) assert_int_equal(infuse_session_output(in[i]).tokens, 1);
  is_busy(infuse_step(e.model, in + 1, 1)); // its error is not told yet
  ok(infuse_step_wait(e.model));
  ok(infuse_step(e.model, in + 1, SESSIONS - 1));
  ok(infuse_step_begin(e.model, in + 1, SESSIONS - 1));
  infuse_session *const broken[] = {in[1], NULL};
  is_busy(infuse_step_begin(e.model, broken, 2));
  ok(infuse_step_wait(e.model));
  refused(infuse_step_begin(e.model, broken, 2), INFUSE_USAGE, "session 1 of the step is NULL");
  ok(infuse_step_begin(e.model, in + 1, SESSIONS - 1)); // never waited for
  infuse_session_destroy(in[1]);
  e.session[1] = NULL;
  stop(&e);
}

static void test_begun_steps_can_be_cancelled(void **) {
  engine e = start(2), calm = start(2);
  int cancelled = 0;
  while (is_running(&e)) {
    ok(infuse_step_begin(e.model, e.session, SESSIONS));
    infuse_step_cancel(e.model);
    infuse_error *error = infuse_step_wait(e.model);
    if (error != NULL) refused(error, INFUSE_CANCELLED, "cancelled after"), cancelled++;
    if (error != NULL) ok(infuse_step(e.model, e.session, SESSIONS));
  }
  while (is_running(&calm)) ok(infuse_step(calm.model, calm.session, SESSIONS));
  for (int i = 0; i < SESSIONS; i++) hold_the_same(e.session[i], calm.session[i]);
  assert_true(cancelled > 0);
  stop(&e);
  stop(&calm);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_number_of_threads),
                                     cmocka_unit_test(test_others_go_on),
                                     cmocka_unit_test(test_no_room),
                                     cmocka_unit_test(test_out_of_pages),
                                     cmocka_unit_test(test_stopped_loading),
                                     cmocka_unit_test(test_wrong_use_changes_nothing),
                                     cmocka_unit_test(test_cancelled_steps_can_be_repeated),
                                     cmocka_unit_test(test_begun_steps),
                                     cmocka_unit_test(test_told_when_computed),
                                     cmocka_unit_test(test_what_waits),
                                     cmocka_unit_test(test_begun_steps_can_be_cancelled)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

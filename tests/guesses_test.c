// SPDX-License-Identifier: Apache-2.0
// Guessed tokens: texts are those that are drawn without guesses, greedy and drawn, with penalties, stops and
// limits, of several sessions in a step, at the end of the context; what was right is told; and it is refused
// where states can't go back.
#include "base/sanitized.h"
#include "tests/support/expect.h"
#include <infuse/infuse.h>
#include <stdio.h>

enum { CONTEXT = 200, PROMPT = 48, SESSIONS = 3 };
static infuse_runtime *runtime;

static infuse_model *load(const char *dir) {
  return new_model(runtime, dir,
                   (infuse_model_options){.context = CONTEXT, .sessions = SESSIONS, .batch = 64, .rows = 32});
}

typedef struct text {
  int32_t token[CONTEXT + 1];
  size_t n, steps, guessed, right;
  infuse_finish finish;
} text;

static void make_prompt(int32_t *out, uint64_t seed) { // that repeats itself, with some noise
  for (uint64_t i = 0; i < PROMPT; i++) out[i] = (int32_t)((i % (5 + seed % 4) * 31 + seed) % 250);
}

static infuse_session *begin(infuse_model *m, infuse_session_options o, infuse_sampling sampling,
                             uint64_t seed) {
  int32_t prompt[PROMPT];
  make_prompt(prompt, seed);
  sampling.seed = seed;
  o.generate = true, o.sampling = &sampling, o.ignore_eos = true;
  infuse_session *s = new_session(m, o);
  ok(infuse_session_append(s, prompt, PROMPT));
  return s;
}

static void note(const infuse_session *s, text *t) {
  const infuse_output out = infuse_session_output(s);
  size_t n;
  t->steps++;
  t->guessed += out.guessed;
  if (out.n_drawn == 0) return;
  assert_int_equal(out.token, out.drawn[out.n_drawn - 1]);
  assert_true(out.n_drawn <= out.guessed + 1);
  t->right += out.n_drawn - 1;
  t->finish = out.finish;
  const int32_t *all = infuse_session_tokens(s, &n);
  assert_memory_equal(all + n - out.n_drawn, out.drawn, out.n_drawn * sizeof *all);
  assert_int_equal(out.tokens, n - PROMPT);
  assert_true(infuse_session_position(s) == n - 1 || infuse_session_position(s) == n);
  memcpy(t->token, all, n * sizeof *all);
  t->n = n;
}

// SESSIONS of them, with seeds that follow one another, in steps together.
static void draw(infuse_model *m, infuse_session_options o, infuse_sampling sampling, uint64_t seed,
                 text *out) {
  infuse_session *s[SESSIONS], *named[SESSIONS];
  memset(out, 0, SESSIONS * sizeof *out);
  for (size_t i = 0; i < SESSIONS; i++) s[i] = begin(m, o, sampling, seed + i);
  for (;;) {
    size_t n = 0, at[SESSIONS];
    for (size_t i = 0; i < SESSIONS; i++)
      if (infuse_session_output(s[i]).finish == INFUSE_RUNNING) at[n] = i, named[n++] = s[i];
    if (n == 0) break;
    ok(infuse_step(m, named, n));
    for (size_t i = 0; i < n; i++) ok(infuse_error_copy(infuse_session_error(named[i])));
    for (size_t i = 0; i < n; i++) note(named[i], &out[at[i]]);
  }
  for (size_t i = 0; i < SESSIONS; i++) infuse_session_destroy(s[i]);
}

static const int32_t stops[] = {33, 64, 95, 126};

static void test_texts_are_the_same(void **) {
  static const char *const dirs[] = {"checkpoints/qwen3-tiny", "checkpoints/gpt-oss-tiny"};
  static const struct {
    infuse_sampling sampling;
    infuse_session_options o;
  } row[] = {
      {{.temperature = 0}, {.max_tokens = 90}},
      {{.temperature = 0}, {.max_tokens = 7}},
      {{.temperature = 0}, {0}}, // to the end of the context
      {{.temperature = 0.7f, .top_k = 3}, {.max_tokens = 90}},
      {{.temperature = 0.7f, .top_k = 2, .repetition_penalty = 1.1f, .frequency_penalty = 0.1f},
       {.max_tokens = 60}},
      {{.temperature = 0}, {.max_tokens = 90, .stop_tokens = stops, .n_stop_tokens = 4}},
  };
  text plain[SESSIONS], guessed[SESSIONS];
  size_t right = 0;
  for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++) {
    infuse_model *m = load(dirs[d]);
    for (size_t i = 0; i < sizeof row / sizeof *row; i += NF_SANITIZED ? 2 : 1) {
      infuse_session_options o = row[i].o;
      draw(m, o, row[i].sampling, 7 * i + 1, plain);
      o.guesses = 1 + (int32_t)(i * 5 % INFUSE_GUESSES);
      draw(m, o, row[i].sampling, 7 * i + 1, guessed);
      for (size_t k = 0; k < SESSIONS; k++) {
        assert_int_equal(guessed[k].n, plain[k].n);
        assert_memory_equal(guessed[k].token, plain[k].token, plain[k].n * sizeof(int32_t));
        assert_int_equal(guessed[k].finish, plain[k].finish);
        assert_int_equal(plain[k].guessed, 0);
        assert_true(guessed[k].steps <= plain[k].steps);
        right += guessed[k].right;
      }
    }
    infuse_model_destroy(m);
  }
  assert_true(right > 20);
}

// With pages and another turn behind it: what was guessed wrong is nowhere.
static void test_a_text_goes_on(void **) {
  infuse_model *m = load("checkpoints/qwen3-tiny");
  int32_t next[] = {3, 1, 4, 1, 5};
  text t[2] = {{.n = 0}, {.n = 0}};
  for (int i = 0; i < 2; i++) {
    infuse_session *s =
        begin(m, (infuse_session_options){.guesses = 8 * i, .max_tokens = 40, .unshared = true},
              (infuse_sampling){.temperature = 0}, 3);
    for (int turn = 0; turn < 2; turn++) {
      while (infuse_session_output(s).finish == INFUSE_RUNNING) ok(infuse_step(m, &s, 1));
      if (turn == 0) ok(infuse_session_append(s, next, 5));
    }
    const int32_t *all = infuse_session_tokens(s, &t[i].n);
    memcpy(t[i].token, all, t[i].n * sizeof *all);
    infuse_session_destroy(s);
  }
  assert_int_equal(t[0].n, t[1].n);
  assert_memory_equal(t[0].token, t[1].token, t[0].n * sizeof(int32_t));
  infuse_model_destroy(m);
}

static void test_refusals(void **) {
  infuse_model *m = load("checkpoints/qwen3-next-tiny");
  infuse_session *s;
  infuse_session_options o = {.size = sizeof o, .generate = true, .guesses = 1};
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "is not for hybrid models");
  o.guesses = INFUSE_GUESSES + 1;
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "it must be 0 to 16");
  infuse_model_destroy(m);
}

static int set_up(void **) {
  const infuse_runtime_options o = {.size = sizeof o, .figures = "stated", .threads = 1};
  return infuse_runtime_create(&o, &runtime) != NULL;
}
static int tear_down(void **) { return infuse_runtime_destroy(runtime), 0; }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts_are_the_same),
      cmocka_unit_test(test_a_text_goes_on),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

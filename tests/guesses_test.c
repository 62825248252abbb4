// SPDX-License-Identifier: Apache-2.0
// Guessed tokens: texts are those that are drawn without guesses, greedy and drawn, with penalties, stops,
// limits, shapes and logprobs, of several sessions in a step, at the end of the context, whatever else
// becomes of sessions; what was right is told; and states that no room was made for are refused. With the
// name of a device: a text there.
#include "base/sanitized.h"
#include "tests/support/expect.h"
#include <infuse/chat.h>
#include <infuse/infuse.h>
#include <stdlib.h>

enum { CONTEXT = 200, PROMPT = 48, SESSIONS = 3 };
static infuse_runtime *runtime;

static infuse_model *load(const char *dir) {
  return new_model(runtime, dir,
                   (infuse_model_options){.context = CONTEXT,
                                          .sessions = SESSIONS,
                                          .batch = 64,
                                          .rows = 32,
                                          .snapshots = 2,
                                          .guesses = INFUSE_GUESSES});
}

static void close_model(infuse_model *m) { // nothing is in use
  infuse_caches c = {.size = sizeof c};
  infuse_model_caches(m, &c);
  assert_true(c.pages_in_use == 0 && c.states_in_use == 0);
  infuse_model_destroy(m);
}

typedef struct text {
  int32_t token[CONTEXT + 1];
  float logprob[CONTEXT + 1][2]; // of the tokens that were drawn, and of the likeliest
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
  const infuse_logprobs l = infuse_session_logprobs(s);
  if (l.n == 0) return;
  assert_true(l.n == out.n_drawn && l.first + l.n == n && l.width == 2);
  for (size_t i = 0; i < l.n; i++) {
    assert_int_equal(l.data[2 * i].token, out.drawn[i]);
    for (size_t k = 0; k < 2; k++) t->logprob[l.first + i][k] = l.data[2 * i + k].logprob;
  }
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
  static const char *const dirs[] = {"checkpoints/qwen3-tiny", "checkpoints/gpt-oss-tiny",
                                     "checkpoints/qwen3-next-tiny", "checkpoints/qwen3-next-tiny-fp8-block"};
  static const struct {
    infuse_sampling sampling;
    infuse_session_options o;
  } row[] = {
      {{.temperature = 0}, {.max_tokens = 90}},
      {{.temperature = 0}, {.max_tokens = 7}},
      {{.temperature = 0}, {0}},                                         // to the end of the context
      {{.temperature = 0, .frequency_penalty = -1}, {.max_tokens = 90}}, // says again what it has said
      {{.temperature = 0.7f, .top_k = 3}, {.max_tokens = 90}},
      {{.temperature = 0.7f, .top_k = 2, .repetition_penalty = 1.1f, .frequency_penalty = 0.1f},
       {.max_tokens = 60}},
      {{.temperature = 0, .frequency_penalty = -1}, {.max_tokens = 60, .logprobs = true, .top_logprobs = 1}},
      {{.temperature = 0}, {.max_tokens = 90, .stop_tokens = stops, .n_stop_tokens = 4}},
  };
  static text plain[SESSIONS], guessed[SESSIONS];
  for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++) {
    size_t right = 0, wrong = 0;
    infuse_model *m = load(dirs[d]);
    for (size_t i = 0; i < sizeof row / sizeof *row; i += NF_SANITIZED ? 2 : 1) {
      infuse_session_options o = row[i].o;
      draw(m, o, row[i].sampling, 7 * i + 1, plain);
      o.guesses = 1 + (int32_t)(i * 5 % INFUSE_GUESSES);
      draw(m, o, row[i].sampling, 7 * i + 1, guessed);
      for (size_t k = 0; k < SESSIONS; k++) {
        assert_int_equal(guessed[k].n, plain[k].n);
        assert_memory_equal(guessed[k].token, plain[k].token, plain[k].n * sizeof(int32_t));
        assert_memory_equal(guessed[k].logprob, plain[k].logprob, sizeof plain[k].logprob);
        assert_int_equal(guessed[k].finish, plain[k].finish);
        assert_int_equal(plain[k].guessed, 0);
        assert_true(guessed[k].steps <= plain[k].steps);
        right += guessed[k].right;
        wrong += guessed[k].guessed - guessed[k].right;
      }
    }
    assert_true(right > 20 && wrong > 20);
    close_model(m);
  }
}

// With pages, another turn behind it, and one behind what was cut off: what was guessed wrong is nowhere.
static void test_a_text_goes_on(void **) {
  static const char *const dirs[] = {"checkpoints/qwen3-tiny", "checkpoints/qwen3-next-tiny"};
  int32_t next[] = {3, 1, 4, 1, 5};
  for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++) {
    infuse_model *m = load(dirs[d]);
    text t[2] = {{.n = 0}, {.n = 0}};
    for (int i = 0; i < 2; i++) {
      infuse_session *s =
          begin(m, (infuse_session_options){.guesses = 8 * i, .max_tokens = 40, .unshared = true},
                (infuse_sampling){.temperature = 0}, 3);
      for (int turn = 0; turn < 3; turn++) {
        while (infuse_session_output(s).finish == INFUSE_RUNNING) ok(infuse_step(m, &s, 1));
        infuse_session_tokens(s, &t[i].n);
        if (turn == 1) ok(infuse_session_truncate(s, t[i].n - 9));
        if (turn < 2) ok(infuse_session_append(s, next, 5));
      }
      const int32_t *all = infuse_session_tokens(s, &t[i].n);
      memcpy(t[i].token, all, t[i].n * sizeof *all);
      infuse_session_destroy(s);
    }
    assert_int_equal(t[0].n, t[1].n);
    assert_memory_equal(t[0].token, t[1].token, t[0].n * sizeof(int32_t));
    close_model(m);
  }
}

// ---- answers that must be of a shape, and their ends ----

static const char list[] =
    "{\"type\":\"array\",\"minItems\":3,\"maxItems\":5,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"name\":{\"enum\":[\"a\",\"b\"]},\"number\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}},"
    "\"required\":[\"name\",\"number\"],\"additionalProperties\":false}}";
static const char tools[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"note\",\"strict\":true,\"parameters\":{\"type\":"
    "\"object\","
    "\"properties\":{\"one\":{\"enum\":[\"red red red red\"]},\"two\":{\"enum\":[\"red red red red\"]}},"
    "\"required\":[\"one\",\"two\"],\"additionalProperties\":false}}}]";

static void answer(infuse_model *m, infuse_session_options o, uint64_t seed, text *out) {
  const infuse_sampling warm = {.size = sizeof warm, .temperature = seed == 0 ? 0 : 1, .seed = seed};
  const infuse_message message = {.role = "user", .content = "What is 12 + 30? What is 12 + 30?"};
  infuse_session *s;
  o.size = sizeof o, o.generate = true, o.sampling = &warm;
  if (o.max_tokens == 0) o.max_tokens = 120;
  ok(infuse_session_create(m, &o, &s));
  ok(infuse_session_chat(s, &message, 1));
  while (infuse_session_output(s).finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    ok(infuse_error_copy(infuse_session_error(s)));
    const infuse_output said = infuse_session_output(s);
    const infuse_logprobs l = infuse_session_logprobs(s);
    assert_int_equal(l.n, o.logprobs ? said.n_drawn : 0);
    assert_int_equal(said.in_answer, said.n_drawn != 0 && said.drawn_in_answer >> (said.n_drawn - 1) & 1);
    for (size_t i = 0; i < l.n; i++) {
      assert_int_equal(l.data[i * l.width].token, said.drawn[i]);
      out->logprob[l.first + i][0] = l.data[i * l.width].logprob;
      out->logprob[l.first + i][1] = (float)(said.drawn_in_answer >> i & 1);
    }
    out->guessed += said.guessed;
    out->right += said.n_drawn != 0 ? said.n_drawn - 1 : 0;
    out->finish = said.finish;
  }
  const int32_t *all = infuse_session_tokens(s, &out->n);
  memcpy(out->token, all, out->n * sizeof *all);
  infuse_session_destroy(s);
}

static void test_answers_of_a_shape(void **) {
  static const char *const ends[] = {" is", "2."};
  static const infuse_session_options row[] = {
      {.json_schema = list},
      {.json_schema = list, .logprobs = true},
      {.regex = "(the same words, ){6}"},
      {.regex = "(the same words, ){6}", .max_tokens = 31},
      {.tools = tools, .must_call = true, .thinking = INFUSE_THINKING_OFF},
      {.tools = tools, .call = "note"},
      {.logprobs = true},
      {.stop = ends, .n_stop = 2},
  };
  infuse_model *m = load("models/infuse-next");
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    size_t right = 0, guesses = 0;
    for (uint64_t seed = 0; seed < (NF_SANITIZED ? 1 : 4); seed++) {
      text plain = {.n = 0}, guessed = {.n = 0};
      infuse_session_options o = row[i];
      answer(m, o, seed, &plain);
      o.guesses = 3 + 4 * (int32_t)(seed % 2);
      answer(m, o, seed, &guessed);
      assert_int_equal(guessed.n, plain.n);
      assert_memory_equal(guessed.token, plain.token, plain.n * sizeof(int32_t));
      assert_memory_equal(guessed.logprob, plain.logprob, sizeof plain.logprob);
      assert_int_equal(guessed.finish, plain.finish);
      assert_int_equal(plain.guessed, 0);
      right += guessed.right, guesses += guessed.guessed;
    }
    assert_true(right > 0 && guesses >= right);
  }
  close_model(m);
}

static void compute(infuse_model *m, infuse_session *s, text *out) {
  while (infuse_session_output(s).finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    out->right += infuse_session_output(s).n_drawn != 0 ? infuse_session_output(s).n_drawn - 1 : 0;
  }
  const int32_t *all = infuse_session_tokens(s, &out->n);
  memcpy(out->token, all, out->n * sizeof *all);
  infuse_session_destroy(s);
}

// The state that an answer leaves at the end of a page is the one behind its tokens, wherever in a step with
// guesses that page ends.
static void test_states_are_left_for_others(void **) {
  infuse_model *m = load("checkpoints/qwen3-next-tiny");
  const infuse_sampling again = {.temperature = 0, .frequency_penalty = -1};
  size_t right = 0;
  for (uint64_t seed = 0; seed < 24; seed++) {
    text left = {.n = 0}, found[2] = {{.n = 0}, {.n = 0}};
    compute(m, begin(m, (infuse_session_options){.guesses = 7, .max_tokens = 30}, again, seed), &left);
    right += left.right;
    for (int i = 0; i < 2; i++) {
      const infuse_session_options o = {.size = sizeof o,
                                        .generate = true,
                                        .ignore_eos = true,
                                        .sampling = &again,
                                        .max_tokens = 20,
                                        .unshared = i == 1};
      infuse_session *s;
      ok(infuse_session_create(m, &o, &s));
      ok(infuse_session_append(s, left.token, 70));
      assert_int_equal(infuse_session_cached(s), i == 0 ? 64 : 0);
      compute(m, s, &found[i]);
    }
    assert_int_equal(found[0].n, found[1].n);
    assert_memory_equal(found[0].token, found[1].token, found[0].n * sizeof(int32_t));
  }
  assert_true(right > 100);
  close_model(m);
}

// ---- whatever sessions do ----

enum { PLAYERS = 5, MOVES = NF_SANITIZED ? 60 : 400 };

typedef struct player { // a session, how it was made, and what it was given to begin with
  infuse_session *s;
  infuse_session_options o;
  infuse_sampling sampling;
  int32_t prompt[CONTEXT];
  size_t n;
} player;

// What one began with, or what one holds.
static void choose_prompt(player *p, const player *other) {
  const int32_t *all = infuse_session_tokens(other->s, &p->n);
  if (p->n > 0) memcpy(p->prompt, all, p->n * sizeof *all);
  if (p->n == 0 || p->n > 150) make_prompt(p->prompt, (uint64_t)rand() % 3), p->n = PROMPT;
}

static void begin_player(infuse_model *m, player *p, const player *other) {
  p->sampling = (infuse_sampling){.size = sizeof p->sampling,
                                  .temperature = rand() % 2 ? 0 : .7f,
                                  .top_k = 2 + rand() % 3,
                                  .frequency_penalty = rand() % 4 ? -1 : .1f,
                                  .seed = (uint64_t)rand()};
  p->o = (infuse_session_options){.size = sizeof p->o,
                                  .generate = true,
                                  .sampling = &p->sampling,
                                  .max_tokens = 1 + rand() % 90,
                                  .stop_tokens = stops,
                                  .n_stop_tokens = rand() % 2 ? 4 : 0,
                                  .guesses = rand() % 9,
                                  .unshared = rand() % 6 == 0,
                                  .ignore_eos = true};
  choose_prompt(p, other);
  ok(infuse_session_create(m, &p->o, &p->s));
  ok(infuse_session_append(p->s, p->prompt, p->n));
}

// What it has drawn is what one draws that is alone, shares nothing and guesses nothing, as far as it is.
static void end_player(infuse_model *roomy, player *p) {
  infuse_session *alone;
  infuse_session_options o = p->o;
  size_t n, whole;
  o.guesses = 0, o.unshared = true;
  ok(infuse_session_create(roomy, &o, &alone));
  ok(infuse_session_append(alone, p->prompt, p->n));
  while (infuse_session_output(alone).finish == INFUSE_RUNNING) ok(infuse_step(roomy, &alone, 1));
  const int32_t *want = infuse_session_tokens(alone, &whole), *got = infuse_session_tokens(p->s, &n);
  const infuse_finish finish = infuse_session_output(p->s).finish;
  if (finish == INFUSE_RUNNING)
    assert_true(n <= whole);
  else
    assert_true(n == whole && finish == infuse_session_output(alone).finish);
  assert_memory_equal(got, want, n * sizeof *got);
  infuse_session_destroy(alone);
  infuse_session_destroy(p->s);
  p->s = NULL;
}

// A step of some of them, perhaps cancelled while it computes.
static void step_some(infuse_model *m, player *p, size_t *right) {
  infuse_session *named[PLAYERS];
  size_t n = 0;
  for (int i = 0; i < PLAYERS; i++)
    if (p[i].s != NULL && infuse_session_output(p[i].s).finish == INFUSE_RUNNING && rand() % 4 != 0)
      named[n++] = p[i].s;
  infuse_error *e = infuse_step_begin(m, named, n);
  if (e == NULL && rand() % 12 == 0) infuse_step_cancel(m);
  if (e == NULL) e = infuse_step_wait(m);
  if (e != NULL)
    assert_true(infuse_error_code(e) == INFUSE_CANCELLED || infuse_error_code(e) == INFUSE_UNAVAILABLE);
  for (size_t i = 0; i < n && e == NULL; i++)
    if (infuse_session_output(named[i]).n_drawn > 1) *right += infuse_session_output(named[i]).n_drawn - 1;
  infuse_error_free(e);
}

static void move(infuse_model *m, infuse_model *roomy, player *p, size_t *right) {
  player *one = &p[rand() % PLAYERS], *two = &p[rand() % PLAYERS];
  const int what = rand() % 24;
  if (one->s == NULL)
    begin_player(m, one, two);
  else if (infuse_session_output(one->s).finish != INFUSE_RUNNING || what == 0)
    end_player(roomy, one);
  else if (what == 1)
    ok(infuse_session_suspend(one->s));
  else if (what == 2 && two->s == NULL) {
    *two = *one;
    ok(infuse_session_clone(one->s, &two->s));
    two->o.sampling = &two->sampling;
  } else
    step_some(m, p, right);
}

// Prefixes and states of one's guesses are there for others; caches are too small for all, or not.
static void test_whatever_sessions_do(void **) {
  static const char *const dirs[] = {"checkpoints/qwen3-next-tiny", "checkpoints/gpt-oss-tiny"};
  for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++)
    for (int round = 0; round < 3; round++) {
      const infuse_model_options o = {.size = sizeof o,
                                      .context = CONTEXT,
                                      .sessions = PLAYERS,
                                      .batch = 48,
                                      .rows = 24,
                                      .cache_tokens = (int64_t[]){0, 2 * CONTEXT, CONTEXT}[round],
                                      .snapshots = 3 * round,
                                      .guesses = 8};
      infuse_model *m, *roomy = load(dirs[d]);
      player p[PLAYERS] = {0};
      size_t right = 0;
      srand(100 * (unsigned)d + (unsigned)round);
      ok(infuse_model_load(runtime, dirs[d], &o, &m));
      for (int i = 0; i < MOVES; i++) move(m, roomy, p, &right);
      for (int i = 0; i < PLAYERS; i++)
        if (p[i].s != NULL) end_player(roomy, &p[i]);
      assert_true(right > 0);
      close_model(m);
      close_model(roomy);
    }
}

// ---- what is refused ----

static void test_refusals(void **) {
  infuse_model *m = load("checkpoints/qwen3-next-tiny");
  infuse_session *s;
  infuse_session_options o = {.size = sizeof o, .generate = true, .guesses = 1};
  o.guesses = INFUSE_GUESSES + 1;
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "it must be 0 to 16");
  infuse_model_destroy(m);
  infuse_model_options few = {.size = sizeof few, .guesses = 2};
  ok(infuse_model_load(runtime, "checkpoints/qwen3-next-tiny", &few, &m));
  o.guesses = 3;
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "room for the states of 2 guesses");
  o.guesses = 2;
  ok(infuse_session_create(m, &o, &s));
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  few.guesses = INFUSE_GUESSES + 1;
  refused(infuse_model_load(runtime, "checkpoints/qwen3-next-tiny", &few, &m), INFUSE_USAGE, "guesses is 17");
  few.guesses = INFUSE_GUESSES, few.sessions = 16, few.context = 64, few.memory = 24 << 20;
  refused(infuse_model_load(runtime, "checkpoints/qwen3-next-tiny", &few, &m), INFUSE_UNAVAILABLE,
          "without guesses it would fit");
}

static const char *device;

// With few tokens, as an emulated device is slow.
static void test_a_text_of_a_device(void **) {
  infuse_model *m = load("checkpoints/qwen3-next-tiny");
  const infuse_session_options o = {.max_tokens = 24};
  static text plain[SESSIONS], guessed[SESSIONS];
  size_t right = 0;
  const infuse_sampling again = {.temperature = 0, .frequency_penalty = -1};
  draw(m, o, again, 1, plain);
  draw(m, (infuse_session_options){.max_tokens = 24, .guesses = 5}, again, 1, guessed);
  for (size_t k = 0; k < SESSIONS; k++) {
    assert_int_equal(guessed[k].n, plain[k].n);
    assert_memory_equal(guessed[k].token, plain[k].token, plain[k].n * sizeof(int32_t));
    assert_true(guessed[k].right < guessed[k].guessed);
    right += guessed[k].right;
  }
  assert_true(right > 5);
  close_model(m);
}

static int set_up(void **) {
  const infuse_runtime_options o = {.size = sizeof o, .figures = "stated", .threads = 1, .device = device};
  return infuse_runtime_create(&o, &runtime) != NULL;
}
static int tear_down(void **) { return infuse_runtime_destroy(runtime), 0; }

int main(int argc, char **argv) {
  const struct CMUnitTest there[] = {cmocka_unit_test(test_a_text_of_a_device)};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts_are_the_same),   cmocka_unit_test(test_a_text_goes_on),
      cmocka_unit_test(test_answers_of_a_shape),   cmocka_unit_test(test_states_are_left_for_others),
      cmocka_unit_test(test_whatever_sessions_do), cmocka_unit_test(test_refusals),
  };
  if (argc > 1) device = argv[1];
  if (argc > 1) return cmocka_run_group_tests(there, set_up, tear_down);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

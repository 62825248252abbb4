// SPDX-License-Identifier: Apache-2.0
// Penalties, bias and bans of a session's sampling through the public interface: on greedy text, where each
// token can be recomputed from the logits, on drawn text, over turns and cuts, and what is refused.
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include <infuse/infuse.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONTEXT = 256, N = 60 };
static infuse_runtime *runtime;
static infuse_model *model;
static const int32_t prompt[] = {5, 9, 5, 7, 5, 9};

static infuse_session *begin(infuse_sampling s, infuse_session_options o) {
  o.generate = true;
  o.sampling = &s;
  infuse_session *session = new_session(model, o);
  ok(infuse_session_append(session, prompt, 6));
  return session;
}

static int32_t step(infuse_session *s) {
  ok(infuse_step(model, &s, 1));
  return infuse_session_output(s).token;
}

// What n steps draw.
static void draw(infuse_session *s, int32_t *out, int n) {
  for (int i = 0; i < n; i++) out[i] = step(s);
}

static int times(const int32_t *token, size_t n, int32_t id) {
  int sum = 0;
  for (size_t i = 0; i < n; i++) sum += token[i] == id;
  return sum;
}

// Greedy with penalties is the best of logits that are penalised by hand.
static void test_penalties(void **state) {
  (void)state;
  const infuse_sampling s = {
      .repetition_penalty = 1.5f, .frequency_penalty = 0.25f, .presence_penalty = 0.5f};
  infuse_session *session = begin(s, (infuse_session_options){.ignore_eos = true});
  int32_t text[6 + N];
  int changed = 0;
  memcpy(text, prompt, sizeof prompt);
  for (size_t n = 6; n < 6 + N; n++) {
    text[n] = step(session);
    const infuse_rows row = infuse_session_logits(session);
    float best = -INFINITY;
    int32_t want = -1, plain = 0;
    for (int32_t id = 0; id < (int32_t)row.width; id++) {
      float x = row.data[id];
      if (x > row.data[plain]) plain = id;
      const int all = times(text, n, id), drawn = times(text + 6, n - 6, id);
      if (all > 0) x = x > 0 ? x / 1.5f : x * 1.5f;
      if (drawn > 0) x -= 0.25f * (float)drawn + 0.5f;
      if (x > best) best = x, want = id;
    }
    assert_int_equal(text[n], want);
    changed += want != plain;
  }
  assert_true(changed > 0);
  infuse_session_destroy(session);
}

// The same tokens whatever runs beside them, and in a copy of the session.
static void test_same_seed(void **state) {
  (void)state;
  const infuse_sampling s = {.temperature = 1,
                             .repetition_penalty = 1.3f,
                             .frequency_penalty = 0.5f,
                             .no_repeat_ngram_size = 2,
                             .seed = 4};
  infuse_session *a = begin(s, (infuse_session_options){.ignore_eos = true}),
                 *b = begin((infuse_sampling){.temperature = 2, .presence_penalty = -1},
                            (infuse_session_options){.ignore_eos = true}),
                 *c = NULL;
  int32_t alone[N];
  draw(a, alone, N);
  infuse_session_destroy(a);
  a = begin(s, (infuse_session_options){.ignore_eos = true});
  for (int i = 0; i < N; i++) {
    infuse_session *const all[] = {b, a, c};
    ok(infuse_step(model, all, c != NULL ? 3 : 2));
    assert_int_equal(infuse_session_output(a).token, alone[i]);
    if (c != NULL) assert_int_equal(infuse_session_output(c).token, alone[i]);
    if (i == N / 2) ok(infuse_session_clone(a, &c));
  }
  infuse_session_destroy(c);
  infuse_session_destroy(b);
  infuse_session_destroy(a);
}

// A session that is cut back and given the same again draws the same again.
static void test_cut(void **state) {
  (void)state;
  const infuse_sampling s = {.temperature = 1, .repetition_penalty = 2, .presence_penalty = 1, .seed = 1};
  infuse_session *session = begin(s, (infuse_session_options){.ignore_eos = true});
  const int32_t more[] = {3, 4};
  int32_t first[2 * N], again[N];
  draw(session, first, N);
  ok(infuse_session_truncate(session, 6 + N / 2));
  ok(infuse_session_append(session, more, 2));
  draw(session, first + N, N);
  ok(infuse_session_truncate(session, 6 + N / 2));
  ok(infuse_session_append(session, more, 2));
  draw(session, again, N);
  assert_memory_equal(first + N, again, sizeof again);
  infuse_session_destroy(session);
}

static void test_bans(void **state) {
  (void)state;
  infuse_session *session =
      begin((infuse_sampling){.temperature = 2}, (infuse_session_options){.ignore_eos = true});
  int32_t free[N], text[6 + N];
  draw(session, free, N);
  infuse_session_destroy(session);
  // Two tokens that came are made a bad word, one that came first does not begin, none repeats in pairs.
  const int32_t word[] = {free[3], free[4]};
  const infuse_logit_bias bad = {word, 2, -INFINITY};
  const infuse_sampling s = {.temperature = 2,
                             .logit_bias = &bad,
                             .n_logit_bias = 1,
                             .begin_suppress_tokens = free,
                             .n_begin_suppress_tokens = 1,
                             .no_repeat_ngram_size = 2};
  session = begin(s, (infuse_session_options){.ignore_eos = true});
  memcpy(text, prompt, sizeof prompt);
  draw(session, text + 6, N);
  infuse_session_destroy(session);
  assert_int_not_equal(text[6], free[0]);
  for (int i = 6; i < 6 + N; i++) {
    assert_false(text[i - 1] == word[0] && text[i] == word[1]);
    for (int j = 1; j < i; j++) assert_false(text[j] == text[i] && text[j - 1] == text[i - 1]);
  }
}

static void test_min_tokens(void **state) {
  (void)state;
  // A token that greedy text begins with ends it at once, unless it is held back.
  infuse_session *session = begin((infuse_sampling){0}, (infuse_session_options){.ignore_eos = true});
  int32_t end;
  draw(session, &end, 1);
  infuse_session_destroy(session);
  const infuse_session_options o = {.stop_tokens = &end, .n_stop_tokens = 1, .max_tokens = 50};
  for (int64_t least = 0; least < 4; least++) {
    const infuse_logit_bias likely = {&end, 1, 1000};
    session = begin((infuse_sampling){.min_tokens = least, .logit_bias = &likely, .n_logit_bias = 1}, o);
    while (infuse_session_output(session).finish == INFUSE_RUNNING) step(session);
    assert_int_equal(infuse_session_output(session).finish, INFUSE_STOP);
    assert_int_equal(infuse_session_output(session).tokens, least + 1);
    infuse_session_destroy(session);
  }
}

// The model's own end, and that of its chat format, which comes of itself when it is likely enough.
static void test_min_tokens_of_a_chat(void **state) {
  (void)state;
  static const char *const marks[] = {"<|return|>", "<|call|>"};
  for (int i = 0; i < 2; i++) {
    int32_t *end;
    size_t n;
    ok(infuse_encode(infuse_model_tokenizer(model), marks[i], strlen(marks[i]), false, &end, &n));
    assert_int_equal(n, 1);
    const infuse_logit_bias likely = {end, 1, 1000};
    const infuse_sampling s = {.min_tokens = 7, .logit_bias = &likely, .n_logit_bias = 1};
    const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &s, .max_tokens = 30};
    const infuse_message message = {"user", "Hi"};
    infuse_session *session;
    ok(infuse_session_create(model, &o, &session));
    ok(infuse_session_chat(session, &message, 1));
    while (infuse_session_output(session).finish == INFUSE_RUNNING) ok(infuse_step(model, &session, 1));
    assert_int_equal(infuse_session_output(session).tokens, 8);
    infuse_session_destroy(session);
    infuse_free(end);
  }
}

static void test_zeroed(void **state) { // with a temperature it samples, with everything off
  (void)state;
  int32_t a[N], b[N];
  infuse_session *session =
      begin((infuse_sampling){.temperature = 1}, (infuse_session_options){.ignore_eos = true});
  draw(session, a, N);
  infuse_session_destroy(session);
  const infuse_sampling s = {.size = sizeof s, .temperature = 1, .top_p = 1, .repetition_penalty = 1};
  session = begin(s, (infuse_session_options){.ignore_eos = true});
  draw(session, b, N);
  infuse_session_destroy(session);
  assert_memory_equal(a, b, sizeof a);
}

// ---- generation_config.json ----

// The small model with another generation_config.json.
static infuse_model *load_with(char *dir, const char *generation) {
  static const char *const names[] = {"config.json", "model.safetensors", "tokenizer.json"};
  const infuse_model_options o = {.size = sizeof o, .context = CONTEXT};
  infuse_model *m;
  for (int i = 0; i < 3; i++) {
    char *target = folder_path("checkpoints/gpt-oss-small", names[i]);
    folder_link(dir, names[i], target);
    free(target);
  }
  folder_write_text(dir, "generation_config.json", generation);
  ok(infuse_model_load(runtime, dir, &o, &m));
  return m;
}

static void test_model_sampling(void **state) {
  (void)state;
  char *dir = folder_create();
  infuse_model *m = load_with(
      dir, "{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 9, \"top_p\": 0.75, \"min_p\": 0.25,"
           " \"repetition_penalty\": 1.5, \"presence_penalty\": 0.5, \"frequency_penalty\": 0.25,"
           " \"no_repeat_ngram_size\": 4, \"min_new_tokens\": 3, \"suppress_tokens\": [7, 8],"
           " \"begin_suppress_tokens\": [9], \"bad_words_ids\": [[4, 5]], \"sequence_bias\": [[[1, 2, 3], "
           "-1.5]]}");
  const infuse_sampling s = infuse_model_sampling(m);
  assert_true(s.size == sizeof s && s.temperature == 0.5f && s.top_k == 9 && s.top_p == 0.75f &&
              s.min_p == 0.25f);
  assert_true(s.repetition_penalty == 1.5f && s.presence_penalty == 0.5f && s.frequency_penalty == 0.25f);
  assert_true(s.no_repeat_ngram_size == 4 && s.min_tokens == 3);
  assert_true(s.n_begin_suppress_tokens == 1 && s.begin_suppress_tokens[0] == 9);
  static const struct {
    size_t n;
    int32_t last;
    float bias;
  } want[] = {{3, 3, -1.5f}, {2, 5, -INFINITY}, {1, 7, -INFINITY}, {1, 8, -INFINITY}};
  assert_int_equal(s.n_logit_bias, 4);
  for (int i = 0; i < 4; i++) {
    const infuse_logit_bias *b = &s.logit_bias[i];
    assert_true(b->n == want[i].n && b->token[b->n - 1] == want[i].last && b->bias == want[i].bias);
  }
  infuse_model_destroy(m);
  folder_remove(dir);
  assert_true(infuse_model_sampling(NULL).temperature == 0);
}

// Greedy text of a model obeys its penalties and bans too, unless the caller says otherwise; and its stop
// strings end a text that has none of the caller's.
static void test_model_defaults(void **state) {
  (void)state;
  infuse_session *plain = begin((infuse_sampling){0}, (infuse_session_options){.max_tokens = 3});
  int32_t first[3];
  draw(plain, first, 3);
  infuse_session_destroy(plain);
  char text[200], *dir = folder_create(), *word;
  size_t n;
  ok(infuse_decode(infuse_model_tokenizer(model), first, 1, &word, &n));
  snprintf(text, sizeof text, "{\"begin_suppress_tokens\": [%d], \"stop_strings\": \"%s\"}", first[1], word);
  infuse_model *m = load_with(dir, text);
  const infuse_sampling zero = {0};
  const int32_t start[] = {prompt[0], prompt[1], prompt[2], prompt[3], prompt[4], prompt[5], first[0]};
  for (int i = 0; i < 3; i++) {
    const infuse_session_options o = {.size = sizeof o,
                                      .generate = true,
                                      .max_tokens = 1,
                                      .ignore_eos = i == 2,
                                      .sampling = i == 1 ? &zero : NULL};
    infuse_session *s;
    ok(infuse_session_create(m, &o, &s));
    ok(infuse_session_append(s, start, i < 2 ? 7 : 6));
    ok(infuse_step(m, &s, 1));
    const infuse_output out = infuse_session_output(s);
    if (i == 0) assert_int_not_equal(out.token, first[1]); // its own settings
    if (i == 1) assert_int_equal(out.token, first[1]);     // the caller's
    if (i == 2) assert_int_equal(out.finish, INFUSE_LENGTH);
    infuse_session_destroy(s);
  }
  infuse_session *s = new_session(m, (infuse_session_options){.generate = true, .max_tokens = 9});
  ok(infuse_session_append(s, prompt, 6));
  ok(infuse_step(m, &s, 1));
  assert_int_equal(infuse_session_output(s).finish, INFUSE_STOP); // by its stop string
  assert_int_equal(infuse_session_output(s).n, 0);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_free(word);
  folder_remove(dir);
}

// ---- refusals ----

static void test_refusals(void **state) {
  (void)state;
  static const int32_t out_of_range[] = {1 << 22}, fine[] = {1};
  static const infuse_logit_bias bad_id = {out_of_range, 1, 1}, nan = {fine, 1, NAN},
                                 inf = {fine, 1, INFINITY}, empty = {fine, 0, 1}, null = {NULL, 1, 1};
  static const struct {
    infuse_sampling sampling;
    infuse_code code;
    const char *says;
  } cases[] = {{{.top_p = -0.1f}, INFUSE_USAGE, "top_p is -0.1; it must lie between 0 and 1"},
               {{.repetition_penalty = -1}, INFUSE_USAGE, "repetition_penalty"},
               {{.repetition_penalty = NAN}, INFUSE_USAGE, "repetition_penalty"},
               {{.frequency_penalty = 1001}, INFUSE_USAGE, "frequency_penalty"},
               {{.presence_penalty = -INFINITY}, INFUSE_USAGE, "presence_penalty"},
               {{.no_repeat_ngram_size = -1}, INFUSE_USAGE, "no_repeat_ngram_size"},
               {{.min_tokens = -1}, INFUSE_USAGE, "min_tokens"},
               {{.logit_bias = &bad_id, .n_logit_bias = 1}, INFUSE_BAD_INPUT, "logit_bias names id 4194304"},
               {{.logit_bias = &nan, .n_logit_bias = 1}, INFUSE_USAGE, "logit_bias 0 is nan"},
               {{.logit_bias = &inf, .n_logit_bias = 1}, INFUSE_USAGE, "logit_bias 0 is inf"},
               {{.logit_bias = &empty, .n_logit_bias = 1}, INFUSE_USAGE, "logit_bias 0 has no tokens"},
               {{.logit_bias = &null, .n_logit_bias = 1}, INFUSE_USAGE, "NULL"},
               {{.n_logit_bias = 1}, INFUSE_USAGE, "logit_bias is NULL"},
               {{.begin_suppress_tokens = out_of_range, .n_begin_suppress_tokens = 1},
                INFUSE_BAD_INPUT,
                "begin_suppress_tokens names id"},
               {{.size = 4}, INFUSE_USAGE, "infuse_sampling"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infuse_session *s;
    const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &cases[i].sampling};
    refused(infuse_session_create(model, &o, &s), cases[i].code, cases[i].says);
  }
}

// The bounds that are told are those that are held to.
static void test_bounds(void **state) {
  (void)state;
  size_t n;
  const infuse_sampling_bound *bound = infuse_sampling_bounds(&n);
  assert_true(n >= 6);
  for (size_t i = 0; i < n; i++) {
    const float at[] = {bound[i].least, bound[i].most, bound[i].least - 1, bound[i].most * 2};
    for (int k = 0; k < 4; k++) {
      infuse_sampling sampling = {0};
      const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &sampling};
      infuse_session *s;
      memcpy((char *)&sampling + bound[i].at, &at[k], sizeof at[k]);
      infuse_error *e = infuse_session_create(model, &o, &s);
      if (k >= 2) {
        refused(e, INFUSE_USAGE, bound[i].name);
        continue;
      }
      ok(e);
      infuse_session_destroy(s);
    }
  }
}

static void test_nothing_left(void **state) {
  (void)state;
  infuse_model_info info = {.size = sizeof info};
  infuse_model_describe(model, &info);
  int32_t *all = calloc((size_t)info.vocab, sizeof *all);
  for (int32_t i = 0; i < info.vocab; i++) all[i] = i;
  infuse_session *s =
      begin((infuse_sampling){.begin_suppress_tokens = all, .n_begin_suppress_tokens = (size_t)info.vocab},
            (infuse_session_options){0});
  ok(infuse_step(model, &s, 1));
  refused(infuse_error_copy(infuse_session_error(s)), INFUSE_USAGE, "leave no token to draw after 6 tokens");
  infuse_session_destroy(s);
  free(all);
}

static int setup(void **state) {
  (void)state;
  const infuse_model_options o = {.size = sizeof o, .context = CONTEXT, .sessions = 3};
  return infuse_runtime_create(NULL, &runtime) != NULL ||
         infuse_model_load(runtime, "checkpoints/gpt-oss-small", &o, &model) != NULL;
}

static int teardown(void **state) {
  (void)state;
  infuse_model_destroy(model);
  infuse_runtime_destroy(runtime);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_penalties),
                                     cmocka_unit_test(test_same_seed),
                                     cmocka_unit_test(test_cut),
                                     cmocka_unit_test(test_bans),
                                     cmocka_unit_test(test_min_tokens),
                                     cmocka_unit_test(test_min_tokens_of_a_chat),
                                     cmocka_unit_test(test_zeroed),
                                     cmocka_unit_test(test_model_sampling),
                                     cmocka_unit_test(test_model_defaults),
                                     cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_bounds),
                                     cmocka_unit_test(test_nothing_left)};
  return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: Apache-2.0
// Text from the small model, through the public interface: CPU kernels within their bounds of the reference,
// the same text whatever runs beside it, stop conditions, chats, and what is refused.
#include "base/difference.h"
#include "base/memory.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"
#include "tests/support/reference.h"
#include <infuse/inspect.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const model_dir = "checkpoints/gpt-oss-small",
                         *const tiny_dir = "checkpoints/gpt-oss-tiny",
                         *const models[] = {"checkpoints/gpt-oss-small", "checkpoints/qwen3-next-small"};
static infuse_runtime *runtime;
enum { TEXT = 4096, N = 48, VOCAB_TINY = 384 };

static infuse_session *session(infuse_model *m, infuse_session_options o, const char *prompt) {
  int32_t *ids;
  size_t n;
  o.generate = true;
  infuse_session *s = new_session(m, o);
  if (prompt == NULL) return s;
  ok(infuse_encode(infuse_model_tokenizer(m), prompt, strlen(prompt), false, &ids, &n));
  ok(infuse_session_append(s, ids, n));
  infuse_free(ids);
  return s;
}

// Runs s to its end; all its text into out.
static infuse_output finish(infuse_model *m, infuse_session *s, char *out) {
  size_t n = 0;
  infuse_output o = infuse_session_output(s);
  while (o.finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    o = infuse_session_output(s);
    assert_true(n + o.n < TEXT);
    memcpy(out + n, o.text, o.n);
    n += o.n;
  }
  out[n] = '\0';
  return o;
}

// ---- numbers: bf16 activations against the float32 reference ----

static double median(double *v, size_t n) {
  for (size_t i = 1; i < n; i++)
    for (size_t j = i; j > 0 && v[j - 1] > v[j]; j--) {
      const double t = v[j];
      v[j] = v[j - 1];
      v[j - 1] = t;
    }
  return v[n / 2];
}

typedef struct errors {
  double whole, median;
} errors;

static errors measure(const float *got, const float *want, int64_t rows, int64_t cols) {
  double *row = nf_alloc((size_t)rows, sizeof *row);
  nf_difference all = {0};
  for (int64_t r = 0; r < rows; r++) row[r] = nf_row_error(got + r * cols, want + r * cols, 1, cols);
  nf_difference_add(&all, got, want, rows * cols);
  const errors e = {nf_difference_of(&all), median(row, (size_t)rows)};
  nf_free(row);
  return e;
}

static void logits_of(const nf_safetensors *reference, int i, bool forced, errors *out) {
  char name[32];
  size_t n, n_routes;
  int64_t rows, cols;
  snprintf(name, sizeof name, "prompt.%d", i);
  int32_t *tokens = nf_reference_ids(reference, name, &n);
  snprintf(name, sizeof name, "routes.%d", i);
  int32_t *routes = nf_reference_ids(reference, name, &n_routes);
  snprintf(name, sizeof name, "logits.%d", i);
  float *want = nf_reference_floats(reference, name, &rows, &cols);
  infuse_model *m =
      new_model(runtime, tiny_dir, (infuse_model_options){.rows = 64, .forced_experts = forced});
  infuse_session *s = new_session(m, (infuse_session_options){.rows = INFUSE_ALL_ROWS});
  ok(forced ? infuse_session_append_routed(s, tokens, n, routes) : infuse_session_append(s, tokens, n));
  ok(infuse_step(m, &s, 1));
  *out = measure(infuse_session_logits(s).data, want, rows, cols);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  nf_free(tokens);
  nf_free(routes);
  nf_free(want);
}

static void test_cpu_numbers(void **state) {
  (void)state;
  nf_safetensors reference;
  assert_true(nf_is_ok(nf_safetensors_open("checkpoints/gpt-oss-tiny/reference.safetensors", &reference)));
  for (int i = 0; i < 3; i++) {
    errors forced, free_choice;
    logits_of(&reference, i, true, &forced);
    logits_of(&reference, i, false, &free_choice);
    if (!(forced.whole <= 2e-2)) fail_msg("prompt %d, experts forced: error %g", i, forced.whole);
    if (!(free_choice.whole <= 6e-2)) fail_msg("prompt %d: error %g", i, free_choice.whole);
    if (!(free_choice.median <= 3e-2)) fail_msg("prompt %d: median error %g", i, free_choice.median);
  }
  nf_safetensors_close(&reference);
}

// The reference's greedy continuation, token by token, wherever its choice was clear.
static void test_greedy_continuation(void **state) {
  (void)state;
  nf_safetensors reference;
  int clear = 0;
  assert_true(nf_is_ok(nf_safetensors_open("checkpoints/gpt-oss-tiny/reference.safetensors", &reference)));
  infuse_model *m = new_model(runtime, tiny_dir, (infuse_model_options){0});
  for (int i = 0; i < 3; i++) {
    char name[32];
    size_t n, n_greedy;
    snprintf(name, sizeof name, "prompt.%d", i);
    int32_t *prompt = nf_reference_ids(&reference, name, &n);
    snprintf(name, sizeof name, "greedy.%d", i);
    int32_t *greedy = nf_reference_ids(&reference, name, &n_greedy);
    snprintf(name, sizeof name, "margin.%d", i);
    float *margin = nf_reference_vector(&reference, name, n_greedy);
    infuse_session *s;
    ok(infuse_session_create(m, NULL, &s));
    ok(infuse_session_append(s, prompt, n));
    for (size_t t = 0; t < n_greedy; t++) {
      while (infuse_session_pending(s) != 0) ok(infuse_step(m, &s, 1));
      const infuse_rows r = infuse_session_logits(s);
      size_t best = 0;
      for (size_t v = 1; v < r.width; v++)
        if (r.data[v] > r.data[best]) best = v;
      if (margin[t] > 0.15f) clear++, assert_int_equal(best, greedy[t]);
      ok(infuse_session_append(s, &greedy[t], 1));
    }
    infuse_session_destroy(s);
    nf_free(prompt);
    nf_free(greedy);
    nf_free(margin);
  }
  assert_true(clear > 20); // the check did check something
  infuse_model_destroy(m);
  nf_safetensors_close(&reference);
}

// ---- the same text ----

static const infuse_sampling warm = {.temperature = 1, .top_k = 50, .top_p = 0.95f, .seed = 7};

static void text_of(infuse_runtime *rt, const char *dir, char *out) {
  infuse_model *m = new_model(rt, dir, (infuse_model_options){.context = 256});
  infuse_session *s =
      session(m, (infuse_session_options){.sampling = &warm, .max_tokens = N}, "The weather today");
  const infuse_output o = finish(m, s, out);
  assert_int_equal(o.finish, INFUSE_LENGTH);
  assert_int_equal(o.tokens, N);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_threads(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    char text[2][TEXT];
    for (int threads = 1; threads <= 2; threads++) {
      infuse_runtime *rt;
      const infuse_runtime_options o = {.size = sizeof o, .threads = threads};
      ok(infuse_runtime_create(&o, &rt));
      text_of(rt, models[i], text[threads - 1]);
      infuse_runtime_destroy(rt);
    }
    assert_string_equal(text[0], text[1]);
    assert_true(strlen(text[0]) > N);
  }
}

static void beside_others(const char *dir) {
  enum { ALL = 8 };
  char alone[TEXT], together[TEXT] = "";
  text_of(runtime, dir, alone);
  infuse_model *m =
      new_model(runtime, dir, (infuse_model_options){.context = 256, .sessions = ALL, .batch = 24});
  infuse_session *s[ALL];
  for (int i = 0; i < ALL; i++) {
    infuse_sampling other = warm;
    other.seed = 100 + (uint64_t)i;
    s[i] = session(
        m,
        (infuse_session_options){.sampling = i == 3 ? &warm : &other, .max_tokens = i == 3 ? N : 5 * i + 9},
        i == 3 ? "The weather today" : "Another, longer story begins here: once upon a time there was a");
  }
  while (infuse_session_output(s[3]).finish == INFUSE_RUNNING) {
    ok(infuse_step(m, s, ALL));
    strcat(together, infuse_session_output(s[3]).text);
  }
  assert_string_equal(together, alone);
  for (int i = 0; i < ALL; i++) infuse_session_destroy(s[i]);
  infuse_model_destroy(m);
}

static void test_beside_others(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) beside_others(models[i]);
}

// A slot that a session leaves holds its state; the next session must not see it.
static void test_slots_are_used_again(void **state) {
  (void)state;
  char first[TEXT], again[TEXT];
  infuse_model *m = new_model(runtime, models[1], (infuse_model_options){.context = 256});
  for (int i = 0; i < 2; i++) {
    infuse_session *s =
        session(m, (infuse_session_options){.sampling = &warm, .max_tokens = N}, "The weather today");
    finish(m, s, i == 0 ? first : again);
    infuse_session_destroy(s);
  }
  assert_string_equal(first, again);
  infuse_model_destroy(m);
}

// ---- ends ----

static bool is_inside(char c) { return ((unsigned char)c & 0xc0) == 0x80; } // a character of several bytes

static void test_stop_string(void **state) {
  (void)state;
  char all[TEXT], cut[TEXT], stop[16];
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 256});
  infuse_session *s =
      session(m, (infuse_session_options){.sampling = &warm, .max_tokens = N}, "The weather today");
  finish(m, s, all);
  infuse_session_destroy(s);
  for (size_t at = 20; at < 60; at += 7) { // some characters from the middle, often across tokens
    size_t end = at + 3;
    while (is_inside(all[at])) at++;
    while (end <= at || is_inside(all[end])) end++;
    snprintf(stop, sizeof stop, "%.*s", (int)(end - at), all + at);
    const char *stops[] = {"never to be seen \x01", stop};
    s = session(m, (infuse_session_options){.sampling = &warm, .max_tokens = N, .stop = stops, .n_stop = 2},
                "The weather today");
    assert_int_equal(finish(m, s, cut).finish, INFUSE_STOP);
    const size_t n = (size_t)(strstr(all, stop) - all);
    assert_int_equal(strlen(cut), n);
    assert_memory_equal(cut, all, n);
    infuse_session_destroy(s);
  }
  infuse_model_destroy(m);
}

static void test_stop_token_and_context(void **state) {
  (void)state;
  char text[TEXT];
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 20});
  infuse_session *s = session(m, (infuse_session_options){.sampling = &warm, .ignore_eos = true}, "Hello");
  const size_t prompt = infuse_session_pending(s);
  ok(infuse_step(m, &s, 1));
  const int32_t first = infuse_session_output(s).token;
  const infuse_output full = finish(m, s, text);
  assert_int_equal(full.finish, INFUSE_CONTEXT_FULL);
  assert_int_equal(full.tokens, 20 - prompt + 1);
  infuse_session_destroy(s);
  s = session(m, (infuse_session_options){.sampling = &warm, .stop_tokens = &first, .n_stop_tokens = 1},
              "Hello");
  const infuse_output stopped = finish(m, s, text);
  assert_int_equal(stopped.finish, INFUSE_STOP);
  assert_int_equal(stopped.tokens, 1);
  assert_string_equal(text, "");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_chat(void **state) {
  (void)state;
  char text[TEXT];
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 512});
  assert_string_equal(infuse_model_chat_format(m), "harmony");
  infuse_session *s = session(m, (infuse_session_options){.sampling = &warm, .max_tokens = 16}, NULL);
  const infuse_message messages[] = {{"system", "Be brief."}, {"user", "Hello <|end|> there"}},
                       odd[] = {{"king", "x"}};
  refused(infuse_session_chat(s, odd, 1), INFUSE_USAGE, "role 'king' is not known");
  ok(infuse_session_chat(s, messages, 2));
  assert_true(infuse_session_pending(s) > 20);
  assert_non_null(finish(m, s, text).channel);
  infuse_session_destroy(s);
  s = session(m, (infuse_session_options){.thinking = INFUSE_THINKING_OFF}, NULL);
  refused(infuse_session_chat(s, messages, 2), INFUSE_USAGE, "the model always thinks");
  assert_int_equal(infuse_session_pending(s), 0);
  infuse_session_destroy(s);
  s = session(m, (infuse_session_options){.max_tokens = 2, .thinking = INFUSE_THINKING_ON}, NULL);
  for (int i = 0; i < 2; i++) { // a second answer begins like the first
    ok(infuse_session_chat(s, messages, 2));
    assert_string_equal(infuse_session_output(s).channel, "");
    finish(m, s, text);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_chatml(void **state) {
  (void)state;
  char text[TEXT];
  size_t prompt[2];
  infuse_model *m = new_model(runtime, models[1], (infuse_model_options){.context = 512});
  assert_string_equal(infuse_model_chat_format(m), "chatml");
  const infuse_message messages[] = {{"system", "Be brief."}, {"user", "Hello <|im_end|> there"}};
  for (int i = 0; i < 2; i++) {
    infuse_session *s = session(
        m,
        (infuse_session_options){
            .sampling = &warm, .max_tokens = 16, .thinking = i ? INFUSE_THINKING_OFF : INFUSE_THINKING_ON},
        NULL);
    ok(infuse_session_chat(s, messages, 2));
    prompt[i] = infuse_session_pending(s);
    assert_non_null(finish(m, s, text).channel);
    infuse_session_destroy(s);
  }
  assert_true(prompt[1] > prompt[0]); // an empty thought stands in the prompt
  infuse_model_destroy(m);
}

// ---- refusals ----

static void test_refusals(void **state) {
  (void)state;
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 64, .sessions = 2});
  static const infuse_sampling bad[] = {{.temperature = -1, .top_p = 1},
                                        {.temperature = NAN, .top_p = 1},
                                        {.temperature = 1, .top_p = -0.1f},
                                        {.temperature = 1, .top_p = 1.5f},
                                        {.temperature = 1, .top_p = 1, .min_p = 2},
                                        {.temperature = 1, .top_p = 1, .top_k = -1}};
  static const char *const says[] = {"temperature", "temperature", "top_p", "top_p", "min_p", "top_k"};
  infuse_session *s;
  for (int i = 0; i < 6; i++) {
    const infuse_session_options o = {.size = sizeof o, .generate = true, .sampling = &bad[i]};
    refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, says[i]);
  }
  static const char *const empty[] = {""};
  const infuse_session_options o = {.size = sizeof o, .generate = true, .stop = empty, .n_stop = 1};
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "stop string 0 is empty");
  const infuse_session_options odd = {.size = sizeof odd, .generate = true, .thinking = (infuse_thinking)3};
  refused(infuse_session_create(m, &odd, &s), INFUSE_USAGE, "thinking is 3");
  int32_t *ids;
  size_t n;
  refused(infuse_encode(infuse_model_tokenizer(m), "ab\xff", 3, true, &ids, &n), INFUSE_BAD_INPUT, "byte 2");
  s = session(m, (infuse_session_options){.max_tokens = 3}, "still usable");
  char text[TEXT];
  finish(m, s, text);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static bool stop_half_way(void *user, const char *what, uint64_t done, uint64_t total) {
  (void)user, (void)what;
  return done < total / 2;
}

static void test_nothing_to_do(void **state) {
  (void)state;
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 64});
  infuse_session *s = session(m, (infuse_session_options){.max_tokens = 3}, NULL);
  refused(infuse_step(m, &s, 1), INFUSE_USAGE, "no tokens to begin with");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime *rt;
  const infuse_runtime_options cancelling = {.size = sizeof cancelling, .progress = stop_half_way};
  ok(infuse_runtime_create(&cancelling, &rt));
  refused(infuse_model_load(rt, model_dir, NULL, &m), INFUSE_CANCELLED, "");
  infuse_runtime_destroy(rt);
  const infuse_runtime_options null = {.size = sizeof null, .device = "null"};
  const infuse_session_options generate = {.size = sizeof generate, .generate = true};
  ok(infuse_runtime_create(&null, &rt));
  m = new_model(rt, model_dir, (infuse_model_options){0});
  refused(infuse_session_create(m, &generate, &s), INFUSE_USAGE, "device null");
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
}

static void test_every_allocation_fails(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  infuse_model *m = new_model(runtime, model_dir, (infuse_model_options){.context = 256});
  const int64_t before = nf_alloc_live();
  const char *stops[] = {"zzz"};
  static const int32_t never[] = {5, 6};
  const infuse_logit_bias bias = {never, 2, -INFINITY};
  infuse_sampling all = warm; // with every list and count that a session may have
  all.repetition_penalty = 1.1f, all.no_repeat_ngram_size = 3, all.min_tokens = 2;
  all.logit_bias = &bias, all.n_logit_bias = 1;
  all.begin_suppress_tokens = never, all.n_begin_suppress_tokens = 2;
  const infuse_session_options o = {
      .size = sizeof o, .generate = true, .sampling = &all, .max_tokens = 8, .stop = stops, .n_stop = 1};
  bool failed = true;
  for (uint64_t n = 1; failed; n++) {
    infuse_session *s = NULL;
    const infuse_message message = {"user", "Hi"};
    nf_alloc_fail_at(n, false);
    infuse_error *e = infuse_session_create(m, &o, &s);
    if (e == NULL) e = infuse_session_chat(s, &message, 1);
    while (e == NULL && infuse_session_output(s).finish == INFUSE_RUNNING) e = infuse_step(m, &s, 1);
    failed = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    if (e != NULL) refused(e, INFUSE_NO_MEMORY, "");
    infuse_session_destroy(s);
    assert_int_equal(nf_alloc_live(), before);
  }
  infuse_model_destroy(m);
}

// ---- verify ----

static void keep(void *user, const char *json, size_t n) {
  assert_true(n < 1 << 16);
  memcpy(user, json, n + 1);
}

static void test_verify(void **state) {
  (void)state;
  static char doc[1 << 16];
  const infuse_verify_options o = {.size = sizeof o, .seed = 3};
  ok(infuse_verify(runtime, tiny_dir, NULL, &o, keep, doc));
  assert_non_null(strstr(doc, "\"ok\":true"));
  assert_non_null(strstr(doc, "L3.moe.sum"));
  assert_null(strstr(doc, "\"ok\":false"));
  const int32_t outside[] = {VOCAB_TINY};
  const infuse_verify_options bad = {.size = sizeof bad, .tokens = outside, .n_tokens = 1};
  refused(infuse_verify(runtime, tiny_dir, NULL, &bad, keep, doc), INFUSE_BAD_INPUT, "384");
}

static int set_up(void **state) {
  (void)state;
  return infuse_runtime_create(NULL, &runtime) != NULL;
}
static int tear_down(void **state) {
  (void)state;
  infuse_runtime_destroy(runtime);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cpu_numbers),
      cmocka_unit_test(test_greedy_continuation),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_beside_others),
      cmocka_unit_test(test_stop_string),
      cmocka_unit_test(test_stop_token_and_context),
      cmocka_unit_test(test_chat),
      cmocka_unit_test(test_chatml),
      cmocka_unit_test(test_slots_are_used_again),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_nothing_to_do),
      cmocka_unit_test(test_every_allocation_fails),
      cmocka_unit_test(test_verify),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

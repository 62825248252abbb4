// SPDX-License-Identifier: Apache-2.0
// Tests of what is said of logits over HTTP: the scores that lm-eval asks for, against rows of a model of our
// own, and logprobs of answers.
#include "tests/support/expect.h"
#include "tests/support/serving.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// Scores by the book of a prompt and the token behind it, as `infuse logits` has its rows.
#define STORY_TEXT "Once upon a time there lived a monkey"
static int32_t story[64];
static double score[64];
static size_t n_story;

static double log_softmax(const float *logits, size_t n, int32_t token) {
  double max = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++) max = fmax(max, (double)logits[i]);
  for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - max);
  return (double)logits[token] - max - log(sum);
}

static void score_rows(const infuse_rows *rows) {
  for (size_t i = 0; i < rows->rows; i++) {
    const float *row = rows->data + i * rows->width;
    const size_t at = rows->first + i + 1;
    for (size_t k = 0; at == n_story && k < rows->width; k++)
      story[at] = row[k] > row[story[at]] ? (int32_t)k : story[at];
    score[at] = log_softmax(row, rows->width, story[at]);
  }
}

static void compute_scores(void) { // by a model of its own: the server has the other one
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = 2};
  const infuse_model_options mo = {.size = sizeof mo, .context = 64, .batch = 64};
  const infuse_session_options o = {.size = sizeof o, .rows = INFUSE_ALL_ROWS};
  infuse_runtime *rt;
  infuse_model *model;
  infuse_session *s;
  int32_t *ids;
  ok(infuse_runtime_create(&ro, &rt));
  ok(infuse_model_load(rt, SMALL, &mo, &model));
  ok(infuse_encode(infuse_model_tokenizer(model), STORY_TEXT, strlen(STORY_TEXT), 0, &ids, &n_story));
  assert_true(n_story > 4 && n_story < 63);
  memcpy(story, ids, n_story * sizeof *ids);
  infuse_free(ids);
  ok(infuse_session_create(model, &o, &s));
  ok(infuse_session_append(s, story, n_story));
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(model, &s, 1));
    const infuse_rows rows = infuse_session_logits(s);
    score_rows(&rows);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(model);
  infuse_runtime_destroy(rt);
}

static json_t *post(const char *path, const char *body, int status) {
  return serving_post(&served, path, body, status);
}

// What lm-eval asks for: the prompt's places and exactly max_tokens more, though the caches have the prompt.
static void scores_are_those_of_the_logits(void **state) {
  (void)state;
  static const char asked[] = "vllm:request_params_max_tokens_sum";
  const double before = serving_metric(&served, asked);
  compute_scores();
  for (int drawn = 0; drawn < 2; drawn++) {
    char body[300];
    snprintf(body, sizeof body,
             "{\"prompt\":\"" STORY_TEXT
             "\",\"max_tokens\":%d,\"logprobs\":1,\"echo\":true,\"temperature\":0,\"prompt_logprobs\":0}",
             drawn);
    json_t *answer = post(TEXT, body, 200), *all, *top, *ranks;
    const char *text;
    assert_int_equal(json_unpack(answer, "{s:[{s:s,s:o,s:{s:o,s:o}}]}", "choices", "text", &text,
                                 "prompt_logprobs", &ranks, "logprobs", "token_logprobs", &all,
                                 "top_logprobs", &top),
                     0);
    assert_int_equal(strncmp(text, STORY_TEXT, strlen(STORY_TEXT)), 0);
    assert_int_equal(json_array_size(all), n_story + (size_t)drawn);
    assert_int_equal(json_array_size(ranks), n_story);
    assert_true(json_is_null(json_array_get(all, 0)) && json_is_null(json_array_get(top, 0)));
    for (size_t i = 1; i < n_story + (size_t)drawn; i++) {
      const double got = json_real_value(json_array_get(all, i));
      double best = -INFINITY;
      const char *name;
      json_t *value;
      json_object_foreach(json_array_get(top, i), name, value) best = fmax(best, json_real_value(value));
      assert_true(fabs(got - score[i]) < 1e-4 && best >= got);
      if (i >= n_story)
        assert_true(best == got); // greedy, bit for bit
      else {
        char id[16];
        snprintf(id, sizeof id, "%d", story[i]);
        assert_true(json_real_value(
                        json_object_get(json_object_get(json_array_get(ranks, i), id), "logprob")) == got);
      }
    }
    json_decref(answer);
    assert_true(serving_comes_to(&served, asked, before + drawn));
  }
}

// Those of a chat are of its answer's text, not of thoughts and marks; of a token that ends it a completion
// has one too.
static void logprobs_are_of_the_answer(void **state) {
  (void)state;
  json_t *answer = post(CHAT, "{" SUM ",\"logprobs\":true,\"top_logprobs\":2}", 200), *list;
  assert_int_equal(json_unpack(answer, "{s:[{s:{s:o}}]}", "choices", "logprobs", "content", &list), 0);
  char text[200] = "";
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i), *top = json_object_get(item, "top_logprobs");
    assert_int_equal(json_array_size(top), 2);
    assert_true(json_real_value(json_object_get(json_array_get(top, 0), "logprob")) >=
                json_real_value(json_object_get(json_array_get(top, 1), "logprob")));
    strcat(text, json_string_value(json_object_get(item, "token")));
  }
  assert_string_equal(text, "The answer is 42.");
  json_decref(answer);
  answer = post(
      TEXT,
      "{\"prompt\":\"x\",\"max_tokens\":1,\"logprobs\":1,\"logit_bias\":{\"5\":100},\"stop_token_ids\":[5]}",
      200);
  const char *finish;
  assert_int_equal(json_unpack(answer, "{s:[{s:s,s:{s:o}}]}", "choices", "finish_reason", &finish, "logprobs",
                               "tokens", &list),
                   0);
  assert_string_equal(finish, "stop");
  assert_int_equal(json_array_size(list), 1);
  json_decref(answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_are_those_of_the_logits),
      cmocka_unit_test(logprobs_are_of_the_answer),
  };
  return cmocka_run_group_tests(tests, serving_set_up, serving_tear_down);
}

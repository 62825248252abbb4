// SPDX-License-Identifier: Apache-2.0
// Tests of the server over a small model: what clients count on, and several hundred hostile requests, beside
// a stream that none of them may disturb.
#include "base/json.h"
#include "base/text.h"
#include "tests/support/serving.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static serving served;

// Scores by the book of a prompt and the token behind it, as `infuse logits` has its rows.
#define STORY_TEXT "Once upon a time there lived a monkey"
static int32_t story[64];
static double score[64];
static size_t n_story;

static void well(infuse_error *e) { assert_string_equal(e != NULL ? infuse_error_message(e) : "", ""); }

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
  well(infuse_runtime_create(&ro, &rt));
  well(infuse_model_load(rt, "models/infuse-oss", &mo, &model));
  well(infuse_encode(infuse_model_tokenizer(model), STORY_TEXT, strlen(STORY_TEXT), 0, &ids, &n_story));
  assert_true(n_story > 4 && n_story < 63);
  memcpy(story, ids, n_story * sizeof *ids);
  infuse_free(ids);
  well(infuse_session_create(model, &o, &s));
  well(infuse_session_append(s, story, n_story));
  while (infuse_session_pending(s) != 0) {
    well(infuse_step(model, &s, 1));
    const infuse_rows rows = infuse_session_logits(s);
    score_rows(&rows);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(model);
  infuse_runtime_destroy(rt);
}

static int start(void **state) {
  (void)state;
  const infuse_model_options mo = {
      .size = sizeof mo, .sessions = 4, .context = 512, .batch = 64, .snapshots = 4};
  const nf_server_options so = {.queue = 64};
  serving_start(&served, "models/infuse-oss", &mo, &so);
  return 0;
}

static int stop(void **state) {
  (void)state;
  serving_stop(&served, 10);
  return 0;
}

// ---- what clients count on ----

#define CHAT "/v1/chat/completions"
#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"What is 12 + 30?\"}],\"temperature\":0"

static json_t *post(const char *path, const char *body, int status) {
  return serving_post(&served, path, body, status);
}

static char *content_of(json_t *answer) {
  const char *content;
  assert_int_equal(json_unpack(answer, "{s:[{s:{s:s}}]}", "choices", "message", "content", &content), 0);
  return strdup(content);
}

static void a_chat_is_answered(void **state) {
  (void)state;
  json_t *answer = post(CHAT, "{" HI "}", 200);
  char *content = content_of(answer);
  assert_string_equal(content, "The answer is 42.");
  const char *id, *object, *model_name, *finish, *role;
  json_int_t created, prompt, drawn, total;
  assert_int_equal(json_unpack(answer, "{s:s,s:s,s:s,s:I,s:[{s:s,s:{s:s}}],s:{s:I,s:I,s:I}}", "id", &id,
                               "object", &object, "model", &model_name, "created", &created, "choices",
                               "finish_reason", &finish, "message", "role", &role, "usage", "prompt_tokens",
                               &prompt, "completion_tokens", &drawn, "total_tokens", &total),
                   0);
  assert_string_equal(object, "chat.completion");
  assert_string_equal(model_name, "infuse-oss");
  assert_string_equal(finish, "stop");
  assert_string_equal(role, "assistant");
  assert_true(prompt > 0 && drawn > 0 && total == prompt + drawn);
  free(content);
  json_decref(answer);
}

// The texts of all deltas, and how often something stands in the stream.
static char *joined(const char *stream, const char *key) {
  char *all = calloc(1, strlen(stream) + 1);
  assert_non_null(all);
  for (const char *at = stream; (at = strstr(at, "data: {")) != NULL;) {
    const char *end = strstr(at, "\n\n");
    assert_non_null(end);
    json_t *chunk = json_loadb(at + 6, (size_t)(end - at - 6), 0, NULL);
    assert_non_null(chunk);
    const json_t *choice = json_array_get(json_object_get(chunk, "choices"), 0);
    const char *text = json_string_value(json_object_get(json_object_get(choice, "delta"), key));
    if (text != NULL) strcat(all, text);
    json_decref(chunk);
    at = end;
  }
  return all;
}

static void a_stream_says_what_the_whole_says(void **state) {
  (void)state;
  char *stream =
      serving_stream(&served, CHAT, "{" HI ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  char *content = joined(stream, "content");
  assert_string_equal(content, "The answer is 42.");
  assert_int_equal(serving_count(stream, "\"role\""), 1);
  assert_int_equal(serving_count(stream, "\"usage\""), 1);
  assert_int_equal(serving_count(stream, "data: [DONE]\n\n"), 1);
  assert_int_equal(serving_count(stream, "event:"), 0);
  free(content);
  free(stream);
}

// What is in the caches of a prompt, in whole pages of 64 tokens, is not computed again, and told.
static void a_prompt_that_comes_again_is_in_the_caches(void **state) {
  (void)state;
  json_int_t prompt, cached;
  json_decref(post(CHAT, "{" HI "}", 200));
  json_t *answer = post(CHAT, "{" HI "}", 200);
  assert_int_equal(json_unpack(answer, "{s:{s:I,s:{s:I}}}", "usage", "prompt_tokens", &prompt,
                               "prompt_tokens_details", "cached_tokens", &cached),
                   0);
  assert_int_equal(cached, (prompt - 1) / 64 * 64);
  json_decref(answer);
}

static void many_choices_and_prompts_keep_their_places(void **state) {
  (void)state;
  json_t *answer = post("/v1/completions",
                        "{\"prompt\":[\"Once upon a time\",\"The\"],\"n\":2,\"max_tokens\":4,"
                        "\"temperature\":1,\"seed\":7}",
                        200);
  const json_t *choices = json_object_get(answer, "choices");
  assert_int_equal(json_array_size(choices), 4);
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(json_integer_value(json_object_get(json_array_get(choices, i), "index")), i);
  json_t *again = post("/v1/completions",
                       "{\"prompt\":[\"Once upon a time\",\"The\"],\"n\":2,\"max_tokens\":4,"
                       "\"temperature\":1,\"seed\":7}",
                       200);
  assert_true(json_equal(choices, json_object_get(again, "choices")));
  json_decref(answer);
  json_decref(again);
}

static void an_answer_has_the_shape_that_was_asked_for(void **state) {
  (void)state;
  static const char question[] =
      "\"messages\":[{\"role\":\"user\",\"content\":\"What is 12 + 30?\"}],\"max_tokens\":200";
  char body[600];
  snprintf(body, sizeof body,
           "{%s,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
           "\"type\":"
           "\"object\",\"properties\":{\"sum\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":99}},"
           "\"required\":[\"sum\"],"
           "\"additionalProperties\":false}}}}",
           question);
  json_t *answer = post(CHAT, body, 200);
  char *content = content_of(answer);
  json_t *value = json_loads(content, 0, NULL);
  json_int_t sum;
  assert_int_equal(json_unpack(value, "{s:I!}", "sum", &sum), 0);
  assert_true(sum >= 0 && sum <= 99);
  json_decref(value);
  json_decref(answer);
  free(content);
  snprintf(body, sizeof body, "{%s,\"structured_outputs\":{\"choice\":[\"yes\",\"no\"]}}", question);
  answer = post(CHAT, body, 200);
  content = content_of(answer);
  assert_true(strcmp(content, "yes") == 0 || strcmp(content, "no") == 0);
  json_decref(answer);
  free(content);
  snprintf(body, sizeof body, "{%s,\"structured_outputs\":{\"regex\":\"(\"}}", question);
  json_decref(post(CHAT, body, 400));
}

#define TOOLS                                                                                            \
  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"PartialX\",\"parameters\":{\"type\":"      \
  "\"object\","                                                                                          \
  "\"properties\":{\"sum\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":99}},\"required\":[\"sum\"]," \
  "\"additionalProperties\":false}}},{\"type\":\"function\",\"function\":{\"name\":\"other\"}}]"

// Forced by name, by being required, and beside a schema for an answer's text; with "none" there is no call.
static void calls_come_that_are_asked_for(void **state) {
  (void)state;
  static const struct {
    const char *choice;
    bool named, called;
  } row[] = {
      {"{\"type\":\"function\",\"function\":{\"name\":\"PartialX\"}}", true, true},
      {"\"required\",\"parallel_tool_calls\":false", false, true},
      {"\"required\",\"response_format\":{\"type\":\"json_object\"}", false, true},
      {"\"none\"", false, false},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char body[1000];
    snprintf(body, sizeof body, "{" HI "," TOOLS ",\"tool_choice\":%s,\"max_tokens\":200}", row[i].choice);
    json_t *answer = post(CHAT, body, 200);
    const json_t *message = serving_at(answer, "choices.0.message"),
                 *calls = json_object_get(message, "tool_calls");
    assert_int_equal(json_array_size(calls) != 0, row[i].called);
    assert_string_equal(serving_string(answer, "choices.0.finish_reason"),
                        row[i].called ? "tool_calls" : "stop");
    assert_int_equal(json_is_null(json_object_get(message, "content")), row[i].called);
    const char *name = serving_string(answer, "choices.0.message.tool_calls.0.function.name"),
               *arguments = serving_string(answer, "choices.0.message.tool_calls.0.function.arguments");
    if (row[i].named) {
      json_t *value = json_loads(arguments, 0, NULL);
      json_int_t sum = -1;
      assert_string_equal(name, "PartialX");
      assert_int_equal(json_unpack(value, "{s:I!}", "sum", &sum), 0);
      assert_true(sum >= 0 && sum <= 99);
      json_decref(value);
    }
    json_decref(answer);
  }
  json_t *answer = post(
      "/v1/responses",
      "{\"input\":\"What is 12 + 30?\",\"temperature\":0,\"max_output_tokens\":200,\"text\":{\"format\":{"
      "\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"integer\"}}},\"tools\":[{\"type\":"
      "\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}}",
      200);
  const json_t *output = json_object_get(answer, "output");
  const json_t *last = json_array_get(output, json_array_size(output) - 1);
  assert_string_equal(json_string_value(json_object_get(last, "type")), "function_call");
  assert_string_equal(json_string_value(json_object_get(last, "name")), "f");
  json_decref(answer);
}

// What lm-eval asks for: the prompt's places and exactly max_tokens more, though the caches have the prompt.
static void scores_are_those_of_the_logits(void **state) {
  (void)state;
  compute_scores();
  for (int drawn = 0; drawn < 2; drawn++) {
    char body[300];
    snprintf(body, sizeof body,
             "{\"prompt\":\"" STORY_TEXT
             "\",\"max_tokens\":%d,\"logprobs\":1,\"echo\":true,\"temperature\":0,\"prompt_logprobs\":0}",
             drawn);
    json_t *answer = post("/v1/completions", body, 200), *all, *top, *ranks;
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
  }
}

// Those of a chat are of its answer's text, not of thoughts and marks; of a token that ends it a completion
// has one too.
static void logprobs_are_of_the_answer(void **state) {
  (void)state;
  json_t *answer = post(CHAT, "{" HI ",\"logprobs\":true,\"top_logprobs\":2}", 200), *list;
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
      "/v1/completions",
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

static void texts_become_ids_and_back(void **state) {
  (void)state;
  json_t *answer = post("/tokenize", "{\"prompt\":\"Once upon\",\"model\":\"models/infuse-oss\"}", 200);
  json_t *body = json_object();
  assert_int_equal(json_object_set(body, "tokens", json_object_get(answer, "tokens")), 0);
  char *text = json_dumps(body, 0);
  json_t *back = post("/detokenize", text, 200);
  assert_string_equal(json_string_value(json_object_get(back, "prompt")), "Once upon");
  free(text);
  json_decref(answer);
  json_decref(body);
  json_decref(back);
}

static void get(const char *path, int status, const char *part) { serving_get(&served, path, status, part); }

static const json_t *prompt_ids(json_t *answer) { return serving_at(answer, "token_ids"); }

// What a router is told of a request's tokens is what the request is computed of.
static void a_request_is_shown_as_tokens(void **state) {
  (void)state;
  json_t *shown = post(CHAT "/render", "{" HI ",\"seed\":5,\"max_tokens\":9,\"stop\":[\"x\"]}", 200);
  json_t *counted = post("/tokenize", "{" HI "}", 200), *answer = post(CHAT, "{" HI "}", 200);
  const size_t n = json_array_size(prompt_ids(shown));
  assert_int_equal(n, json_integer_value(serving_at(answer, "usage.prompt_tokens")));
  assert_true(json_equal(prompt_ids(shown), serving_at(counted, "tokens")));
  assert_int_equal(json_integer_value(serving_at(counted, "count")), n);
  assert_int_equal(json_integer_value(serving_at(shown, "sampling_params.max_tokens")), 9);
  assert_int_equal(json_integer_value(serving_at(shown, "sampling_params.seed")), 5);
  assert_string_equal(serving_string(shown, "sampling_params.stop.0"), "x");
  assert_string_equal(serving_string(shown, "model"), "infuse-oss");
  assert_non_null(serving_string(shown, "request_id"));
  json_decref(shown);
  json_decref(counted);
  json_decref(answer);
  shown = post("/v1/completions/render", "{\"prompt\":[\"Once upon\",[7,8]]}", 200);
  counted = post("/tokenize", "{\"prompt\":\"Once upon\"}", 200);
  assert_int_equal(json_array_size(shown), 2);
  assert_true(json_equal(serving_at(shown, "0.token_ids"), serving_at(counted, "tokens")));
  assert_int_equal(json_integer_value(serving_at(shown, "1.token_ids.1")), 8);
  json_decref(shown);
  json_decref(counted);
  shown = post("/v1/responses/render", "{\"input\":\"Hi\"}", 200);
  assert_true(json_array_size(prompt_ids(shown)) > 0);
  json_decref(shown);
  json_decref(post(CHAT "/render", "{\"model\":\"x\"," HI "}", 404));
  json_decref(post(CHAT "/render", "{}", 400));
}

// Clients without a tokenizer of their own go by this.
static void the_tokenizer_is_told(void **state) {
  (void)state;
  get("/tokenizer_info", 200, "\"eos_token\":\"<|return|>\"");
  get("/tokenizer_info", 200, "\"bos_token\":\"<|startoftext|>\"");
  get("/tokenizer_info", 200, "\"chat_template\":\"");
  get("/tokenizer_info", 200, "\"tokenizer_class\":\"PreTrainedTokenizerFast\"");
}

static void what_is_known_is_told(void **state) {
  (void)state;
  get("/health", 200, "{}");
  get("/version", 200, infuse_version());
  get("/v1/models", 200, "\"max_model_len\":512");
  get("/v1/models/infuse-oss", 200, "\"root\":\"models/infuse-oss\"");
  get("/v1/models/models%2Finfuse-oss", 200, "\"id\":\"infuse-oss\"");
  get("/v1/models/other", 404, "model_not_found");
  get("/load", 200, "server_load");
  get("/get_load", 200, "\"load\":0");
  get("/server_info", 200, "\"cache_config\":{\"block_size\":64,");
  get("/get_server_info", 200, "\"max_running_requests\":4");
  get("/model_info", 200, "\"model_path\":\"models/infuse-oss\"");
  get("/get_model_info", 200, "\"is_generation\":true");
  get("/ping", 200, "{}");
  get("/metrics", 200,
      "vllm:spec_decode_num_accepted_tokens_total{model_name=\"infuse-oss\",engine=\"0\"} 0");
  get("/metrics", 200, "vllm:num_requests_waiting{model_name=\"infuse-oss\",engine=\"0\"} 0");
}

static void errors_have_names(void **state) {
  (void)state;
  static const struct {
    const char *path, *body;
    int status;
    const char *code, *part;
  } row[] = {
      {CHAT, "{\"model\":\"x\"," HI "}", 404, "model_not_found", ""},
      {CHAT, "{}", 400, NULL, "messages"},
      {"/v1/completions", "{\"prompt\":\"x\",\"logprobs\":21}", 400, NULL,
       "should be an integer from 0 to 20"},
      {"/v1/responses", "{\"input\":\"x\",\"previous_response_id\":\"r\"}", 400, NULL,
       "previous_response_id"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    json_t *answer = post(row[i].path, row[i].body, row[i].status), *error = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    assert_true(row[i].code == NULL ? code == NULL : code != NULL && strcmp(code, row[i].code) == 0);
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), row[i].part));
    json_decref(answer);
  }
}

static void a_prompt_that_is_too_long_is_told_in_words_that_routers_know(void **state) {
  (void)state;
  nf_text body = {0};
  nf_text_printf(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
  for (int i = 0; i < 2000; i++) nf_text_printf(&body, "word ");
  nf_text_printf(&body, "\"}]}");
  for (int stream = 0; stream < 2; stream++) {
    if (stream) body.n--, nf_text_printf(&body, ",\"stream\":true}");
    json_t *answer = post(CHAT, body.at, 400), *error = json_object_get(answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "context_length_exceeded");
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")),
                           "This model's maximum context length is 512 tokens"));
    json_decref(answer);
  }
  nf_text_deinit(&body);
}

// Of a model that writes nothing but <|constrain|>.
static void odd_messages_are_counted(void **state) {
  (void)state;
  get("/metrics", 200, "infuse:odd_messages_total{model_name=\"infuse-oss\",engine=\"0\"} 0");
  json_decref(post(CHAT, "{" HI ",\"logit_bias\":{\"4090\":100},\"max_tokens\":4}", 200));
  get("/metrics", 200, "infuse:odd_messages_total{model_name=\"infuse-oss\",engine=\"0\"} 1");
}

static int aborted(void) {
  char *answer = http_call(served.port, "GET", "/metrics", "", 0);
  const char *at = strstr(answer, "finished_reason=\"abort\"} ");
  assert_non_null(at);
  const int n = atoi(at + strlen("finished_reason=\"abort\"} "));
  free(answer);
  return n;
}

// One prompt of two is too long: the other's choices, which would go on to the end of the context, are not
// drawn to their ends.
static void an_error_ends_what_else_was_asked_for(void **state) {
  (void)state;
  const int before = aborted();
  nf_text body = {0};
  nf_text_printf(&body, "{\"n\":2,\"ignore_eos\":true,\"max_tokens\":500,\"prompt\":[\"");
  for (int i = 0; i < 2000; i++) nf_text_printf(&body, "word ");
  nf_text_printf(&body, "\",\"x\"]}");
  json_decref(post("/v1/completions", body.at, 400));
  nf_text_deinit(&body);
  for (int i = 0; i < 1000 && aborted() != before + 2; i++) usleep(10000);
  assert_int_equal(aborted(), before + 2);
}

// ---- hostile requests ----

static int hostile; // so many so far

// Refused; what is no HTTP may have no answer. Afterwards the server is well.
static void throw_at(const char *text, size_t n, bool transport) {
  char *answer = http_ask(served.port, text, n);
  const int status = http_status(answer);
  if (!(status >= 400 && status < 500) && !(transport && (status == 0 || status == 505))) {
    print_error("%.*s\n-> %s\n", (int)(n < 300 ? n : 300), text, answer);
    fail();
  }
  free(answer);
  hostile++;
}

static void throw_body(const char *path, const char *body, size_t n) {
  nf_text text = {0};
  nf_text_printf(&text, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                 path, n);
  nf_text_append(&text, body, n);
  throw_at(text.at, text.n, false);
  nf_text_deinit(&text);
}

static void wrong_transport(void) {
  static const char *const row[] = {
      "GARBAGE\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /v1/models/..%2f..%2f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "BREW /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "DELETE /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "POST /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: -1\r\n\r\n",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: x\r\n\r\n",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      // With both ends its connection closes, whatever the client says: the second request has no answer.
      ("POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
       "0\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
      "GET /none HTTP/1.1\r\nConnection: close\r\n\r\n",
      "GET /none HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
      "GET /none HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n",
      "GET /none HTTP/1.1\r\nHost: h\r\n folded: x\r\nConnection: close\r\n\r\n",
      "\r\n\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) throw_at(row[i], strlen(row[i]), true);
  nf_text large = {0}; // a header beyond all memory for them
  nf_text_printf(&large, "GET /none HTTP/1.1\r\nHost: h\r\nX: %060000d\r\n\r\n", 0);
  throw_at(large.at, large.n, true);
  nf_text_deinit(&large);
}

// Every field that is read, given what it can't be.
static void wrong_values(void) {
  static const char *const field[] = {"temperature",
                                      "top_p",
                                      "min_p",
                                      "top_k",
                                      "n",
                                      "seed",
                                      "max_tokens",
                                      "max_completion_tokens",
                                      "stop",
                                      "stop_token_ids",
                                      "logit_bias",
                                      "stream",
                                      "stream_options",
                                      "tools",
                                      "messages",
                                      "frequency_penalty",
                                      "presence_penalty",
                                      "repetition_penalty",
                                      "response_format",
                                      "min_tokens",
                                      "reasoning_effort",
                                      "logprobs",
                                      "top_logprobs",
                                      "chat_template_kwargs",
                                      "ignore_eos",
                                      "model",
                                      "structured_outputs"};
  static const char *const value[] = {"1e309",       "NaN",   "-Infinity", "[[[]]]",  "{\"a\":{\"b\":[{}]}}",
                                      "\"\\ud800\"", "-1e19", "\"\xff\"",  "1.5e300", "[{\"x\":null}]"};
  for (size_t f = 0; f < sizeof field / sizeof *field; f++)
    for (size_t v = 0; v < sizeof value / sizeof *value; v++) {
      char body[300];
      const int n =
          snprintf(body, sizeof body, "{%s%s\"%s\":%s}", strcmp(field[f], "messages") != 0 ? HI : "",
                   strcmp(field[f], "messages") != 0 ? "," : "", field[f], value[v]);
      // Keys that stand there twice are wrong too: "temperature" is in HI.
      const bool harmless = strcmp(field[f], "stream_options") == 0 ||
                            strcmp(field[f], "chat_template_kwargs") == 0 ||
                            strcmp(field[f], "structured_outputs") == 0;
      if (!(harmless && value[v][0] == '{')) throw_body(CHAT, body, (size_t)n);
    }
}

static void broken_bodies(void) {
  static const char whole[] = "{" HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}";
  for (size_t n = 0; n + 1 < sizeof whole; n += 2) throw_body(CHAT, whole, n);
  static const char *const row[] = {
      "null",
      "[]",
      "0",
      "\"\"",
      "{\"messages\":{}}",
      "{\"messages\":[[]]}",
      "\xef\xbb\xbf{}",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
      "{\"messages\":[{\"role\":\"tool\",\"content\":7}]}",
      "{\"messages\":null}",
      "{\"a\\u0000b\":1," HI "}"};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) throw_body(CHAT, row[i], strlen(row[i]));
  nf_text deep = {0};
  for (int i = 0; i < 100000; i++) nf_text_append(&deep, "[", 1);
  throw_body(CHAT, deep.at, deep.n);
  throw_body("/tokenize", deep.at, deep.n);
  nf_text_deinit(&deep);
  static const char *const nothing[] = {"\"\"", "[\"a\",\"\"]", "[[]]"};
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) { // and not 429, which is tried again
    char body[64];
    snprintf(body, sizeof body, "{\"prompt\":%s,\"max_tokens\":1}", nothing[i]);
    json_decref(post("/v1/completions", body, 400));
  }
  static const char *const ids[] = {"[-1]", "[1.5]", "[\"a\",1]", "[4294967296]", "[999999]",
                                    "{}",   "[]",    "[[]]",      "[[[1]]]"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    char body[64];
    throw_body("/v1/completions", body, (size_t)snprintf(body, sizeof body, "{\"prompt\":%s}", ids[i]));
    throw_body("/detokenize", body,
               (size_t)snprintf(body, sizeof body, "{\"tokens\":%s}", strcmp(ids[i], "[]") ? ids[i] : "1"));
  }
}

// Halves of requests, whose senders go away.
static void broken_off(void) {
  static const char text[] = "POST " CHAT " HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n{\"messages\"";
  for (size_t n = 1; n < sizeof text; n += 9) {
    const int s = http_dial(served.port);
    http_say(s, text, n);
    close(s);
    hostile++;
  }
}

static void nobody_is_harmed_by_hostile_requests(void **state) {
  (void)state;
  static const char body[] = "{" HI ",\"ignore_eos\":true,\"max_tokens\":300,\"stream\":true}";
  char head[200];
  const int s = http_dial(served.port);
  const int n =
      snprintf(head, sizeof head,
               "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
               sizeof body - 1);
  http_say(s, head, (size_t)n);
  http_say(s, body, sizeof body - 1);
  wrong_transport();
  wrong_values();
  broken_bodies();
  broken_off();
  assert_true(hostile >= 300);
  char *stream = http_hear(s, NULL);
  close(s);
  assert_int_equal(serving_count(stream, "\"finish_reason\":\"length\""), 1);
  free(stream);
  get("/health", 200, "{}");
  assert_true(serving_is_idle(&served));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(odd_messages_are_counted), // first: others may have some
      cmocka_unit_test(a_chat_is_answered),
      cmocka_unit_test(a_stream_says_what_the_whole_says),
      cmocka_unit_test(a_prompt_that_comes_again_is_in_the_caches),
      cmocka_unit_test(many_choices_and_prompts_keep_their_places),
      cmocka_unit_test(an_answer_has_the_shape_that_was_asked_for),
      cmocka_unit_test(calls_come_that_are_asked_for),
      cmocka_unit_test(scores_are_those_of_the_logits),
      cmocka_unit_test(logprobs_are_of_the_answer),
      cmocka_unit_test(texts_become_ids_and_back),
      cmocka_unit_test(a_request_is_shown_as_tokens),
      cmocka_unit_test(the_tokenizer_is_told),
      cmocka_unit_test(what_is_known_is_told),
      cmocka_unit_test(errors_have_names),
      cmocka_unit_test(a_prompt_that_is_too_long_is_told_in_words_that_routers_know),
      cmocka_unit_test(an_error_ends_what_else_was_asked_for),
      cmocka_unit_test(nobody_is_harmed_by_hostile_requests),
  };
  return cmocka_run_group_tests(tests, start, stop);
}

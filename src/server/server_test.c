// SPDX-License-Identifier: Apache-2.0
// Tests of the API over a small model: its paths, what they answer, and how they refuse.
#include "base/text.h"
#include "tests/support/serving.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static json_t *post(const char *path, const char *body, int status) {
  return serving_post(&served, path, body, status);
}

static void get(const char *path, int status, const char *part) { serving_get(&served, path, status, part); }

// Of a model that writes nothing but <|constrain|>.
static void odd_messages_are_counted(void **state) {
  (void)state;
  get("/metrics", 200, "infuse:odd_messages_total{model_name=\"infuse-oss\",engine=\"0\"} 0");
  json_decref(post(CHAT, "{" SUM ",\"logit_bias\":{\"4090\":100},\"max_tokens\":4}", 200));
  get("/metrics", 200, "infuse:odd_messages_total{model_name=\"infuse-oss\",engine=\"0\"} 1");
}

static const char *content_of(const json_t *answer) {
  return serving_string(answer, "choices.0.message.content");
}

static void a_chat_is_answered(void **state) {
  (void)state;
  json_t *answer = post(CHAT, "{" SUM "}", 200);
  assert_string_equal(content_of(answer), "The answer is 42.");
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
  json_decref(answer);
}

// What is in the caches of a prompt, in whole pages of 64 tokens, is not computed again, and told.
static void a_prompt_that_comes_again_is_in_the_caches(void **state) {
  (void)state;
  json_int_t prompt, cached;
  json_decref(post(CHAT, "{" SUM "}", 200));
  json_t *answer = post(CHAT, "{" SUM "}", 200);
  assert_int_equal(json_unpack(answer, "{s:{s:I,s:{s:I}}}", "usage", "prompt_tokens", &prompt,
                               "prompt_tokens_details", "cached_tokens", &cached),
                   0);
  assert_int_equal(cached, (prompt - 1) / 64 * 64);
  json_decref(answer);
}

static void many_choices_and_prompts_keep_their_places(void **state) {
  (void)state;
  json_t *answer = post(TEXT,
                        "{\"prompt\":[\"Once upon a time\",\"The\"],\"n\":2,\"max_tokens\":4,"
                        "\"temperature\":1,\"seed\":7}",
                        200);
  const json_t *choices = json_object_get(answer, "choices");
  assert_int_equal(json_array_size(choices), 4);
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(json_integer_value(json_object_get(json_array_get(choices, i), "index")), i);
  json_t *again = post(TEXT,
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
  json_t *value = json_loads(content_of(answer), 0, NULL);
  json_int_t sum;
  assert_int_equal(json_unpack(value, "{s:I!}", "sum", &sum), 0);
  assert_true(sum >= 0 && sum <= 99);
  json_decref(value);
  json_decref(answer);
  snprintf(body, sizeof body, "{%s,\"structured_outputs\":{\"choice\":[\"yes\",\"no\"]}}", question);
  answer = post(CHAT, body, 200);
  const char *content = content_of(answer);
  assert_true(strcmp(content, "yes") == 0 || strcmp(content, "no") == 0);
  json_decref(answer);
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
    snprintf(body, sizeof body, "{" SUM "," TOOLS ",\"tool_choice\":%s,\"max_tokens\":200}", row[i].choice);
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
      RESPONSE,
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

static const json_t *prompt_ids(json_t *answer) { return serving_at(answer, "token_ids"); }

// What a router is told of a request's tokens is what the request is computed of.
static void a_request_is_shown_as_tokens(void **state) {
  (void)state;
  json_t *shown = post(CHAT "/render", "{" SUM ",\"seed\":5,\"max_tokens\":9,\"stop\":[\"x\"]}", 200);
  json_t *counted = post("/tokenize", "{" SUM "}", 200), *answer = post(CHAT, "{" SUM "}", 200);
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
  json_decref(post(CHAT "/render", "{\"model\":\"x\"," SUM "}", 404));
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
  get("/v1/models", 200, "\"max_model_len\":1024");
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

static void metrics_are_named_and_typed(void **state) {
  (void)state;
  char *answer = http_call(served.port, "GET /metrics", "", NULL);
  assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  size_t families = 0;
  for (const char *at = http_body(answer); *at != 0;) {
    char name[80] = "", typed[80] = "", kind[20] = "";
    if (sscanf(at, "# HELP %79s", name) == 1) {
      at = strchr(at, '\n') + 1;
      assert_int_equal(sscanf(at, "# TYPE %79s %19s", typed, kind), 2);
      assert_string_equal(name, typed);
      assert_true(strcmp(kind, "counter") == 0 || strcmp(kind, "gauge") == 0 ||
                  strcmp(kind, "histogram") == 0);
      const size_t n = strlen(name);
      assert_int_equal(strcmp(kind, "counter") == 0,
                       n > 6 && strcmp(name + n - 6, "_total") == 0 && strcmp(kind, "histogram") != 0);
      families++;
    }
    const char *end = strchr(at, '\n');
    assert_non_null(end);
    at = end + 1;
  }
  assert_true(families >= 15);
  free(answer);
}

// Of a model of recurrent layers too. Several tokens of a step have their logprobs, marks of chats none.
static void guesses_change_no_answer(void **state) {
  (void)state;
#define AGAIN "12 + 30 = 42, 12 + 30 = 42, 12 + 30 ="
  static const struct {
    const char *path, *body, *same[2];
  } row[] = {
      {CHAT,
       "{\"messages\":[{\"role\":\"user\",\"content\":\"" AGAIN
       "\"}],\"logprobs\":true,\"top_logprobs\":1,\"seed\":3,"
       "\"max_tokens\":60}",
       {"choices.0.message.content", "choices.0.logprobs"}},
      {TEXT,
       "{\"prompt\":\"" AGAIN "\",\"logprobs\":1,\"temperature\":0,\"max_tokens\":60}",
       {"choices.0.text", "choices.0.logprobs"}},
      {RESPONSE,
       "{\"input\":\"" AGAIN
       "\",\"include\":[\"message.output_text.logprobs\"],\"seed\":3,\"max_output_tokens\":60}",
       {"output.0.content", "usage.output_tokens"}},
  };
  json_t *answer[2][sizeof row / sizeof *row];
  for (int guesses = 0; guesses < 2; guesses++) {
    const infuse_model_options mo = {
        .size = sizeof mo, .sessions = 2, .context = 512, .batch = 64, .rows = 16, .guesses = 5 * guesses};
    const nf_server_options so = {.queue = 4, .guesses = 5 * guesses};
    serving other;
    serving_start(&other, "models/infuse-next", &mo, &so);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
      answer[guesses][i] = serving_post(&other, row[i].path, row[i].body, 200);
    const double right = serving_metric(&other, "vllm:spec_decode_num_accepted_tokens_total");
    assert_true(guesses ? right > 10 : right == 0);
    serving_stop(&other, 1);
  }
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    for (int k = 0; k < 2; k++) {
      const json_t *want = serving_at(answer[0][i], row[i].same[k]),
                   *got = serving_at(answer[1][i], row[i].same[k]);
      assert_true(want != NULL && !json_is_null(want) && json_equal(want, got));
    }
    json_decref(answer[0][i]);
    json_decref(answer[1][i]);
  }
}

static void errors_have_names(void **state) {
  (void)state;
  static const struct {
    const char *path, *body;
    int status;
    const char *code, *part;
  } row[] = {
      {CHAT, "{\"model\":\"x\"," SUM "}", 404, "model_not_found", ""},
      {CHAT, "{}", 400, NULL, "messages"},
      {TEXT, "{\"prompt\":\"x\",\"logprobs\":21}", 400, NULL, "should be an integer from 0 to 20"},
      {RESPONSE, "{\"input\":\"x\",\"previous_response_id\":\"r\"}", 400, NULL, "previous_response_id"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    json_t *answer = post(row[i].path, row[i].body, row[i].status), *error = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    assert_true(row[i].code == NULL ? code == NULL : code != NULL && strcmp(code, row[i].code) == 0);
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), row[i].part));
    json_decref(answer);
  }
}

static void what_is_wrong_has_its_status(void **state) {
  (void)state;
  static const struct {
    const char *line, *phrase, *code;
  } row[] = {{"GET /nowhere", "404 Not Found", "not_found"},
             {"GET /v1/embeddings", "404 Not Found", "not_found"},
             {"GET /v1/models/nobody", "404 Not Found", "model_not_found"},
             {"DELETE /v1/models", "405 Method Not Allowed", "method_not_allowed"},
             {"GET " CHAT, "405 Method Not Allowed", "method_not_allowed"},
             {"POST " CHAT, "400 Bad Request", "\"error\""}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char value[100], want[60];
    char *answer = http_call(served.port, row[i].line, "", NULL);
    snprintf(want, sizeof want, "HTTP/1.1 %s\r\n", row[i].phrase);
    assert_int_equal(strncmp(answer, want, strlen(want)), 0);
    assert_non_null(strstr(http_body(answer), row[i].code));
    assert_string_equal(http_header(answer, "Content-Type", value, sizeof value), "application/json");
    assert_string_equal(http_header(answer, "Retry-After", value, sizeof value), "");
    assert_true(strlen(http_header(answer, "x-request-id", value, sizeof value)) > 8);
    json_t *body = json_loads(http_body(answer), 0, NULL);
    assert_non_null(serving_string(body, "error.message"));
    assert_non_null(serving_string(body, "error.type"));
    json_decref(body);
    free(answer);
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
                           "This model's maximum context length is 1024 tokens"));
    json_decref(answer);
  }
  nf_text_deinit(&body);
}

// One prompt of two is too long: the other's choices, which would go on to the end of the context, are not
// drawn to their ends.
static void an_error_ends_what_else_was_asked_for(void **state) {
  (void)state;
  const double before = serving_ended(&served, "abort");
  nf_text body = {0};
  nf_text_printf(&body, "{\"n\":2,\"ignore_eos\":true,\"max_tokens\":500,\"prompt\":[\"");
  for (int i = 0; i < 2000; i++) nf_text_printf(&body, "word ");
  nf_text_printf(&body, "\",\"x\"]}");
  json_decref(post(TEXT, body.at, 400));
  nf_text_deinit(&body);
  assert_true(serving_is_idle(&served));
  assert_true(serving_ended(&served, "abort") == before + 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(odd_messages_are_counted), // first: others may have some
      cmocka_unit_test(a_chat_is_answered),
      cmocka_unit_test(a_prompt_that_comes_again_is_in_the_caches),
      cmocka_unit_test(many_choices_and_prompts_keep_their_places),
      cmocka_unit_test(an_answer_has_the_shape_that_was_asked_for),
      cmocka_unit_test(calls_come_that_are_asked_for),
      cmocka_unit_test(texts_become_ids_and_back),
      cmocka_unit_test(a_request_is_shown_as_tokens),
      cmocka_unit_test(the_tokenizer_is_told),
      cmocka_unit_test(what_is_known_is_told),
      cmocka_unit_test(metrics_are_named_and_typed),
      cmocka_unit_test(guesses_change_no_answer),
      cmocka_unit_test(errors_have_names),
      cmocka_unit_test(what_is_wrong_has_its_status),
      cmocka_unit_test(a_prompt_that_is_too_long_is_told_in_words_that_routers_know),
      cmocka_unit_test(an_error_ends_what_else_was_asked_for),
  };
  return cmocka_run_group_tests(tests, serving_set_up, serving_tear_down);
}

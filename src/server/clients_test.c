// SPDX-License-Identifier: Apache-2.0
// What real clients of OpenAI's API were seen to send and to look for: names, texts, prompts and
// conversations, and requests as they were recorded.
#include "base/file.h"
#include "base/memory.h"
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

static void names_of_models_have_slashes(void **state) {
  (void)state;
  static const char *const line[] = {"GET /v1/models/maker%2Fsmall", "GET /v1/models/maker/small",
                                     "GET /v1/models/maker/small?x=1&y"};
  serving other;
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 1, .context = 1024, .batch = 64};
  const nf_server_options so = {.name = "maker/small", .queue = 4};
  serving_start(&other, SMALL, &mo, &so);
  for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
    char *answer = http_call(other.port, line[i], "", NULL);
    json_t *m = json_loads(http_body(answer), 0, NULL);
    assert_string_equal(serving_string(m, "id"), so.name);
    assert_string_equal(serving_string(m, "object"), "model");
    assert_string_equal(serving_string(m, "root"), SMALL);
    assert_non_null(serving_string(m, "owned_by"));
    assert_true(json_is_integer(serving_at(m, "created")));
    assert_int_equal(json_integer_value(serving_at(m, "max_model_len")), 1024);
    json_decref(m);
    free(answer);
  }
  serving_get(&other, "/v1/models?limit=1", 200, "{\"object\":\"list\",\"data\":[{");
  serving_stop(&other, 10);
}

// What a text becomes and comes back from; and chats of it are answered.
static void any_text_is_read(void **state) {
  (void)state;
  static const char *const text[] = {"a\\u0000b",
                                     "x\xe2\x80\xa8y",
                                     "\xf0\x9f\x99\x82",
                                     "\\ud83d\\ude42",
                                     "\\u00e9\\n\\t\\\\\\\"",
                                     "\xc2\x85",
                                     ""};
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    char body[600];
    snprintf(body, sizeof body, "{\"prompt\":\"%s\",\"model\":null}", text[i]);
    json_t *given = json_loads(body, JSON_ALLOW_NUL, NULL), *answer = post("/tokenize", body, 200);
    char *ids = json_dumps(answer, 0);
    char *back = http_call(served.port, "POST /detokenize", "", ids);
    json_t *again = json_loads(http_body(back), JSON_ALLOW_NUL, NULL);
    assert_true(json_equal(serving_at(given, "prompt"), serving_at(again, "prompt")));
    json_decref(given);
    json_decref(answer);
    json_decref(again);
    free(ids);
    free(back);
    snprintf(
        body, sizeof body,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\",\"name\":null}],\"max_tokens\":1,\"stop\":null,"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":null,\"parameters\":{"
        "}}}],"
        "\"stream\":false,\"seed\":null,\"n\":null,\"logit_bias\":null,\"user\":null,\"response_format\":"
        "null,"
        "\"stream_options\":null,\"nobody_knows\":{\"this\":[1]},\"metadata\":null}",
        text[i]);
    json_decref(post(CHAT, body, 200));
  }
}

static void special_tokens_are_added_unless_told(void **state) {
  (void)state;
  json_t *with = post("/tokenize", "{\"prompt\":\"Once\",\"model\":\"models/infuse-oss\"}", 200);
  json_t *without = post("/tokenize", "{\"prompt\":\"Once\",\"add_special_tokens\":false}", 200);
  assert_true(json_integer_value(serving_at(with, "count")) >=
              json_integer_value(serving_at(without, "count")));
  json_t *counted = post(TEXT, "{\"prompt\":\"Once\",\"max_tokens\":1}", 200);
  assert_int_equal(json_integer_value(serving_at(counted, "usage.prompt_tokens")),
                   json_integer_value(serving_at(with, "count")));
  json_decref(with);
  json_decref(without);
  json_decref(counted);
}

static void prompts_come_in_four_forms(void **state) {
  (void)state;
  static const struct {
    const char *prompt;
    size_t choices;
    int tokens; // 0: not known
  } row[] = {{"\"Once upon\"", 1, 0},
             {"[\"Once\",\"upon\",\"a\"]", 3, 0},
             {"[7,8,9,10]", 1, 4},
             {"[[7,8,9],[10,11]]", 2, 5}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char body[200];
    snprintf(
        body, sizeof body,
        "{\"prompt\":%s,\"max_tokens\":1,\"logprobs\":null,\"repetition_penalty\":1.0,\"ignore_eos\":true,"
        "\"stop\":[\"a1\",\"b2\",\"c3\",\"d4\",\"e5\",\"f6\"]}",
        row[i].prompt);
    json_t *answer = post(TEXT, body, 200);
    assert_int_equal(json_array_size(serving_at(answer, "choices")), row[i].choices);
    for (size_t k = 0; k < row[i].choices; k++) {
      char path[40];
      snprintf(path, sizeof path, "choices.%zu.index", k);
      assert_int_equal(json_integer_value(serving_at(answer, path)), k);
    }
    if (row[i].tokens != 0)
      assert_int_equal(json_integer_value(serving_at(answer, "usage.prompt_tokens")), row[i].tokens);
    json_decref(answer);
  }
}

static void answers_have_what_clients_check(void **state) {
  (void)state;
  static const struct {
    const char *path, *body, *object, *text;
  } kinds[] = {{CHAT, SUM, "chat.completion", "message.content"},
               {TEXT, "\"prompt\":\"Once\",\"max_tokens\":5", "text_completion", "text"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char body[300], path[60];
    snprintf(body, sizeof body, "{%s}", kinds[i].body);
    json_t *a = post(kinds[i].path, body, 200);
    assert_non_null(serving_string(a, "id"));
    assert_string_equal(serving_string(a, "object"), kinds[i].object);
    assert_string_equal(serving_string(a, "model"), "infuse-oss");
    assert_true(json_is_integer(serving_at(a, "created")));
    assert_int_equal(json_integer_value(serving_at(a, "choices.0.index")), 0);
    snprintf(path, sizeof path, "choices.0.%s", kinds[i].text);
    assert_true(strlen(serving_string(a, path)) > 0);
    const json_int_t prompt = json_integer_value(serving_at(a, "usage.prompt_tokens")),
                     drawn = json_integer_value(serving_at(a, "usage.completion_tokens"));
    assert_true(prompt > 0 && drawn > 0);
    assert_int_equal(json_integer_value(serving_at(a, "usage.total_tokens")), prompt + drawn);
    json_decref(a);
  }
}

// What openai 3.57.0 and lm-eval 0.4.13 sent, byte by byte.
static void recorded_requests_are_answered(void **state) {
  (void)state;
  static const struct {
    const char *file, *part, *end;
  } row[] = {{"openai-chat-stream", "\"content\":\"The\"", "data: [DONE]\n\n"},
             {"openai-response", "The answer is 42.", "\"store\":false}"},
             {"openai-model", "\"id\":\"infuse-oss\"", "}"},
             {"openai-completion", "\"object\":\"text_completion\"", "}}}"},
             {"openai-parse", "\"content\":\"{\\\"sum\\\":", "}}}"},
             {"lm-eval-tokenizer-info", "\"eos_token\":\"<|return|>\"", "}"},
             {"lm-eval-tokenize", "\"tokens\":[", "}"},
             {"lm-eval-scores", "\"token_logprobs\":[null,", "}}}"},
             {"lm-eval-generate", "\"finish_reason\":", "}}}"}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char path[100], *text;
    size_t n;
    snprintf(path, sizeof path, "tests/data/clients/%s.http", row[i].file);
    nf_status st = nf_file_load(path, 1 << 16, &text, &n);
    assert_string_equal(nf_status_message(st), "");
    const int c = http_dial(served.port);
    http_say(c, text, n);
    char *heard = http_hear(c, row[i].end);
    close(c);
    if (http_status(heard) != 200 || strstr(heard, row[i].part) == NULL) print_error("%s\n%s\n", path, heard);
    assert_int_equal(http_status(heard), 200);
    assert_non_null(strstr(heard, row[i].part));
    free(heard);
    nf_free(text);
  }
}

// System messages anywhere, content that is null or empty, results with names: all models take them.
static void odd_conversations_are_taken(void **state) {
  (void)state;
  static const char call[] =
      "{\"role\":\"assistant\",\"content\":%s,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
      "\"tool_call_id\":\"c1\",\"name\":\"f\",\"content\":\"5\"}";
  static const char *const content[] = {"null", "\"\"", "\"so\""};
  static const char *const frame[] = {
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},%s,{\"role\":\"system\",\"content\":\"again\"}],"
      "\"max_tokens\":2}",
      "{\"messages\":[{\"role\":\"developer\",\"content\":\"d\"},{\"role\":\"user\",\"content\":[{\"type\":"
      "\"text\","
      "\"text\":\"a\"}]},%s],\"max_tokens\":2}",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{"
      "\"role\":"
      "\"system\",\"content\":\"t\"},%s,{\"role\":\"user\",\"content\":\"b\"}],\"max_tokens\":2}"};
  static serving other; // with another chat format
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 1, .context = 1024, .batch = 64};
  const nf_server_options so = {.queue = 4};
  serving_start(&other, "models/infuse-next", &mo, &so);
  for (size_t f = 0; f < sizeof frame / sizeof *frame; f++)
    for (size_t i = 0; i < sizeof content / sizeof *content; i++) {
      char turn[400], body[800];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      snprintf(turn, sizeof turn, call, content[i]);
      snprintf(body, sizeof body, frame[f], turn);
#pragma GCC diagnostic pop
      json_decref(serving_post(&served, CHAT, body, 200));
      json_decref(serving_post(&other, CHAT, body, 200));
    }
  serving_stop(&other, 10);
}

// A user's message of about so many tokens, whose last page of 64 has just begun.
static void write_question(const serving *s, size_t tokens, nf_text *out) {
  static const char *const words[] = {"the", "cat", "sat", "on", "a", "mat", "and", "looked", "at", "rain"};
  for (size_t i = 0, n = 0; n < tokens || n % 64 > 12; i++) {
    nf_text body = {0};
    nf_text_printf(out, "%s%s", i != 0 ? " " : "", words[(i * i + i / 7) % 10]);
    if (i + 300 < tokens) continue; // there are no fewer tokens than words
    nf_text_printf(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", out->at);
    json_t *counted = serving_post(s, "/tokenize", body.at, 200);
    n = (size_t)json_integer_value(serving_at(counted, "count"));
    json_decref(counted);
    nf_text_deinit(&body);
  }
}

// A model that keeps states, which can't go back, reads of a second turn what is new, and a page of 64 tokens
// at most: the answer has left one behind too.
static void a_second_turn_is_in_the_caches(void **state) {
  (void)state;
  static const char hits[] = "vllm:prefix_cache_hits_total", queries[] = "vllm:prefix_cache_queries_total";
  static serving other;
  const infuse_model_options mo = {
      .size = sizeof mo, .sessions = 1, .context = 4096, .batch = 256, .snapshots = 4};
  const nf_server_options so = {.queue = 4};
  nf_text question = {0}, body = {0};
  serving_start(&other, "models/infuse-next", &mo, &so);
  write_question(&other, 3850, &question);
  nf_text_printf(
      &body, "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"max_tokens\":100,\"temperature\":0}",
      question.at);
  json_t *first = serving_post(&other, CHAT, body.at, 200);
  const double asked = serving_metric(&other, queries), found = serving_metric(&other, hits);
  char *said = json_dumps(serving_at(first, "choices.0.message.content"), JSON_ENCODE_ANY);
  body.n = 0;
  nf_text_printf(
      &body,
      "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":%s},"
      "{\"role\":\"user\",\"content\":\"And then?\"}],\"max_tokens\":1}",
      question.at, said);
  json_t *second = serving_post(&other, CHAT, body.at, 200);
  const double prompt = serving_metric(&other, queries) - asked,
               reused = serving_metric(&other, hits) - found;
  assert_true(prompt > 3900);
  if (reused < 0.98 * prompt) print_error("%g of %g tokens\n", reused, prompt);
  assert_true(reused >= 0.98 * prompt);
  json_decref(first);
  json_decref(second);
  free(said);
  nf_text_deinit(&question);
  nf_text_deinit(&body);
  serving_stop(&other, 10);
}

// Clients with types read the tools of a response as they sent them: flat, not as chats have them.
static void tools_come_back_as_they_were_sent(void **state) {
  (void)state;
  static const char tools[] = "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
                              "\"parameters\":{\"type\":\"object\"},\"strict\":false}]";
  char body[300];
  snprintf(body, sizeof body, "{\"input\":\"Hi\",\"max_output_tokens\":1,\"tools\":%s}", tools);
  json_t *answer = post("/v1/responses", body, 200), *sent = json_loads(tools, 0, NULL);
  assert_true(json_equal(serving_at(answer, "tools"), sent));
  json_decref(answer);
  json_decref(sent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_models_have_slashes),
      cmocka_unit_test(any_text_is_read),
      cmocka_unit_test(special_tokens_are_added_unless_told),
      cmocka_unit_test(prompts_come_in_four_forms),
      cmocka_unit_test(answers_have_what_clients_check),
      cmocka_unit_test(recorded_requests_are_answered),
      cmocka_unit_test(odd_conversations_are_taken),
      cmocka_unit_test(a_second_turn_is_in_the_caches),
      cmocka_unit_test(tools_come_back_as_they_were_sent),
  };
  return cmocka_run_group_tests(tests, serving_set_up, serving_tear_down);
}

// SPDX-License-Identifier: Apache-2.0
// Tests of the server over a model that calls functions with parameters, as Qwen3-Coder does: what clients
// see are the same calls as of other models, with JSON as arguments.
#include "base/text.h"
#include "tests/support/coder.h"
#include "tests/support/serving.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static int set_up(void **state) {
  (void)state;
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 2, .context = 2048, .batch = 256};
  const nf_server_options so = {.queue = 8, .name = "coder"};
  char *dir = coder_folder("models/infuse-next");
  serving_start(&served, dir, &mo, &so);
  folder_remove(dir);
  return 0;
}

static json_t *post(const char *path, const char *body, int status) {
  return serving_post(&served, path, body, status);
}

#define LOOK                                                                                              \
  "\"name\":\"look\",\"parameters\":{\"type\":\"object\",\"properties\":{\"where\":{\"type\":\"string\"," \
  "\"minLength\":20,\"maxLength\":30},\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":7}},"      \
  "\"required\":[\"where\",\"days\"]}"
#define TOOLS                                             \
  "\"tools\":[{\"type\":\"function\",\"function\":{" LOOK \
  "}}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false"

static void check_arguments(const char *text) {
  json_t *arguments = json_loads(text, 0, NULL);
  const char *where;
  json_int_t days;
  if (json_unpack(arguments, "{s:s,s:I!}", "where", &where, "days", &days) != 0)
    fail_msg("arguments: %s", text);
  assert_in_range(days, 1, 7);
  json_decref(arguments);
}

static void a_call_comes_whole_and_in_fragments(void **state) {
  (void)state;
  json_t *answer = post(CHAT, "{" SUM "," TOOLS "}", 200);
  const char *arguments = serving_string(answer, "choices.0.message.tool_calls.0.function.arguments");
  assert_string_equal(serving_string(answer, "choices.0.finish_reason"), "tool_calls");
  assert_string_equal(serving_string(answer, "choices.0.message.tool_calls.0.function.name"), "look");
  assert_true(json_is_null(serving_at(answer, "choices.0.message.content")));
  check_arguments(arguments);
  char *events = serving_stream(&served, CHAT, "{" SUM "," TOOLS ",\"stream\":true}"),
       *joined = serving_joined(events, "choices.0.delta.tool_calls.0.function.arguments"),
       *names = serving_joined(events, "choices.0.delta.tool_calls.0.function.name"),
       *content = serving_joined(events, "choices.0.delta.content");
  assert_string_equal(joined, arguments);
  assert_string_equal(names, "look");
  assert_string_equal(content, "");
  assert_int_equal(serving_count(events, "\"id\":\"call_"), 1);
  assert_true(serving_count(events, "\"arguments\"") > 5); // a text comes as it is drawn
  free(events);
  free(joined);
  free(names);
  free(content);
  json_decref(answer);
}

static void a_response_has_the_same_call(void **state) {
  (void)state;
  static const char body[] =
      "{\"input\":\"What is 12 + 30?\",\"temperature\":0,\"stream\":true,\"tools\":[{\"type\":"
      "\"function\"," LOOK "}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false}";
  char *events = serving_stream(&served, RESPONSE, body);
  json_t *chunks = serving_chunks(events), *chunk;
  nf_text joined = {0};
  size_t i, done = 0;
  json_array_foreach(chunks, i, chunk) {
    const char *type = serving_string(chunk, "type");
    if (strcmp(type, "response.function_call_arguments.delta") == 0)
      nf_text_printf(&joined, "%s", serving_string(chunk, "delta"));
    if (strcmp(type, "response.function_call_arguments.done") != 0) continue;
    assert_string_equal(serving_string(chunk, "arguments"), joined.at);
    check_arguments(joined.at);
    done++;
  }
  assert_int_equal(done, 1);
  nf_text_deinit(&joined);
  json_decref(chunks);
  free(events);
}

// What stands there then is no JSON, so nobody is told to act on it.
static void a_stop_string_within_a_call_cuts_it(void **state) {
  (void)state;
  static const char body[] = "{" SUM "," TOOLS ",\"stop\":[\"wh\"]%s}";
  char text[1024];
  snprintf(text, sizeof text, body, "");
  json_t *answer = post(CHAT, text, 200);
  assert_string_equal(serving_string(answer, "choices.0.finish_reason"), "stop");
  assert_string_equal(serving_string(answer, "choices.0.message.tool_calls.0.function.arguments"), "{\"");
  json_decref(answer);
  snprintf(text, sizeof text, body, ",\"stream\":true");
  char *events = serving_stream(&served, CHAT, text),
       *finish = serving_joined(events, "choices.0.finish_reason");
  assert_string_equal(finish, "stop");
  free(events);
  free(finish);
}

static void a_function_keeps_its_name(void **state) {
  (void)state;
  json_t *answer = post(CHAT,
                        "{" SUM ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"functions.f\","
                        "\"parameters\":{\"properties\":{}}}}],\"tool_choice\":\"required\","
                        "\"parallel_tool_calls\":false}",
                        200);
  assert_string_equal(serving_string(answer, "choices.0.message.tool_calls.0.function.name"), "functions.f");
  json_decref(answer);
}

#define CALLED(arguments)                                                                              \
  "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":null,"     \
  "\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":" \
  "\"" arguments                                                                                       \
  "\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"sunny\"}],\"max_tokens\":4}"

static void a_call_goes_back_into_the_prompt(void **state) {
  (void)state;
  json_t *shown = post(CHAT "/render", CALLED("{\\\"where\\\": \\\"a <b>\\\", \\\"days\\\": 2}"), 200),
         *body = json_object();
  assert_int_equal(json_object_set(body, "tokens", json_object_get(shown, "token_ids")), 0);
  char *ids = json_dumps(body, 0);
  json_t *text = post("/detokenize", ids, 200);
  assert_non_null(
      strstr(serving_string(text, "prompt"),
             "<function=look>\n<parameter=where>\na <b>\n</parameter>\n<parameter=days>\n2\n</parameter>\n"
             "</function>\n"));
  free(ids);
  json_decref(text);
  json_decref(body);
  json_decref(shown);
  json_t *refusal = post(CHAT, CALLED("{\\\"where\\\": \\\"a"), 400);
  assert_non_null(strstr(serving_string(refusal, "error.message"), "call of look: arguments: line 1"));
  assert_string_equal(serving_string(refusal, "error.param"), "messages[1].tool_calls[0].function.arguments");
  json_decref(refusal);
  refusal = post(RESPONSE,
                 "{\"instructions\":\"be\",\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
                 "{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"},"
                 "{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"[]\"}],\"max_output_tokens\":4}",
                 400);
  assert_string_equal(serving_string(refusal, "error.param"), "input[2].arguments");
  json_decref(refusal);
}

static void what_cant_be_held_is_refused(void **state) {
  (void)state;
  json_t *refusal =
      post(CHAT,
           "{" SUM ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{"
           "\"properties\":{\"a\":{\"pattern\":\"b\"}}}}}],\"tool_choice\":\"required\"}",
           400);
  assert_non_null(strstr(serving_string(refusal, "error.message"), "properties.a.pattern: is not supported"));
  json_decref(refusal);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_comes_whole_and_in_fragments), cmocka_unit_test(a_response_has_the_same_call),
      cmocka_unit_test(a_stop_string_within_a_call_cuts_it), cmocka_unit_test(a_function_keeps_its_name),
      cmocka_unit_test(a_call_goes_back_into_the_prompt),    cmocka_unit_test(what_cant_be_held_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, serving_tear_down);
}

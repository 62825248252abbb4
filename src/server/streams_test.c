// SPDX-License-Identifier: Apache-2.0
// Tests of streams: the form of their events, and that they say what the whole says.
#include "tests/support/serving.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void a_stream_says_what_the_whole_says(void **state) {
  (void)state;
  char *stream =
      serving_stream(&served, CHAT, "{" SUM ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
  char *content = serving_joined(stream, "choices.0.delta.content");
  assert_string_equal(content, "The answer is 42.");
  assert_int_equal(serving_count(stream, "\"role\""), 1);
  assert_int_equal(serving_count(stream, "\"usage\""), 1);
  assert_int_equal(serving_count(stream, "data: [DONE]\n\n"), 1);
  assert_int_equal(serving_count(stream, "event:"), 0);
  free(content);
  free(stream);
}

static const struct {
  const char *path, *body, *chunk;
} kinds[] = {{CHAT, SUM, "chat.completion.chunk"},
             {TEXT, "\"prompt\":\"Once\",\"max_tokens\":5", "text_completion"}};

// The form of every chunk; `usage`: how many have it.
static void check_chunks(const json_t *chunks, size_t kind, bool include, bool running) {
  const size_t n = json_array_size(chunks);
  const json_t *first = json_array_get(chunks, 0), *choice = NULL;
  size_t with_usage = 0;
  assert_true(n >= 3);
  for (size_t i = 0; i < n; i++) {
    const json_t *c = json_array_get(chunks, i), *list = serving_at(c, "choices");
    const bool last = include && i == n - 1;
    assert_string_equal(serving_string(c, "id"), serving_string(first, "id"));
    assert_string_equal(serving_string(c, "object"), kinds[kind].chunk);
    assert_string_equal(serving_string(c, "model"), "infuse-oss");
    assert_true(json_is_integer(serving_at(c, "created")));
    assert_true(json_equal(serving_at(c, "created"), serving_at(first, "created")));
    assert_int_equal(json_array_size(list), last ? 0 : 1);
    with_usage += serving_at(c, "usage") != NULL;
    if (last) continue;
    choice = json_array_get(list, 0);
    assert_int_equal(json_integer_value(serving_at(choice, "index")), 0);
    if (kind != 0) continue;
    assert_true(json_is_object(serving_at(choice, "delta")));
    assert_int_equal(serving_at(choice, "delta.role") != NULL, i == 0);
    if (i == 0) assert_string_equal(serving_string(choice, "delta.content"), "");
  }
  assert_int_equal(with_usage, running ? n : include);
  assert_non_null(serving_string(choice, "finish_reason")); // of the last one that is a choice's
  if (kind == 0) assert_int_equal(json_object_size(serving_at(choice, "delta")), 0);
}

static void check_frames(const char *events) { // LF only, one blank, no BOM, nothing but data
  assert_int_equal(strncmp(events, "data: {", 7), 0);
  assert_null(strchr(events, '\r'));
  for (const char *at = events; *at != 0;) {
    const char *end = strstr(at, "\n\n");
    assert_non_null(end);
    assert_int_equal(strncmp(at, "data: ", 6), 0);
    assert_true(at[6] == '{' || strncmp(at, "data: [DONE]\n\n", 14) == 0);
    assert_null(memchr(at, '\n', (size_t)(end - at)));
    at = end + 2;
  }
  assert_string_equal(events + strlen(events) - 14, "data: [DONE]\n\n");
  for (const char *at = events; *at != 0; at++) assert_true((unsigned char)*at < 0x80);
}

static void streams_have_the_form_that_clients_count_on(void **state) {
  (void)state;
  static const char *const options[] = {
      "", ",\"stream_options\":{\"include_usage\":true}",
      ",\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int o = 0; o < 3; o++) {
      char body[400];
      snprintf(body, sizeof body, "{%s,\"stream\":true%s}", kinds[i].body, options[o]);
      char *events = serving_stream(&served, kinds[i].path, body);
      json_t *chunks = serving_chunks(events);
      check_frames(events);
      check_chunks(chunks, i, o != 0, o == 2);
      json_decref(chunks);
      free(events);
    }
}

static void choices_begin_in_order(void **state) {
  (void)state;
  char *events = serving_stream(&served, CHAT, "{" SUM ",\"n\":3,\"stream\":true}");
  json_t *chunks = serving_chunks(events);
  json_int_t seen = 0;
  for (size_t i = 0; i < json_array_size(chunks); i++) {
    const json_int_t index = json_integer_value(serving_at(json_array_get(chunks, i), "choices.0.index"));
    assert_true(index <= seen);
    seen += index == seen;
  }
  assert_int_equal(seen, 3);
  json_decref(chunks);
  free(events);
}

// Texts that some clients would cut, and characters of several tokens: nothing comes halved, and all is
// ASCII.
static void characters_come_whole(void **state) {
  (void)state;
  static const char text[] = "a\xc2\x85 b\xe2\x80\xa8 c\xe2\x80\xa9 \xf0\x9f\x99\x82\xc3\xa9";
  char *events = serving_stream(&served, CHAT,
                                "{" SUM ",\"stream\":true,\"structured_outputs\":{\"choice\":"
                                "[\"a\\u0085 b\\u2028 c\\u2029 \\ud83d\\ude42\\u00e9\"]}}");
  char *joined = serving_joined(events, "choices.0.delta.content"); // jansson refuses halves
  check_frames(events);
  assert_string_equal(joined, text);
  free(joined);
  free(events);
}

static void thoughts_are_reasoning(void **state) {
  (void)state;
  json_t *whole = serving_post(&served, CHAT, "{" SUM "}", 200);
  assert_true(strlen(serving_string(whole, "choices.0.message.reasoning")) > 0);
  assert_null(serving_at(whole, "choices.0.message.reasoning_content"));
  char *events = serving_stream(&served, CHAT, "{" SUM ",\"stream\":true}");
  assert_true(serving_count(events, "{\"delta\":{\"reasoning\":\"") +
                  serving_count(events, "\"delta\":{\"reasoning\":\"") >
              0);
  json_decref(whole);
  free(events);
}

static void responses_come_in_order(void **state) {
  (void)state;
  static const char *const order[] = {"response.created",           "response.in_progress",
                                      "response.output_item.added", "response.content_part.added",
                                      "response.output_text.delta", "response.output_text.done",
                                      "response.content_part.done", "response.output_item.done",
                                      "response.completed"};
  char *events =
      serving_stream(&served, RESPONSE,
                     "{\"input\":[{\"role\":\"user\",\"content\":\"What is 12 + 30?\"}],\"stream\":true,"
                     "\"temperature\":0,\"store\":false,\"include\":[],\"ignore_eos\":false,"
                     "\"metadata\":{\"a\":\"b\"}}");
  json_t *chunks = serving_chunks(events);
  const char *id = serving_string(json_array_get(chunks, 0), "response.id");
  size_t next = 0;
  assert_non_null(id);
  for (size_t i = 0; i < json_array_size(chunks); i++) {
    const json_t *e = json_array_get(chunks, i);
    const char *type = serving_string(e, "type"), *own = serving_string(e, "response.id");
    char line[80];
    assert_int_equal(json_integer_value(serving_at(e, "sequence_number")), i);
    snprintf(line, sizeof line, "event: %s\ndata: {", type);
    assert_non_null(strstr(events, line));
    if (own != NULL) assert_string_equal(own, id);
    if (next < sizeof order / sizeof *order && strcmp(type, order[next]) == 0) next++;
  }
  assert_int_equal(next, sizeof order / sizeof *order);
  json_decref(chunks);
  free(events);
  events = serving_stream(&served, RESPONSE,
                          "{\"input\":\"What is 12 + 30?\",\"stream\":true,\"max_output_tokens\":3}");
  assert_int_equal(serving_count(events, "event: response.incomplete\n"), 1);
  assert_int_equal(serving_count(events, "event: response.completed\n"), 0);
  assert_non_null(strstr(events, "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"));
  free(events);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stream_says_what_the_whole_says),
      cmocka_unit_test(streams_have_the_form_that_clients_count_on),
      cmocka_unit_test(choices_begin_in_order),
      cmocka_unit_test(characters_come_whole),
      cmocka_unit_test(thoughts_are_reasoning),
      cmocka_unit_test(responses_come_in_order),
  };
  return cmocka_run_group_tests(tests, serving_set_up, serving_tear_down);
}

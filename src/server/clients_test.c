// SPDX-License-Identifier: Apache-2.0
// What real clients of OpenAI's API were seen to need or to trip over, each of it as a test over a small
// model: connections, bodies, streams, models and errors.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/support/serving.h"
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define CHAT "/v1/chat/completions"
#define TEXT "/v1/completions"
#define RESPONSE "/v1/responses"
#define SUM "\"messages\":[{\"role\":\"user\",\"content\":\"What is 12 + 30?\"}],\"temperature\":0"
#define LONG "\"prompt\":\"Once\",\"ignore_eos\":true,\"temperature\":0,\"max_tokens\":"

static serving wide, narrow; // of four sessions and of one
#define NAME "maker/small"   // as names of models have a slash

static int start(void **state) {
  (void)state;
  const infuse_model_options many = {
      .size = sizeof many, .sessions = 4, .context = 1024, .batch = 64, .snapshots = 4};
  const infuse_model_options one = {.size = sizeof one, .sessions = 1, .context = 4096, .batch = 64};
  const nf_server_options so = {.name = NAME, .queue = 64}, few = {.queue = 2, .silence = 0.05};
  serving_start(&wide, "models/infuse-oss", &many, &so);
  serving_start(&narrow, "models/infuse-oss", &one, &few);
  return 0;
}

static int stop(void **state) {
  (void)state;
  if (narrow.server != NULL) serving_stop(&narrow, 10);
  serving_stop(&wide, 10);
  return 0;
}

static json_t *post(const char *path, const char *body, int status) {
  return serving_post(&wide, path, body, status);
}

// A connection on which a request was sent, with headers of its own.
static int send_to(const serving *s, const char *path, const char *headers, const char *body) {
  char head[600];
  const int c = http_dial(s->port);
  const int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n",
                         path, headers, strlen(body));
  http_say(c, head, (size_t)n);
  http_say(c, body, strlen(body));
  return c;
}

static char *ask(const serving *s, const char *line, const char *headers) { // without a body
  char text[600];
  const int n =
      snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", line, headers);
  return http_ask(s->port, text, (size_t)n);
}

// A header's value, copied into `out`; "" where it is missing.
static const char *header(const char *answer, const char *name, char *out, size_t n) {
  char key[64];
  snprintf(key, sizeof key, "\r\n%s: ", name);
  const char *end = strstr(answer, "\r\n\r\n"), *at = strcasestr(answer, key);
  out[0] = 0;
  if (at == NULL || at > end) return out;
  at += strlen(key);
  snprintf(out, n, "%.*s", (int)strcspn(at, "\r"), at);
  return out;
}

// ---- connections ----

static size_t descriptors(void) {
  size_t n = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n;
}

static uint64_t ended(const serving *s, const char *reason) {
  char name[200];
  snprintf(name, sizeof name, "finished_reason=\"%s\"} ", reason);
  char *answer = http_call(s->port, "GET", "/metrics", "", 0);
  const char *at = strstr(answer, name);
  assert_non_null(at);
  const uint64_t n = strtoull(at + strlen(name), NULL, 10);
  free(answer);
  return n;
}

// A client that hangs up as soon as it has read [DONE] has gone in time.
static void a_stream_is_over_with_its_last_word(void **state) {
  (void)state;
  const uint64_t aborted = ended(&wide, "abort"), stopped = ended(&wide, "stop");
  const size_t before = descriptors();
  for (int i = 0; i < 10; i++) {
    const int c = send_to(&wide, CHAT, "Connection: keep-alive\r\n", "{" SUM ",\"stream\":true}");
    char *heard = http_hear(c, "[DONE]");
    close(c);
    assert_non_null(strstr(heard, "[DONE]"));
    free(heard);
  }
  assert_true(serving_is_idle(&wide));
  assert_int_equal(ended(&wide, "stop"), stopped + 10);
  assert_int_equal(ended(&wide, "abort"), aborted);
  for (int i = 0; i < 1000 && descriptors() > before; i++) usleep(1000);
  assert_true(descriptors() <= before);
}

static void a_connection_is_of_use_again(void **state) {
  (void)state;
  static const char good[] = "{" SUM "}", bad[] = "{\"messages\":7}";
  char request[400];
  const int c = http_dial(wide.port);
  for (int i = 0; i < 10; i++) {
    const char *body = i % 4 == 3 ? bad : good;
    const int n =
        snprintf(request, sizeof request,
                 "POST " CHAT " HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    http_say(c, request, (size_t)n);
    char *heard = http_hear(c, body == bad ? "\"code\":null}}" : "}}}");
    assert_int_equal(http_status(heard), body == bad ? 400 : 200);
    free(heard);
  }
  close(c);
}

static void a_head_is_that_of_the_get(void **state) {
  (void)state;
  static const char *const path[] = {"/health", "/v1/models", "/metrics"};
  for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
    char line[60], type[2][100], length[2][100];
    for (int k = 0; k < 2; k++) {
      snprintf(line, sizeof line, "%s %s", k ? "HEAD" : "GET", path[i]);
      char *answer = ask(&wide, line, "");
      assert_int_equal(http_status(answer), 200);
      header(answer, "Content-Type", type[k], sizeof type[k]);
      header(answer, "Content-Length", length[k], sizeof length[k]);
      assert_int_equal(strlen(http_body(answer)) == 0, k);
      free(answer);
    }
    assert_string_equal(type[0], type[1]);
    assert_true(length[1][0] != '\0');
    if (strcmp(path[i], "/metrics") != 0) assert_string_equal(length[0], length[1]); // which go on meanwhile
  }
}

static void keys_that_nobody_asks_for_are_fine(void **state) {
  (void)state;
  static const char *const headers[] = {"", "Authorization: Bearer \r\n", "Authorization: Bearer sk-1\r\n",
                                        "Authorization: Basic eDp5\r\n"};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    char *answer = ask(&wide, "GET /v1/models", headers[i]);
    assert_int_equal(http_status(answer), 200);
    free(answer);
  }
}

static bool soon(const serving *s, const char *metric, double value) {
  for (int i = 0; i < 1000; i++) {
    if (serving_metric(s, metric) == value) return true;
    usleep(5000);
  }
  return false;
}
#define RUNNING "vllm:num_requests_running"
#define WAITING "vllm:num_requests_waiting"

// Whoever hangs up gives back its place at once: in mid-stream, in the queue, and while it waits for a whole
// answer; and who runs beside it is not disturbed.
static void who_goes_away_gives_back_its_place(void **state) {
  (void)state;
  static const char *const rest[] = {",\"stream\":true}", "}"};
  const int beside = send_to(&narrow, TEXT, "Connection: close\r\n", "{" LONG "2000,\"stream\":true}");
  free(http_hear(beside, "data: "));
  for (int i = 0; i < 2; i++) {
    char body[200];
    snprintf(body, sizeof body, "{" LONG "3000%s", rest[i]);
    const int waits = send_to(&narrow, TEXT, "", body);
    assert_true(soon(&narrow, WAITING, 1));
    close(waits);
    assert_true(soon(&narrow, WAITING, 0));
  }
  char *heard = http_hear(beside, NULL);
  close(beside);
  assert_int_equal(serving_count(heard, "\"finish_reason\":\"length\""), 1);
  free(heard);
  for (int i = 0; i < 2; i++) {
    char body[200];
    snprintf(body, sizeof body, "{" LONG "3000%s", rest[i]);
    const int runs = send_to(&narrow, TEXT, "", body);
    assert_true(soon(&narrow, RUNNING, 1));
    const double drawn = serving_metric(&narrow, "vllm:generation_tokens_total");
    close(runs);
    assert_true(soon(&narrow, RUNNING, 0));
    assert_true(serving_metric(&narrow, "vllm:generation_tokens_total") < drawn + 2500);
  }
  assert_int_equal(ended(&narrow, "abort"), 4);
}

// Each token is on its way while the next one is computed, whatever the client would unpack.
static void streams_are_not_held_back(void **state) {
  (void)state;
  const int c =
      send_to(&narrow, TEXT, "Accept-Encoding: gzip, deflate, br\r\n", "{" LONG "3000,\"stream\":true}");
  char *heard = http_hear(c, "\n\n");
  const double drawn = serving_metric(&narrow, "vllm:generation_tokens_total");
  char *more = http_hear(c, "\n\n");
  close(c);
  char coding[40];
  assert_string_equal(header(heard, "Content-Encoding", coding, sizeof coding), "");
  assert_non_null(strstr(heard, "data: {"));
  assert_true(soon(&narrow, RUNNING, 0));
  assert_true(serving_metric(&narrow, "vllm:generation_tokens_total") > drawn); // it was not over
  free(heard);
  free(more);
}

// One waits, one runs, and there is no room for another; while nothing was said the stream has comments.
static void a_full_queue_says_when_to_come_again(void **state) {
  (void)state;
  char seconds[40], id[100];
  const int runs = send_to(&narrow, TEXT, "", "{" LONG "3000}");
  assert_true(soon(&narrow, RUNNING, 1));
  const int waits = send_to(&narrow, CHAT, "Connection: close\r\n", "{" SUM ",\"stream\":true}");
  const int whole = send_to(&narrow, CHAT, "Connection: close\r\n", "{" SUM "}");
  assert_true(soon(&narrow, WAITING, 2));
  const int c =
      send_to(&narrow, CHAT, "Connection: close\r\nX-Request-ID: mine\r\n", "{" SUM ",\"stream\":true}");
  char *heard = http_hear(c, NULL);
  close(c);
  assert_int_equal(strncmp(heard, "HTTP/1.1 429 Too Many Requests\r\n", 32), 0);
  header(heard, "Retry-After", seconds, sizeof seconds);
  assert_true(atoi(seconds) >= 1 && atoi(seconds) <= 60);
  assert_string_equal(header(heard, "x-request-id", id, sizeof id), "mine");
  free(heard);
  heard = http_hear(waits, "\n\n");
  assert_non_null(strstr(heard, "\r\n: ")); // a comment, with a blank line of its own
  free(heard);
  close(runs);
  heard = http_hear(waits, NULL);
  assert_non_null(strstr(heard, "\"role\":\"assistant\""));
  assert_non_null(strstr(heard, "data: [DONE]\n\n"));
  free(heard);
  heard = http_hear(whole, NULL);
  assert_int_equal(http_status(heard), 200);
  assert_non_null(strstr(heard, "The answer is 42."));
  free(heard);
  close(waits);
  close(whole);
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
    char *answer = ask(&wide, row[i].line, "");
    snprintf(want, sizeof want, "HTTP/1.1 %s\r\n", row[i].phrase);
    assert_int_equal(strncmp(answer, want, strlen(want)), 0);
    assert_non_null(strstr(http_body(answer), row[i].code));
    assert_string_equal(header(answer, "Content-Type", value, sizeof value), "application/json");
    assert_string_equal(header(answer, "Retry-After", value, sizeof value), "");
    assert_true(strlen(header(answer, "x-request-id", value, sizeof value)) > 8);
    json_t *body = json_loads(http_body(answer), 0, NULL);
    assert_non_null(serving_string(body, "error.message"));
    assert_non_null(serving_string(body, "error.type"));
    json_decref(body);
    free(answer);
  }
}

static void names_of_models_have_slashes(void **state) {
  (void)state;
  static const char *const path[] = {"/v1/models/maker%2Fsmall", "/v1/models/maker/small",
                                     "/v1/models/maker/small?x=1&y"};
  for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
    char *answer = http_call(wide.port, "GET", path[i], "", 0);
    json_t *m = json_loads(http_body(answer), 0, NULL);
    assert_string_equal(serving_string(m, "id"), NAME);
    assert_string_equal(serving_string(m, "object"), "model");
    assert_string_equal(serving_string(m, "root"), "models/infuse-oss");
    assert_non_null(serving_string(m, "owned_by"));
    assert_true(json_is_integer(serving_at(m, "created")));
    assert_int_equal(json_integer_value(serving_at(m, "max_model_len")), 1024);
    json_decref(m);
    free(answer);
  }
  serving_get(&wide, "/v1/models?limit=1", 200, "{\"object\":\"list\",\"data\":[{");
}

// ---- bodies ----

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
    char *back = http_call(wide.port, "POST", "/detokenize", ids, strlen(ids));
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

static const struct {
  const char *path, *body, *object, *chunk, *text;
} kinds[] = {{CHAT, SUM, "chat.completion", "chat.completion.chunk", "message.content"},
             {TEXT, "\"prompt\":\"Once\",\"max_tokens\":5", "text_completion", "text_completion", "text"}};

static void answers_have_what_clients_check(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char body[300], path[60];
    snprintf(body, sizeof body, "{%s}", kinds[i].body);
    json_t *a = post(kinds[i].path, body, 200);
    assert_non_null(serving_string(a, "id"));
    assert_string_equal(serving_string(a, "object"), kinds[i].object);
    assert_string_equal(serving_string(a, "model"), NAME);
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

// ---- streams ----

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
    assert_string_equal(serving_string(c, "model"), NAME);
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
      char *events = serving_stream(&wide, kinds[i].path, body);
      json_t *chunks = serving_chunks(events);
      check_frames(events);
      check_chunks(chunks, i, o != 0, o == 2);
      json_decref(chunks);
      free(events);
    }
}

static void choices_begin_in_order(void **state) {
  (void)state;
  char *events = serving_stream(&wide, CHAT, "{" SUM ",\"n\":3,\"stream\":true}");
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
  char *events = serving_stream(&wide, CHAT,
                                "{" SUM ",\"stream\":true,\"structured_outputs\":{\"choice\":"
                                "[\"a\\u0085 b\\u2028 c\\u2029 \\ud83d\\ude42\\u00e9\"]}}");
  json_t *chunks = serving_chunks(events); // jansson refuses halves
  nf_text joined = {0};
  check_frames(events);
  for (size_t i = 0; i < json_array_size(chunks); i++) {
    const char *part = serving_string(json_array_get(chunks, i), "choices.0.delta.content");
    if (part != NULL) nf_text_append(&joined, part, strlen(part));
  }
  assert_string_equal(joined.at, text);
  nf_text_deinit(&joined);
  json_decref(chunks);
  free(events);
}

static void thoughts_are_reasoning(void **state) {
  (void)state;
  json_t *whole = post(CHAT, "{" SUM "}", 200);
  assert_true(strlen(serving_string(whole, "choices.0.message.reasoning")) > 0);
  assert_null(serving_at(whole, "choices.0.message.reasoning_content"));
  char *events = serving_stream(&wide, CHAT, "{" SUM ",\"stream\":true}");
  assert_true(serving_count(events, "{\"delta\":{\"reasoning\":\"") +
                  serving_count(events, "\"delta\":{\"reasoning\":\"") >
              0);
  json_decref(whole);
  free(events);
}

// ---- recorded requests ----

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
    const int c = http_dial(narrow.port);
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

// A failure behind the first text is an event of both forms that clients look for; one before it a status.
static void *stop_narrow(void *unused) {
  nf_server_stop(narrow.server, 0.05);
  narrow.server = NULL;
  return unused;
}

static void say_get(int c, const char *path) {
  char text[80];
  http_say(c, text, (size_t)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path));
}

// Whoever asks meanwhile has an answer, until the connection is closed.
typedef struct asker {
  int connection, odd; // odd: answers that are none of these
} asker;

static void *keep_asking(void *of) {
  asker *a = of;
  for (int status = 200; status != 0;) {
    say_get(a->connection, "/load");
    char *heard = http_hear(a->connection, "}");
    status = http_status(heard);
    a->odd += status != 200 && status != 503 && status != 0;
    free(heard);
  }
  return NULL;
}

static void a_server_that_stops_says_so(void **state) {
  (void)state;
  pthread_t stops, asks;
  char seconds[40];
  asker asking = {.connection = http_dial(narrow.port)};
  assert_int_equal(pthread_create(&asks, NULL, keep_asking, &asking), 0);
  const int idle = http_dial(narrow.port), c = send_to(&narrow, TEXT, "", "{" LONG "4000,\"stream\":true}");
  say_get(idle, "/health");
  free(http_hear(idle, "{}"));
  free(http_hear(c, "data: "));
  const int waits = send_to(&narrow, TEXT, "", "{" LONG "5}");
  assert_true(soon(&narrow, WAITING, 1));
  assert_int_equal(pthread_create(&stops, NULL, stop_narrow, NULL), 0);
  char *heard = NULL;
  for (int status = 200; status == 200;) { // until it stops
    say_get(idle, "/health");
    free(heard);
    heard = http_hear(idle, "}");
    status = http_status(heard);
  }
  assert_int_equal(strncmp(heard, "HTTP/1.1 503 Service Unavailable\r\n", 34), 0);
  header(heard, "Retry-After", seconds, sizeof seconds);
  assert_true(atoi(seconds) >= 1 && atoi(seconds) <= 60);
  free(heard);
  heard = http_hear(c, NULL);
  assert_non_null(strstr(heard, "event: error\ndata: {\"error\":{\"message\":\""));
  assert_null(strstr(heard, "[DONE]"));
  free(heard);
  heard = http_hear(waits, "}}");
  assert_int_equal(strncmp(heard, "HTTP/1.1 503 Service Unavailable\r\n", 34), 0);
  free(heard);
  pthread_join(stops, NULL);
  pthread_join(asks, NULL);
  assert_int_equal(asking.odd, 0);
  close(asking.connection);
  close(idle);
  close(c);
  close(waits);
  infuse_model_destroy(narrow.model);
  infuse_runtime_destroy(narrow.rt);
}

// ---- conversations ----

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
      json_decref(serving_post(&wide, CHAT, body, 200));
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

// ---- responses ----

static void responses_come_in_order(void **state) {
  (void)state;
  static const char *const order[] = {"response.created",           "response.in_progress",
                                      "response.output_item.added", "response.content_part.added",
                                      "response.output_text.delta", "response.output_text.done",
                                      "response.content_part.done", "response.output_item.done",
                                      "response.completed"};
  char *events =
      serving_stream(&wide, RESPONSE,
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
  events = serving_stream(&wide, RESPONSE,
                          "{\"input\":\"What is 12 + 30?\",\"stream\":true,\"max_output_tokens\":3}");
  assert_int_equal(serving_count(events, "event: response.incomplete\n"), 1);
  assert_int_equal(serving_count(events, "event: response.completed\n"), 0);
  assert_non_null(strstr(events, "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"));
  free(events);
}

// ---- what is watched ----

static void metrics_are_named_and_typed(void **state) {
  (void)state;
  char *answer = http_call(wide.port, "GET", "/metrics", "", 0);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stream_is_over_with_its_last_word),
      cmocka_unit_test(a_connection_is_of_use_again),
      cmocka_unit_test(a_head_is_that_of_the_get),
      cmocka_unit_test(keys_that_nobody_asks_for_are_fine),
      cmocka_unit_test(who_goes_away_gives_back_its_place),
      cmocka_unit_test(streams_are_not_held_back),
      cmocka_unit_test(a_full_queue_says_when_to_come_again),
      cmocka_unit_test(what_is_wrong_has_its_status),
      cmocka_unit_test(names_of_models_have_slashes),
      cmocka_unit_test(any_text_is_read),
      cmocka_unit_test(special_tokens_are_added_unless_told),
      cmocka_unit_test(prompts_come_in_four_forms),
      cmocka_unit_test(answers_have_what_clients_check),
      cmocka_unit_test(streams_have_the_form_that_clients_count_on),
      cmocka_unit_test(choices_begin_in_order),
      cmocka_unit_test(characters_come_whole),
      cmocka_unit_test(thoughts_are_reasoning),
      cmocka_unit_test(recorded_requests_are_answered),
      cmocka_unit_test(a_server_that_stops_says_so),
      cmocka_unit_test(odd_conversations_are_taken),
      cmocka_unit_test(a_second_turn_is_in_the_caches),
      cmocka_unit_test(responses_come_in_order),
      cmocka_unit_test(metrics_are_named_and_typed),
  };
  return cmocka_run_group_tests(tests, start, stop);
}

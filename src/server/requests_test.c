// SPDX-License-Identifier: Apache-2.0
// Tests of the list of requests: what it tells of those that run and wait, never what they say, and that who
// has the key takes them back.
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

#define CLOSE "Connection: close\r\n"
#define KEY CLOSE "Authorization: Bearer a secret\r\n"
// So much, answer by answer, that it outlasts whoever asks slowly: it is always taken back.
#define LONG \
  "{\"prompt\":\"Once upon a time there lived a monkey\",\"ignore_eos\":true,\"max_tokens\":3000,\"n\":64"

static int start(void **state) { // one answer at a time
  (void)state;
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 1, .context = 4096, .batch = 64};
  const nf_server_options so = {.queue = 8, .key = "a secret"};
  serving_start(&served, SMALL, &mo, &so);
  return 0;
}

// The whole answer, which has this status; freed by the caller.
static char *hear(int c, int status) {
  char *heard = http_hear(c, NULL);
  close(c);
  if (http_status(heard) != status) print_error("%s\n", heard);
  assert_int_equal(http_status(heard), status);
  return heard;
}

static json_t *list(void) {
  char *heard = hear(serving_send(&served, "GET /requests", KEY, NULL), 200);
  json_t *all = json_loads(http_body(heard), 0, NULL);
  assert_string_equal(serving_string(all, "object"), "list");
  assert_null(strstr(heard, "monkey"));
  free(heard);
  return all;
}

static json_int_t number(const json_t *all, const char *path) {
  return json_integer_value(serving_at(all, path));
}

// The list, once it has so many requests of which the first one has drawn something.
static json_t *list_of(size_t n) {
  for (int i = 0; i < 1000; i++) {
    json_t *all = list();
    if (json_array_size(serving_at(all, "data")) == n &&
        (n == 0 || number(all, "data.0.completion_tokens") > 0))
      return all;
    json_decref(all);
    usleep(5000);
  }
  fail_msg("there are never %zu requests", n);
  return NULL;
}

static void cancel(const char *id, int status, const char *part) {
  char line[100];
  snprintf(line, sizeof line, "DELETE /requests/%s", id);
  char *heard = hear(serving_send(&served, line, KEY, NULL), status);
  assert_non_null(strstr(heard, part));
  free(heard);
}

static double seconds(const json_t *all, const char *path) {
  assert_true(json_is_real(serving_at(all, path)));
  return json_real_value(serving_at(all, path));
}

static void who_runs_and_who_waits_is_told(void **state) {
  (void)state;
  const int runs =
      serving_send(&served, "POST " TEXT, KEY "X-Request-ID: first\r\n", LONG ",\"stream\":true}");
  free(http_hear(runs, "data: "));
  const int waits =
      serving_send(&served, "POST " CHAT, KEY "X-Request-ID: the/2nd?%\r\n", "{" SUM ",\"n\":2}");
  json_t *all = list_of(2);
  static const char *const strings[][2] = {{"data.0.id", "first"},      {"data.0.kind", "completion"},
                                           {"data.0.state", "running"}, {"data.0.model", "infuse-oss"},
                                           {"data.1.id", "the/2nd?%"},  {"data.1.kind", "chat"},
                                           {"data.1.state", "waiting"}};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
    assert_string_equal(serving_string(all, strings[i][0]), strings[i][1]);
  assert_true(json_is_true(serving_at(all, "data.0.stream")) &&
              json_is_false(serving_at(all, "data.1.stream")));
  assert_true(number(all, "data.0.prompt_tokens") > 4 && number(all, "data.1.n") == 2);
  const double age = seconds(all, "data.0.age"), first = seconds(all, "data.0.time_to_first_token"),
               queue = seconds(all, "data.0.queue_time");
  assert_true(0 <= queue && queue < first && first < age && age < 60);
  assert_true(seconds(all, "data.1.age") < age);
  assert_true(json_is_null(serving_at(all, "data.1.queue_time")));
  assert_true(json_is_null(serving_at(all, "data.1.time_to_first_token")));
  json_decref(all);
  cancel("the%2F2nd%3F%25", 200, "\"cancelled\":1");
  char *heard = hear(waits, 499);
  assert_non_null(strstr(heard, "\"code\":\"request_cancelled\""));
  free(heard);
  json_decref(list_of(1));
  cancel("first", 200, "\"cancelled\":1");
  heard = hear(runs, 0); // the rest of a stream
  assert_non_null(strstr(heard, "event: error"));
  assert_non_null(strstr(heard, "\"code\":\"request_cancelled\""));
  free(heard);
  json_decref(list_of(0));
  cancel("first", 404, "no request of this id");
}

static void all_of_an_id_are_taken_back(void **state) {
  (void)state;
  int c[3];
  for (int i = 0; i < 3; i++) {
    c[i] = serving_send(&served, "POST " TEXT,
                        i == 1 ? KEY "X-Request-ID: other\r\n" : KEY "X-Request-ID: same\r\n",
                        i == 1 ? "{\"prompt\":\"monkey\",\"max_tokens\":5}" : LONG "}");
    json_decref(list_of((size_t)i + 1));
  }
  cancel("same", 200, "\"cancelled\":2");
  for (int i = 0; i < 3; i++) free(hear(c[i], i == 1 ? 200 : 499));
  json_decref(list_of(0));
}

static void the_list_wants_the_key(void **state) {
  (void)state;
  free(hear(serving_send(&served, "GET /requests", CLOSE, NULL), 401));
  free(hear(serving_send(&served, "DELETE /requests/x", CLOSE, NULL), 401));
  free(hear(serving_send(&served, "POST /requests/x", KEY, NULL), 405));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_runs_and_who_waits_is_told),
      cmocka_unit_test(all_of_an_id_are_taken_back),
      cmocka_unit_test(the_list_wants_the_key),
  };
  return cmocka_run_group_tests(tests, start, serving_tear_down);
}

// SPDX-License-Identifier: Apache-2.0
// Tests of connections that clients of OpenAI's API keep, share, and give up, of a full queue, and of a
// server that stops.
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

#define LONG "\"prompt\":\"Once\",\"ignore_eos\":true,\"temperature\":0,\"max_tokens\":"
#define RUNNING "vllm:num_requests_running"
#define WAITING "vllm:num_requests_waiting"

static void start_narrow(serving *s) { // of one session
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 1, .context = 4096, .batch = 64};
  const nf_server_options so = {.queue = 2, .silence = 0.05};
  serving_start(s, SMALL, &mo, &so);
}

static int start(void **state) {
  (void)state;
  start_narrow(&served);
  return 0;
}

static size_t descriptors(void) {
  size_t n = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n;
}

// A client that hangs up as soon as it has read [DONE] has gone in time.
static void a_stream_is_over_with_its_last_word(void **state) {
  (void)state;
  const double aborted = serving_ended(&served, "abort"), stopped = serving_ended(&served, "stop");
  const size_t before = descriptors();
  for (int i = 0; i < 10; i++) {
    const int c =
        serving_send(&served, "POST " CHAT, "Connection: keep-alive\r\n", "{" SUM ",\"stream\":true}");
    char *heard = http_hear(c, "[DONE]");
    close(c);
    assert_non_null(strstr(heard, "[DONE]"));
    free(heard);
  }
  assert_true(serving_is_idle(&served));
  assert_true(serving_ended(&served, "stop") == stopped + 10);
  assert_true(serving_ended(&served, "abort") == aborted);
  for (int i = 0; i < 1000 && descriptors() > before; i++) usleep(1000);
  assert_true(descriptors() <= before);
}

static void a_connection_is_of_use_again(void **state) {
  (void)state;
  static const char good[] = "{" SUM "}", bad[] = "{\"messages\":7}";
  const int c = http_dial(served.port);
  for (int i = 0; i < 10; i++) {
    const char *body = i % 4 == 3 ? bad : good;
    http_request(c, "POST " CHAT, "", body);
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
      char *answer = http_call(served.port, line, "", NULL);
      assert_int_equal(http_status(answer), 200);
      http_header(answer, "Content-Type", type[k], sizeof type[k]);
      http_header(answer, "Content-Length", length[k], sizeof length[k]);
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
    char *answer = http_call(served.port, "GET /v1/models", headers[i], NULL);
    assert_int_equal(http_status(answer), 200);
    free(answer);
  }
}

// Whoever hangs up gives back its place at once: in mid-stream, in the queue, and while it waits for a whole
// answer; and who runs beside it is not disturbed.
static void who_goes_away_gives_back_its_place(void **state) {
  (void)state;
  static const char *const rest[] = {",\"stream\":true}", "}"};
  const double aborted = serving_ended(&served, "abort");
  const int beside =
      serving_send(&served, "POST " TEXT, "Connection: close\r\n", "{" LONG "2000,\"stream\":true}");
  free(http_hear(beside, "data: "));
  for (int i = 0; i < 2; i++) {
    char body[200];
    snprintf(body, sizeof body, "{" LONG "3000,\"n\":3%s", rest[i]);
    const int waits = serving_send(&served, "POST " TEXT, "", body);
    assert_true(serving_comes_to(&served, WAITING, 3));
    serving_get(&served, "/get_load", 200, "\"load\":4,");
    close(waits);
    assert_true(serving_comes_to(&served, WAITING, 0));
  }
  char *heard = http_hear(beside, NULL);
  close(beside);
  assert_int_equal(serving_count(heard, "\"finish_reason\":\"length\""), 1);
  free(heard);
  for (int i = 0; i < 2; i++) {
    char body[200];
    snprintf(body, sizeof body, "{" LONG "3000%s", rest[i]);
    const int runs = serving_send(&served, "POST " TEXT, "", body);
    assert_true(serving_comes_to(&served, RUNNING, 1));
    const double drawn = serving_metric(&served, "vllm:generation_tokens_total");
    close(runs);
    assert_true(serving_comes_to(&served, RUNNING, 0));
    assert_true(serving_metric(&served, "vllm:generation_tokens_total") < drawn + 2500);
  }
  assert_true(serving_ended(&served, "abort") == aborted + 8);
}

// Each token is on its way while the next one is computed, whatever the client would unpack.
static void streams_are_not_held_back(void **state) {
  (void)state;
  const int c = serving_send(&served, "POST " TEXT, "Accept-Encoding: gzip, deflate, br\r\n",
                             "{" LONG "3000,\"stream\":true}");
  char *heard = http_hear(c, "\n\n");
  const double drawn = serving_metric(&served, "vllm:generation_tokens_total");
  char *more = http_hear(c, "\n\n");
  close(c);
  char coding[40];
  assert_string_equal(http_header(heard, "Content-Encoding", coding, sizeof coding), "");
  assert_non_null(strstr(heard, "data: {"));
  assert_true(serving_comes_to(&served, RUNNING, 0));
  assert_true(serving_metric(&served, "vllm:generation_tokens_total") > drawn); // it was not over
  free(heard);
  free(more);
}

static bool comes_to_be_listed(int requests) {
  for (int i = 0; i < 2000; i++, usleep(5000)) {
    char *list = http_call(served.port, "GET /requests", "", NULL);
    const int n = serving_count(list, "\"kind\":");
    free(list);
    if (n == requests) return true;
  }
  return false;
}

// Two wait, one runs until its client hangs up, and there is no room for another; while nothing was said the
// stream has comments.
static void a_full_queue_says_when_to_come_again(void **state) {
  (void)state;
  char seconds[40], id[100];
  const int runs = serving_send(&served, "POST " TEXT, "", "{" LONG "3000,\"n\":64}");
  assert_true(serving_comes_to(&served, RUNNING, 1));
  const int waits = serving_send(&served, "POST " CHAT, "Connection: close\r\n", "{" SUM ",\"stream\":true}");
  const int whole = serving_send(&served, "POST " CHAT, "Connection: close\r\n", "{" SUM "}");
  assert_true(comes_to_be_listed(3));
  const int c = serving_send(&served, "POST " CHAT, "Connection: close\r\nX-Request-ID: mine\r\n",
                             "{" SUM ",\"stream\":true}");
  char *heard = http_hear(c, NULL);
  close(c);
  assert_int_equal(strncmp(heard, "HTTP/1.1 429 Too Many Requests\r\n", 32), 0);
  http_header(heard, "Retry-After", seconds, sizeof seconds);
  assert_true(atoi(seconds) >= 1 && atoi(seconds) <= 60);
  assert_string_equal(http_header(heard, "x-request-id", id, sizeof id), "mine");
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

static void *stop_soon(void *of) {
  serving_stop(of, 0.05);
  return NULL;
}

// Whoever asks meanwhile has an answer, until the connection is closed.
typedef struct asker {
  int connection, odd; // odd: answers that are none of these
} asker;

static void *keep_asking(void *of) {
  asker *a = of;
  for (int status = 200; status != 0;) {
    http_request(a->connection, "GET /load", "", NULL);
    char *heard = http_hear(a->connection, "}");
    status = http_status(heard);
    a->odd += status != 200 && status != 503 && status != 0;
    free(heard);
  }
  return NULL;
}

// A failure behind the first text is an event of both forms that clients look for; one before it a status.
static void a_server_that_stops_says_so(void **state) {
  (void)state;
  serving other;
  pthread_t stops, asks;
  char seconds[40];
  start_narrow(&other);
  asker asking = {.connection = http_dial(other.port)};
  assert_int_equal(pthread_create(&asks, NULL, keep_asking, &asking), 0);
  const int idle = http_dial(other.port),
            c = serving_send(&other, "POST " TEXT, "", "{" LONG "4000,\"stream\":true}");
  http_request(idle, "GET /health", "", NULL);
  free(http_hear(idle, "{}"));
  free(http_hear(c, "data: "));
  const int waits = serving_send(&other, "POST " TEXT, "", "{" LONG "5}");
  assert_true(serving_comes_to(&other, WAITING, 1));
  assert_int_equal(pthread_create(&stops, NULL, stop_soon, &other), 0);
  char *heard = NULL;
  for (int status = 200; status == 200;) { // until it stops
    http_request(idle, "GET /health", "", NULL);
    free(heard);
    heard = http_hear(idle, "}");
    status = http_status(heard);
  }
  assert_int_equal(strncmp(heard, "HTTP/1.1 503 Service Unavailable\r\n", 34), 0);
  http_header(heard, "Retry-After", seconds, sizeof seconds);
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
      cmocka_unit_test(a_server_that_stops_says_so),
  };
  return cmocka_run_group_tests(tests, start, serving_tear_down);
}

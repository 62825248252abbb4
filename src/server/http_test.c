// SPDX-License-Identifier: Apache-2.0
// Tests of HTTP over real sockets: routes, keys, limits, what is answered later and by other threads, clients
// that go away.
#include "base/clock.h"
#include "server/http_call.h"
#include "tests/support/http_client.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// ---- handlers ----

static _Atomic int gone;
static void note_gone(void *user) { (void)user, gone++; }

static void echo(void *user, nf_call *c) {
  (void)user;
  const nf_view body = nf_call_body(c);
  nf_call_answer(c, 200, "text/plain", body.at != NULL ? body.at : "", body.n, 0);
}
static void rest(void *user, nf_call *c) {
  (void)user;
  nf_call_answer(c, 200, "text/plain", nf_call_rest(c), strlen(nf_call_rest(c)), 0);
}

static void *write_slowly(void *call) {
  nf_call *c = call;
  usleep(20000);
  nf_call_stream(c);
  for (int i = 0; i < 3; i++) {
    usleep(10000);
    nf_call_write(c, "data: x\n\n", 9);
  }
  nf_call_end(c, "", 0);
  return NULL;
}
static void *write_forever(void *call) {
  nf_call *c = call;
  nf_call_stream(c);
  while (!nf_call_is_gone(c)) {
    nf_call_write(c, "data: x\n\n", 9);
    usleep(1000);
  }
  nf_call_end(c, "", 0);
  return NULL;
}
static pthread_t worker;
static void stream(void *user, nf_call *c) {
  (void)user;
  assert_int_equal(pthread_create(&worker, NULL, write_slowly, c), 0);
}
static void endless(void *user, nf_call *c) {
  (void)user;
  nf_call_when_gone(c, note_gone, NULL);
  assert_int_equal(pthread_create(&worker, NULL, write_forever, c), 0);
}
static nf_call *_Atomic kept;
static void keep(void *user, nf_call *c) {
  (void)user;
  nf_call_when_gone(c, note_gone, NULL);
  kept = c;
}

static void keep_stream(void *user, nf_call *c) {
  nf_call_will_stream(c);
  keep(user, c);
}

static const nf_route routes[] = {{"POST", "/echo", false, echo},   {"GET", "/rest/*", true, rest},
                                  {"GET", "/stream", true, stream}, {"GET", "/endless", true, endless},
                                  {"GET", "/kept", true, keep},     {"GET", "/silent", true, keep_stream}};

// ---- a client ----

static nf_http *server;
static int start(void **state) {
  (void)state;
  const nf_http_options o = {.key = "secret",
                             .most_body = 1000,
                             .silence = 0.05,
                             .route = routes,
                             .n_routes = sizeof routes / sizeof *routes};
  nf_status st = nf_http_start(&o, &server);
  assert_string_equal(nf_status_message(st), "");
  gone = 0;
  return 0;
}
static int stop(void **state) {
  (void)state;
  nf_http_stop(server);
  return 0;
}

static int dial(void) { return http_dial(nf_http_port(server)); }
static void say(int s, const char *text) { http_say(s, text, strlen(text)); }
static char *ask(const char *text) { return http_ask(nf_http_port(server), text, strlen(text)); }

static void expect(int s, const char *until, const char *part) { // what comes has this part
  char *text = http_hear(s, until);
  assert_non_null(strstr(text, part));
  free(text);
}

#define CLOSE "Host: h\r\nConnection: close\r\n"
static void routes_keys_and_limits(void **state) {
  (void)state;
  char large[2000];
  snprintf(large, sizeof large,
           "POST /echo HTTP/1.1\r\n" CLOSE
           "Authorization: Bearer secret\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%01200d\r\n0\r\n\r\n",
           1200, 0);
  const struct {
    const char *text, *status, *also;
  } row[] = {
      {"POST /echo HTTP/1.1\r\n" CLOSE "Authorization: Bearer secret\r\nContent-Length: 2\r\n\r\nhi",
       "200 OK", "\r\n\r\nhi"},
      {"POST /echo HTTP/1.1\r\n" CLOSE "Authorization: Bearer secret\r\nTransfer-Encoding: chunked\r\n\r\n"
       "1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
       "200 OK", "hi"},
      {"POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nhi", "401 Unauthorized",
       "\"code\":\"invalid_api_key\""},
      {"POST /echo HTTP/1.1\r\n" CLOSE "Authorization: Bearer secrets\r\nContent-Length: 0\r\n\r\n",
       "401 Unauthorized", "Bearer"},
      {"POST /echo HTTP/1.1\r\n" CLOSE "Authorization: Bearer \r\nContent-Length: 0\r\n\r\n",
       "401 Unauthorized", "Bearer"},
      {"POST /echo HTTP/1.1\r\n" CLOSE "Authorization: Bearer secret\r\nContent-Length: 1001\r\n\r\n",
       "413 Content Too Large", "request_too_large"},
      {large, "413 Content Too Large", "request_too_large"},
      {"GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "405 Method Not Allowed", "method_not_allowed"},
      {"GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "405 Method Not Allowed", "\r\nAllow: POST\r\n"},
      {"PUT /rest/a HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n", "405 Method Not Allowed",
       "\r\nAllow: GET, HEAD\r\n"},
      {"OPTIONS * HTTP/1.1\r\n" CLOSE "\r\n", "404 Not Found", "\"error\""},
      {"GET /rest/a HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\na"},
      {"GET HTTP://h:80/rest/a HTTP/1.1\r\n" CLOSE "\r\n", "200 OK", "\r\n\r\na"},
      {"GET http://h HTTP/1.1\r\n" CLOSE "\r\n", "404 Not Found", "\"error\""},
      {"GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n", "404 Not Found", "\"error\""},
      {"GET /rest/a%2Fb?x=1 HTTP/1.1\r\n" CLOSE "\r\n", "200 OK", "\r\n\r\na/b"},
      {"GET /rest/ HTTP/1.1\r\n" CLOSE "X-Request-ID: mine-1\r\n\r\n", "200 OK", "x-request-id: mine-1\r\n"},
      {"HEAD /rest/abc HTTP/1.1\r\n" CLOSE "\r\n", "200 OK", "Content-Length: 3\r\n"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char *answer = ask(row[i].text), want[64];
    snprintf(want, sizeof want, "HTTP/1.1 %s\r\n", row[i].status);
    if (strncmp(answer, want, strlen(want)) != 0 || strstr(answer, row[i].also) == NULL) {
      print_error("%s\n-> %s\n", row[i].text, answer);
      fail();
    }
    assert_non_null(strstr(answer, "x-request-id: "));
    free(answer);
  }
  assert_int_equal(nf_http_calls(server), 0);
}

// What is only odd.
static void odd_requests_are_answered(void **state) {
  (void)state;
  static const char *const row[] = {
      "GET /rest/a HTTP/1.2\r\n" CLOSE "\r\n",
      "GET /re%73t/%61?x=%zz&=&y HTTP/1.1\r\n" CLOSE "\r\n",
      "GET /rest/a HTTP/1.1\nHost: h\nConnection: close\n\n",
      "GET /rest/a HTTP/1.1\r\n" CLOSE "X:\r\nY: \xff\xfe\r\n\r\n",
      "GET /rest/a HTTP/1.1\r\n" CLOSE
      "A: \r\nB:\t \r\nC: \t x \r\nD:x\t\r\nE: :\r\nCookie: a=b; c=d\r\n\r\n",
      "GET /rest/a HTTP/1.1\nHost:h\nConnection: \t close\nA: \nB:\n\n",
      "GET /rest/a HTTP/1.1\r\n" CLOSE "A: x\r\nA: y\r\nA:\r\n\r\n",
      "GET /rest/a HTTP/1.1\r\n" CLOSE "Range: bytes=0-0\r\nAccept: text/xml\r\nIf-None-Match: *\r\n\r\n",
      "GET /rest/a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
      "GET /rest/a HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello",
      "GET /rest/a HTTP/1.1\r\n" CLOSE "X-Request-Id: a b\r\n\r\n",
      "\r\nGET /rest/a HTTP/1.0\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char *answer = ask(row[i]);
    if (http_status(answer) != 200 || strcmp(http_body(answer), "a") != 0)
      fail_msg("%s\n-> %s", row[i], answer);
    free(answer);
  }
}

// Sent at once, and refused or not.
static void calls_are_answered_in_order(void **state) {
  (void)state;
  static const struct {
    const char *call, *status;
  } row[] = {
      {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "401"},
      {"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
      {"POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "404"},
      {"HEAD /rest/abc HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
      {"GET /rest/abc HTTP/1.1\r\n" CLOSE "\r\n", "200"}};
  char all[1000] = "", seen[100] = "", want[100] = "";
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) strcat(all, row[i].call), strcat(want, row[i].status);
  char *answer = ask(all);
  for (const char *at = answer; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) strncat(seen, at + 9, 3);
  assert_string_equal(seen, want);
  free(answer);
}

// Whatever may be taken for another request behind it is none, though the client would go on.
static void where_a_request_ends_must_be_sure(void **state) {
  (void)state;
  static const struct {
    const char *head, *says, *version; // NULL: 1.1
  } row[] = {
      {"", "the Host header is missing"},
      {"Host: a\r\nHost: b\r\n", "several Host headers"},
      {"Host : a\r\n", "white space"},
      {"Host: a\r\nContent-Length : 5\r\n", "white space"},
      {"Host: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n", "one of them twice"},
      {"Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n", "together"},
      {"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", "but for chunked"},
      {"Host: a\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n", "should be as it is"},
      {"Host: a\r\nTransfer-Encoding: identity\r\n", "but for chunked"},
      {"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "twice"},
      {"Host: a\r\nX: y\r\n z\r\n", "folded"},
      {"Host: a\r\nX: y\r\n\tz\r\n", "folded"},
      {"Host: a\r\nX: y\r\n \r\n", "folded"},
      {"Host: a\r\nX:\r\n z\r\n", "folded"},
      {"Host: a\r\n b\r\n", "folded"},
      {"Host: a\nContent-Length: 0\nX: y\n z\n", "folded"},
      {"Host: a\r\nTransfer-Encoding: chunked\r\n", "not of HTTP/1.0", "1.0"},
      {"Transfer-Encoding: chunked\r\n", "not of HTTP/1.0", "1.0"},
      {"Host: a\r\nTransfer-Encoding: gzip\r\n", "not of HTTP/1.0", "1.0"},
      {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "together", "1.0"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char text[300];
    snprintf(text, sizeof text, "POST /echo HTTP/%s\r\n%s\r\n%s",
             row[i].version != NULL ? row[i].version : "1.1", row[i].head,
             "0\r\n\r\nGET /rest/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    char *answer = ask(text);
    if (strncmp(answer, "HTTP/1.1 400 Bad Request\r\n", 26) != 0 || strstr(answer, row[i].says) == NULL ||
        strstr(answer, "\r\nContent-Type: application/json\r\n") == NULL ||
        strstr(answer, "\r\nConnection: close\r\n") == NULL || strstr(answer + 1, "HTTP/1.1 ") != NULL)
      fail_msg("%s\n-> %s", text, answer);
    free(answer);
  }
}

static void a_head_has_no_body(void **state) {
  (void)state;
  char *answer = ask("HEAD /rest/abc HTTP/1.1\r\n" CLOSE "\r\n");
  assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
  free(answer);
}

static void a_connection_serves_many_calls(void **state) {
  (void)state;
  const int s = dial();
  for (int i = 0; i < 10; i++) {
    say(s, i == 5 ? "GET /no HTTP/1.1\r\nHost: h\r\n\r\n" : "GET /rest/abc HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(s, i == 5 ? "}}" : "abc", i == 5 ? "404 Not Found" : "200 OK");
  }
  close(s);
}

static void a_stream_is_written_by_another_thread(void **state) {
  (void)state;
  char *answer = ask("GET /stream HTTP/1.1\r\n" CLOSE "\r\n");
  assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
  int events = 0;
  for (const char *at = answer; (at = strstr(at, "data: x\n\n")) != NULL; at++) events++;
  assert_int_equal(events, 3);
  free(answer);
  pthread_join(worker, NULL);
}

static void wait_for_gone(void) {
  for (int i = 0; i < 1000 && gone == 0; i++) usleep(10000);
  assert_int_equal(gone, 1);
}

static void a_client_that_goes_away_is_noticed(void **state) {
  (void)state;
  const int s = dial();
  say(s, "GET /endless HTTP/1.1\r\n" CLOSE "\r\n");
  expect(s, "data: x", "200 OK");
  close(s);
  wait_for_gone();
  pthread_join(worker, NULL);
}

static void wait_for_call(void) {
  for (int i = 0; i < 1000 && kept == NULL; i++) usleep(1000);
  assert_non_null(kept);
}

// For a whole answer and for a stream, on connections that stay open.
static const char *const waiting[] = {"GET /kept HTTP/1.1\r\nHost: h\r\n\r\n",
                                      "GET /silent HTTP/1.1\r\nHost: h\r\n\r\n"};

// A connection whose call the server has, in `kept`.
static int begin_call(const char *request) {
  gone = 0;
  kept = NULL;
  const int s = dial();
  say(s, request);
  wait_for_call();
  return s;
}

// By one thread, which wakes the server's for the first of them.
static void many_streams_are_written_at_once(void **state) {
  (void)state;
  enum { STREAMS = 50 };
  nf_call *call[STREAMS];
  int s[STREAMS];
  for (int i = 0; i < STREAMS; i++) {
    s[i] = begin_call("GET /silent HTTP/1.1\r\n" CLOSE "\r\n");
    call[i] = kept;
  }
  for (int i = 0; i < STREAMS; i++) nf_call_stream(call[i]);
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < STREAMS; i++) nf_call_write(call[i], "data: x\n\n", 9);
  for (int i = 0; i < STREAMS; i++) nf_call_end(call[i], "data: end\n\n", 11);
  for (int i = 0; i < STREAMS; i++) {
    expect(s[i], NULL, "data: end");
    close(s[i]);
  }
  assert_int_equal(nf_http_calls(server), 0);
}

// Behind what was just sent there is a rest; what comes within it needs nobody else to be sent.
static void what_comes_in_a_rest_is_sent_behind_it(void **state) {
  (void)state;
  const int s = begin_call("GET /silent HTTP/1.1\r\n" CLOSE "\r\n");
  nf_call_stream(kept);
  for (int i = 0; i < 200; i++) {
    char event[32];
    snprintf(event, sizeof event, "data: %d\n\n", i);
    nf_call_write(kept, event, strlen(event));
    expect(s, event, event);
  }
  nf_call_end(kept, "data: end\n\n", 11);
  expect(s, NULL, "data: end");
  close(s);
}

static void the_first_word_does_not_rest(void **state) {
  (void)state;
  nf_http_options o = server->options;
  o.silence = 1000;
  nf_http_stop(server);
  assert_true(nf_is_ok(nf_http_start(&o, &server)));
  const int s = begin_call("GET /silent HTTP/1.1\r\n" CLOSE "\r\n");
  nf_call_stream(kept);
  expect(s, "\r\n\r\n", "200 OK");
  usleep(10000); // until the thread waits, which else ends the rest
  server->rests_until = nf_now() + 1000;
  nf_call_write(kept, "data: first\n\n", 13);
  expect(s, "first\n\n", "data: first");
  nf_call_write(kept, "data: second\n\n", 14);
  nf_call_end(kept, "data: end\n\n", 11);
  expect(s, NULL, "data: second");
  close(s);
}

// Nothing is written to it meanwhile, so that only its hanging up can tell.
static void a_client_that_goes_away_while_it_waits_is_noticed(void **state) {
  (void)state;
  for (int half = 0; half < 2; half++)
    for (int i = 0; i < 2; i++) {
      const int s = begin_call(waiting[i]);
      assert_int_equal(gone, 0);
      assert_int_equal(half ? shutdown(s, SHUT_WR) : close(s), 0);
      wait_for_gone();
      assert_true(nf_call_is_gone(kept));
      nf_call_answer(kept, 200, "text/plain", "late", 4, 0);
      if (half) close(s);
    }
  for (int i = 0; i < 1000 && nf_http_calls(server) != 0; i++) usleep(1000);
  assert_int_equal(nf_http_calls(server), 0);
}

// A stream that has nothing to say yet begins by itself, and each comment has a blank line of its own.
static void silences_are_broken_by_comments(void **state) {
  (void)state;
  const int s = dial();
  kept = NULL;
  say(s, "GET /silent HTTP/1.1\r\n" CLOSE "\r\n");
  wait_for_call();
  char *text = http_hear(s, "to come\n\n");
  assert_non_null(strstr(text, "200 OK"));
  assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
  assert_non_null(strstr(text, "\r\n: the answer"));
  free(text);
  expect(s, "to come\n\n", "\n: the answer"); // and another one
  assert_true(nf_call_is_stream(kept));
  nf_call_stream(kept);
  nf_call_end(kept, "data: x\n\n", 9);
  expect(s, NULL, "data: x\n\n");
  close(s);
}

// Whoever has asked whether it is a stream, and it was none, may answer.
static void what_is_no_stream_may_be_answered(void **state) {
  (void)state;
  const int s = dial();
  kept = NULL;
  say(s, "GET /silent HTTP/1.1\r\n" CLOSE "\r\n");
  wait_for_call();
  assert_false(nf_call_is_stream(kept));
  usleep(150000);
  nf_call_answer(kept, 404, "text/plain", "none", 4, 0);
  expect(s, NULL, "404 Not Found");
  close(s);
}

static void a_body_may_be_expected(void **state) {
  (void)state;
  const int s = dial();
  say(s, "POST /echo HTTP/1.1\r\n" CLOSE
         "Authorization: Bearer secret\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  expect(s, "\r\n\r\n", "HTTP/1.1 100 Continue\r\n");
  say(s, "hi");
  expect(s, NULL, "\r\n\r\nhi");
  close(s);
}

// What browsers of other sites would need is not given.
static void other_sites_get_nothing(void **state) {
  (void)state;
  char *answer =
      ask("OPTIONS /echo HTTP/1.1\r\n" CLOSE "Origin: http://evil\r\n"
          "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n");
  assert_int_equal(http_status(answer), 405);
  assert_null(strstr(answer, "Access-Control"));
  free(answer);
  answer = ask("GET /rest/x HTTP/1.1\r\n" CLOSE "Origin: http://evil\r\n\r\n");
  assert_null(strstr(answer, "Access-Control"));
  free(answer);
}

static void a_quiet_server_refuses_who_dials(void **state) {
  (void)state;
  const int s = dial();
  nf_http_quiet(server);
  bool listens = true;
  for (int i = 0; i < 1000 && listens; i++) {
    listens = http_listens(nf_http_port(server));
    usleep(1000);
  }
  assert_false(listens);
  say(s, "GET /rest/abc HTTP/1.1\r\n" CLOSE "\r\n"); // who was there goes on
  expect(s, NULL, "abc");
  close(s);
}

// What the shell has set as a limit, 1024 mostly, is below that of connections.
static void more_connections_than_were_allowed(void **state) {
  enum { CONNECTIONS = 200 };
  struct rlimit before, few;
  int s[CONNECTIONS];
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  nf_http_stop(server);
  few = (struct rlimit){CONNECTIONS, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  assert_int_equal(start(state), 0);
  for (int i = 0; i < CONNECTIONS; i++) {
    s[i] = dial();
    say(s[i], "GET /rest/abc HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(s[i], "abc", "200 OK");
  }
  for (int i = 0; i < CONNECTIONS; i++) close(s[i]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void stopping_leaves_nobody_waiting(void **state) {
  for (int stream = 0; stream < 2; stream++) {
    const int s = begin_call(waiting[stream]);
    if (stream) nf_call_stream(kept);
    usleep(20000);
    nf_http_stop(server);
    server = NULL;
    assert_int_equal(gone, 1);
    if (stream)
      nf_call_write(kept, "late", 4), nf_call_end(kept, "", 0);
    else
      nf_call_answer(kept, 200, "text/plain", "late", 4, 0);
    close(s);
    assert_int_equal(start(state), 0);
  }
}

static void what_cannot_be_had_is_said(void **state) {
  (void)state;
  nf_http *other;
  const nf_http_options taken = {.port = nf_http_port(server)}, nowhere = {.host = "example.org"};
  nf_status st = nf_http_start(&nowhere, &other);
  assert_int_equal(nf_status_code(st), NF_USAGE);
  nf_status_free(st);
  st = nf_http_start(&taken, &other);
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  nf_status_free(st);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(routes_keys_and_limits),
      TEST(odd_requests_are_answered),
      TEST(calls_are_answered_in_order),
      TEST(where_a_request_ends_must_be_sure),
      TEST(a_head_has_no_body),
      TEST(a_connection_serves_many_calls),
      TEST(a_stream_is_written_by_another_thread),
      TEST(many_streams_are_written_at_once),
      TEST(what_comes_in_a_rest_is_sent_behind_it),
      TEST(a_client_that_goes_away_is_noticed),
      TEST(the_first_word_does_not_rest),
      TEST(a_client_that_goes_away_while_it_waits_is_noticed),
      TEST(silences_are_broken_by_comments),
      TEST(what_is_no_stream_may_be_answered),
      TEST(a_body_may_be_expected),
      TEST(other_sites_get_nothing),
      TEST(a_quiet_server_refuses_who_dials),
      TEST(more_connections_than_were_allowed),
      TEST(stopping_leaves_nobody_waiting),
      TEST(what_cannot_be_had_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

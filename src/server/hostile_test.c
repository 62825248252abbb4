// SPDX-License-Identifier: Apache-2.0
// Several hundred hostile requests, beside a stream that none of them may disturb.
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

static int hostile; // so many so far

static int answer_to(const char *text, size_t n) {
  char *answer = http_ask(served.port, text, n);
  const int status = http_status(answer);
  free(answer);
  hostile++;
  return status;
}

// Refused; what is no HTTP may have no answer. Afterwards the server is well.
static void throw_at(const char *text, size_t n, bool transport) {
  const int status = answer_to(text, n);
  if (!(status >= 400 && status < 500) && !(transport && (status == 0 || status == 505)))
    fail_msg("%.*s\n-> %d", (int)(n < 300 ? n : 300), text, status);
}

// The path would be answered, so that nothing but its headers refuses the request.
static void wrong_headers(void) {
  static const char *const row[] = {
      "",
      "Host: a\r\nHost: b\r\n",
      "Host : a\r\n",
      "Host: h\r\n folded: x\r\n",
      "Host: h\r\nX: y\r\n z\r\n",
      "Host: h\r\nX: y\r\n\t \r\n",
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char text[200];
    const int n = snprintf(text, sizeof text, "GET /health HTTP/1.1\r\n%sConnection: close\r\n\r\n", row[i]),
              status = answer_to(text, (size_t)n);
    if (status != 400) fail_msg("%s\n-> %d", text, status);
  }
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
      "GET http://[/none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
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
      "\r\n\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /none HTTP/2.0\r\nHost: h\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET /none HTTP/0.9\r\n\r\n",
      "GET /health http/1.1\r\nHost: h\r\n\r\n",
      "GET /he alth HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "get /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET //health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /health/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /health#x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /health%0d%0aX:y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /v1/models/%ff%fe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /v1/models/a%2500 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /v1/models/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "TRACE /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "CONNECT h:80 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "HEAD /v1/responses HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "G@T /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\nnocolon\r\n\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: +5\r\n\r\n12345",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5, 5\r\n\r\n12345",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: \r\n\r\n",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\n{}\r\n0\r\nbad\r\n\r\n",
      "POST " CHAT " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
      "POST " CHAT
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\nExpect: magic\r\n\r\n{}",
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
          snprintf(body, sizeof body, "{%s%s\"%s\":%s}", strcmp(field[f], "messages") != 0 ? SUM : "",
                   strcmp(field[f], "messages") != 0 ? "," : "", field[f], value[v]);
      // Keys that stand there twice are wrong too: "temperature" is in SUM.
      const bool harmless = strcmp(field[f], "stream_options") == 0 ||
                            strcmp(field[f], "chat_template_kwargs") == 0 ||
                            strcmp(field[f], "structured_outputs") == 0;
      if (!(harmless && value[v][0] == '{')) throw_body(CHAT, body, (size_t)n);
    }
}

static void broken_bodies(void) {
  static const char whole[] = "{" SUM ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}";
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
      "{\"a\\u0000b\":1," SUM "}"};
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
    json_decref(serving_post(&served, TEXT, body, 400));
  }
  static const char *const ids[] = {"[-1]", "[1.5]", "[\"a\",1]", "[4294967296]", "[999999]",
                                    "{}",   "[]",    "[[]]",      "[[[1]]]"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    char body[64];
    throw_body(TEXT, body, (size_t)snprintf(body, sizeof body, "{\"prompt\":%s}", ids[i]));
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
  static const char body[] = "{" SUM ",\"ignore_eos\":true,\"max_tokens\":300,\"stream\":true}";
  const int s = serving_send(&served, "POST " CHAT, "Connection: close\r\n", body);
  wrong_transport();
  wrong_headers();
  wrong_values();
  broken_bodies();
  broken_off();
  assert_true(hostile >= 330);
  char *stream = http_hear(s, NULL);
  close(s);
  assert_int_equal(serving_count(stream, "\"finish_reason\":\"length\""), 1);
  free(stream);
  serving_get(&served, "/health", 200, "{}");
  assert_true(serving_is_idle(&served));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_harmed_by_hostile_requests),
  };
  return cmocka_run_group_tests(tests, serving_set_up, serving_tear_down);
}

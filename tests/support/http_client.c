// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_client.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static int open_socket(uint16_t port, int *error) {
  const struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timeval limit = {.tv_sec = 30};
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(s >= 0);
  assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  *error = connect(s, (const struct sockaddr *)&at, sizeof at);
  return s;
}

int http_dial(uint16_t port) {
  int error;
  const int s = open_socket(port, &error);
  assert_int_equal(error, 0);
  return s;
}

bool http_listens(uint16_t port) {
  int error;
  close(open_socket(port, &error));
  return error == 0;
}

void http_say(int s, const char *text, size_t n) {
  for (ssize_t sent; n != 0 && (sent = send(s, text, n, MSG_NOSIGNAL)) > 0; n -= (size_t)sent) text += sent;
}

char *http_hear(int s, const char *until) {
  size_t n = 0, room = 1 << 16;
  char *text = malloc(room);
  assert_non_null(text);
  text[0] = 0;
  for (ssize_t got; until == NULL || strstr(text, until) == NULL;) {
    if (n + 1 == room) assert_non_null(text = realloc(text, room *= 2));
    if ((got = recv(s, text + n, room - 1 - n, 0)) <= 0) break;
    text[n += (size_t)got] = 0;
  }
  return text;
}

void http_request(int s, const char *line, const char *headers, const char *body) {
  nf_text text = {0};
  nf_text_printf(&text, "%s HTTP/1.1\r\nHost: h\r\n%s", line, headers);
  if (body != NULL)
    nf_text_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
  nf_text_printf(&text, "\r\n%s", body != NULL ? body : "");
  assert_false(text.failed);
  http_say(s, text.at, text.n);
  nf_text_deinit(&text);
}

static char *hear_all(int s) {
  char *answer = http_hear(s, NULL);
  close(s);
  return answer;
}

char *http_ask(uint16_t port, const char *text, size_t n) {
  const int s = http_dial(port);
  http_say(s, text, n);
  return hear_all(s);
}

char *http_call(uint16_t port, const char *line, const char *headers, const char *body) {
  char all[600];
  const int s = http_dial(port), n = snprintf(all, sizeof all, "Connection: close\r\n%s", headers);
  assert_true((size_t)n < sizeof all);
  http_request(s, line, all, body);
  return hear_all(s);
}

int http_status(const char *answer) {
  int status = 0;
  return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

const char *http_body(const char *answer) {
  const char *end = strstr(answer, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

const char *http_header(const char *answer, const char *name, char *out, size_t n) {
  char key[64];
  snprintf(key, sizeof key, "\r\n%s: ", name);
  const char *end = strstr(answer, "\r\n\r\n"), *at = strcasestr(answer, key);
  out[0] = 0;
  if (at == NULL || at > end) return out;
  at += strlen(key);
  snprintf(out, n, "%.*s", (int)strcspn(at, "\r"), at);
  return out;
}

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_client.h"
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

char *http_ask(uint16_t port, const char *text, size_t n) {
  const int s = http_dial(port);
  http_say(s, text, n);
  char *answer = http_hear(s, NULL);
  close(s);
  return answer;
}

char *http_call(uint16_t port, const char *method, const char *path, const char *body, size_t n) {
  char head[512];
  const int s = http_dial(port);
  const int length =
      snprintf(head, sizeof head,
               "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               method, path, n);
  assert_true(length > 0 && (size_t)length < sizeof head);
  http_say(s, head, (size_t)length);
  http_say(s, body, n);
  char *answer = http_hear(s, NULL);
  close(s);
  return answer;
}

int http_status(const char *answer) {
  int status = 0;
  return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

const char *http_body(const char *answer) {
  const char *end = strstr(answer, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

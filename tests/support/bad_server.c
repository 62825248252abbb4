// SPDX-License-Identifier: Apache-2.0
#include "tests/support/bad_server.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

struct bad_server {
  const bad_answer *answer;
  size_t n;
  int listening;
  uint16_t port;
  pthread_t thread;
};

// The headers and all of the body, so that closing is no reset.
static size_t hear(int s, char *text, size_t room) {
  size_t n = 0;
  for (ssize_t got; n + 1 < room && (got = recv(s, text + n, room - 1 - n, 0)) > 0;) {
    text[n += (size_t)got] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
    if (end == NULL) continue;
    const size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    if (n >= (size_t)(end + 4 - text) + body) break;
  }
  return n;
}

static const char *answer_to(const bad_server *s, const char *request) {
  const char *path = strchr(request, ' ');
  for (size_t i = 0; path != NULL && i < s->n; i++) {
    const size_t n = strlen(s->answer[i].path);
    if (strncmp(path + 1, s->answer[i].path, n) == 0 && path[1 + n] == ' ') return s->answer[i].text;
  }
  return "";
}

static void *serve(void *user) {
  const bad_server *s = user;
  static char request[1 << 16];
  for (int c; (c = accept(s->listening, NULL, NULL)) >= 0; close(c)) {
    if (hear(c, request, sizeof request) == 0) continue;
    const char *text = answer_to(s, request);
    for (ssize_t sent; *text != '\0' && (sent = send(c, text, strlen(text), MSG_NOSIGNAL)) > 0;) text += sent;
  }
  return NULL;
}

bad_server *bad_server_start(const bad_answer *answer, size_t n) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  bad_server *s = calloc(1, sizeof *s);
  assert_non_null(s);
  *s = (bad_server){.answer = answer, .n = n, .listening = socket(AF_INET, SOCK_STREAM, 0)};
  assert_true(s->listening >= 0);
  assert_int_equal(bind(s->listening, (struct sockaddr *)&at, size), 0);
  assert_int_equal(listen(s->listening, 64), 0);
  assert_int_equal(getsockname(s->listening, (struct sockaddr *)&at, &size), 0);
  s->port = ntohs(at.sin_port);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
  return s;
}

uint16_t bad_server_port(const bad_server *s) { return s->port; }

void bad_server_stop(bad_server *s) {
  shutdown(s->listening, SHUT_RDWR); // accept comes back
  pthread_join(s->thread, NULL);
  close(s->listening);
  free(s);
}

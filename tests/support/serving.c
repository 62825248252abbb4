// SPDX-License-Identifier: Apache-2.0
#include "tests/support/serving.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void well(infuse_error *e) { assert_string_equal(e != NULL ? infuse_error_message(e) : "", ""); }

void serving_start(serving *s, const char *dir, const infuse_model_options *mo, const nf_server_options *so) {
  const infuse_runtime_options ro = {.size = sizeof ro, .figures = "stated", .threads = 2};
  nf_server_options o = *so;
  well(infuse_runtime_create(&ro, &s->rt));
  well(infuse_model_load(s->rt, dir, mo, &s->model));
  o.rt = s->rt, o.model = s->model, o.dir = dir;
  nf_status st = nf_server_start(&o, &s->server);
  assert_string_equal(nf_status_message(st), "");
  s->port = nf_server_port(s->server);
}

void serving_stop(serving *s, double seconds) {
  nf_server_stop(s->server, seconds);
  infuse_model_destroy(s->model);
  infuse_runtime_destroy(s->rt);
  *s = (serving){0};
}

serving served;

int serving_set_up(void **state) {
  (void)state;
  const infuse_model_options mo = {
      .size = sizeof mo, .sessions = 4, .context = 1024, .batch = 64, .snapshots = 4};
  const nf_server_options so = {.queue = 64};
  serving_start(&served, SMALL, &mo, &so);
  return 0;
}

int serving_tear_down(void **state) {
  (void)state;
  serving_stop(&served, 10);
  return 0;
}

int serving_send(const serving *s, const char *line, const char *headers, const char *body) {
  const int c = http_dial(s->port);
  http_request(c, line, headers, body);
  return c;
}

// The whole answer to what is posted.
static char *post(const serving *s, const char *path, const char *body) {
  char line[100];
  snprintf(line, sizeof line, "POST %s", path);
  return http_call(s->port, line, "", body);
}

json_t *serving_post(const serving *s, const char *path, const char *body, int status) {
  char *answer = post(s, path, body);
  if (http_status(answer) != status) print_error("%s\n%s\n", body, answer);
  assert_int_equal(http_status(answer), status);
  json_t *value = json_loads(http_body(answer), 0, NULL);
  assert_non_null(value);
  free(answer);
  return value;
}

void serving_get(const serving *s, const char *path, int status, const char *part) {
  char line[100];
  snprintf(line, sizeof line, "GET %s", path);
  char *answer = http_call(s->port, line, "", NULL);
  if (http_status(answer) != status || strstr(answer, part) == NULL) print_error("%s\n%s\n", path, answer);
  assert_int_equal(http_status(answer), status);
  assert_non_null(strstr(answer, part));
  free(answer);
}

const json_t *serving_at(const json_t *root, const char *path) {
  while (root != NULL && *path != 0) {
    const size_t n = strcspn(path, ".");
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)n, path);
    root = json_is_array(root) ? json_array_get(root, strtoul(key, NULL, 10)) : json_object_get(root, key);
    path += n + (path[n] == '.');
  }
  return root;
}

const char *serving_string(const json_t *root, const char *path) {
  return json_string_value(serving_at(root, path));
}

// Chunks of the transfer coding are taken out: their sizes stand on lines of their own.
char *serving_events(const char *answer) {
  assert_int_equal(http_status(answer), 200);
  assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
  char *out = calloc(1, strlen(answer) + 1), *to = out;
  assert_non_null(out);
  for (const char *at = http_body(answer); *at != 0;) {
    char *end;
    const unsigned long n = strtoul(at, &end, 16);
    assert_int_equal(strncmp(end, "\r\n", 2), 0);
    memcpy(to, end + 2, n);
    to += n;
    at = end + 2 + n + 2;
    if (n == 0) return out; // what ends the stream
  }
  print_error("no end: %s\n", answer);
  fail();
  return out;
}

char *serving_stream(const serving *s, const char *path, const char *body) {
  char *answer = post(s, path, body);
  char *events = serving_events(answer);
  free(answer);
  return events;
}

json_t *serving_chunks(const char *events) {
  json_t *all = json_array();
  for (const char *at = events; (at = strstr(at, "data: {")) != NULL;) {
    const char *end = strstr(at, "\n\n");
    assert_non_null(end);
    json_t *chunk = json_loadb(at + 6, (size_t)(end - at - 6), 0, NULL);
    assert_non_null(chunk);
    assert_int_equal(json_array_append_new(all, chunk), 0);
    at = end;
  }
  return all;
}

char *serving_joined(const char *events, const char *path) {
  char *all = calloc(1, strlen(events) + 1);
  json_t *chunks = serving_chunks(events);
  assert_non_null(all);
  for (size_t i = 0; i < json_array_size(chunks); i++) {
    const char *text = serving_string(json_array_get(chunks, i), path);
    if (text != NULL) strcat(all, text);
  }
  json_decref(chunks);
  return all;
}

// Of the first line of /metrics that has `mark` in or before its labels.
static double number_of(const serving *s, const char *mark) {
  char *answer = http_call(s->port, "GET /metrics", "", NULL);
  const char *at = strstr(answer, mark), *value = at != NULL ? strstr(at, "} ") : NULL;
  if (value == NULL) fail_msg("no '%s' in:\n%s", mark, answer);
  const double number = atof(value + 2);
  free(answer);
  return number;
}

double serving_metric(const serving *s, const char *name) {
  char mark[128];
  snprintf(mark, sizeof mark, "\n%s{", name);
  return number_of(s, mark);
}

double serving_ended(const serving *s, const char *reason) {
  char mark[128];
  snprintf(mark, sizeof mark, "finished_reason=\"%s\"", reason);
  return number_of(s, mark);
}

bool serving_comes_to(const serving *s, const char *name, double value) {
  for (int i = 0; i < 2000; i++) {
    if (serving_metric(s, name) == value) return true;
    usleep(5000);
  }
  return false;
}

bool serving_is_idle(const serving *s) {
  for (int i = 0; i < 1000; i++) {
    if (serving_metric(s, "vllm:num_requests_running") + serving_metric(s, "vllm:num_requests_waiting") == 0)
      return true;
    usleep(10000);
  }
  return false;
}

int serving_count(const char *text, const char *part) {
  int n = 0;
  for (; (text = strstr(text, part)) != NULL; text++) n++;
  return n;
}

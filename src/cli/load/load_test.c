// SPDX-License-Identifier: Apache-2.0
// The load generator: events out of bytes, answers judged, requests spread over time, and a point against a
// server that answers wrongly in every way that clients meet.
#include "base/clock.h"
#include "cli/load/arrivals.h"
#include "cli/load/document.h"
#include "cli/load/plot.h"
#include "cli/load/reply.h"
#include "tests/support/bad_server.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// ---- events ----

static void write_event(void *user, const load_event *e) {
  nf_text_printf(user, "%.*s|%.*s;", (int)e->name.n, e->name.n != 0 ? e->name.at : "", (int)e->data.n,
                 e->data.n != 0 ? e->data.at : "");
}

static void assert_events(const char *stream, const char *wanted) {
  for (size_t piece = 1; piece <= strlen(stream); piece++) {
    nf_text got = {0};
    load_sse s = {0};
    for (size_t i = 0, n = strlen(stream); i < n; i += piece)
      assert_true(nf_is_ok(load_sse_feed(&s, stream + i, n - i < piece ? n - i : piece, write_event, &got)));
    assert_string_equal(got.n != 0 ? got.at : "", wanted);
    load_sse_deinit(&s);
    nf_text_deinit(&got);
  }
}

static void test_events(void **state) {
  (void)state;
  assert_events("data: a\n\ndata:b\r\n\r\ndata:  c\r\r", "|a;|b;| c;");
  assert_events("\xEF\xBB\xBF"
                "data: a\n\n",
                "|a;");
  assert_events(": a comment\n\nevent: error\ndata: x\n\ndata: y\n\n", "error|x;|y;");
  assert_events("data: a\ndata: b\nid: 7\nretry: 1\nother\n\n", "|a\nb;");
  assert_events("event: lonely\n\ndata\n\ndata: never ended\n", "|;");
}

static void ignore_event(void *user, const load_event *e) {
  (void)user;
  (void)e;
}

static void test_giant_event(void **state) {
  (void)state;
  enum { PIECE = 1 << 20 };
  char *piece = calloc(1, PIECE);
  load_sse s = {0};
  nf_status st = nf_ok();
  assert_non_null(piece);
  memset(piece, 'a', PIECE);
  for (int i = 0; i < 17 && nf_is_ok(st); i++) st = load_sse_feed(&s, piece, PIECE, ignore_event, NULL);
  assert_string_equal(nf_status_message(st), "an event of the stream is larger than 16 MiB");
  nf_status_free(st);
  load_sse_deinit(&s);
  free(piece);
}

// ---- arrivals ----

static void deviation_of_gaps(double burstiness, double *out) {
  enum { N = 20000 };
  static double at[N];
  uint64_t random = 1;
  double squares = 0;
  load_arrivals(&random, 4, burstiness, at, N);
  assert_true(fabs(at[N - 1] - N / 4.0) < 1e-6);
  for (int i = 1; i < N; i++) {
    assert_true(at[i] >= at[i - 1]);
    squares += pow(at[i] - at[i - 1] - 0.25, 2);
  }
  *out = sqrt(squares / N) / 0.25;
}

// The gaps of a gamma distribution of shape b deviate by 1 / sqrt(b) of their mean.
static void test_arrivals(void **state) {
  (void)state;
  static const double shapes[] = {0.25, 1, 4, 100};
  double at[3], got;
  uint64_t random = 1;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    deviation_of_gaps(shapes[i], &got);
    assert_true(fabs(got * sqrt(shapes[i]) - 1) < 0.05);
  }
  load_arrivals(&random, (double)INFINITY, 1, at, 3);
  for (int i = 0; i < 3; i++) assert_true(at[i] == 0);
}

// ---- answers ----

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define JSON(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define TEXT "data: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\n"
#define LAST "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

typedef struct wrong {
  const char *path, *text, *failure; // failure "": it is none
  int64_t out;                       // tokens
} wrong;
static const wrong rows[] = {
    {"/well",
     STREAM TEXT TEXT LAST
     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n" DONE,
     "", 5},
    {"/uncounted", STREAM TEXT TEXT LAST DONE, "", 2},
    {"/chat",
     STREAM "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
            "data: {\"choices\":[{\"delta\":{\"reasoning\":\"x\"}}]}\n\n"
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n" DONE,
     "", 2},
    {"/comments", STREAM ": wait\r\n\r\n: wait\r\n\r\ndata:{\"choices\":[{\"text\":\"a\"}]}\r\n\r\n" DONE, "",
     1},
    {"/finished", STREAM TEXT LAST, "", 1}, // to its end, although not told so
    {"/empty", STREAM LAST DONE, "", 0},
    {"/error",
     STREAM TEXT "event: error\ndata: {\"error\":{\"message\":\"no pages\",\"code\":500}}\n\n" TEXT DONE,
     "an error in mid-stream: no pages", 1},
    {"/unnamed", STREAM TEXT "data: {\"error\":{\"message\":\"no pages\"}}\n\n" DONE,
     "an error in mid-stream: no pages", 1},
    {"/flat", STREAM TEXT "event: error\ndata: {\"message\":\"no pages\",\"code\":500}\n\n" DONE,
     "an error in mid-stream: no pages", 1},
    {"/object", STREAM TEXT "data: {\"object\":\"error\",\"message\":\"no pages\",\"choices\":[]}\n\n" DONE,
     "an error in mid-stream: no pages", 1},
    {"/word", STREAM "event: error\ndata: no pages\n\n", "an error in mid-stream: no pages", 0},
    {"/unknown", STREAM TEXT "data: {\"detail\":\"gone\"}\n\n" DONE, "an error in mid-stream: gone", 1},
    {"/no-json", STREAM TEXT "data: {\"choices\":\n\n" DONE, "an event: line 1, column", 1},
    {"/ends", STREAM TEXT TEXT, "the stream ended without [DONE] or a finish_reason", 2},
    {"/cut", CHUNKED "5f\r\n" TEXT, "the answer was cut: ", 1},
    {"/half", STREAM TEXT "data: {\"choices\":[{\"te", "the stream ended without [DONE] or a finish_reason",
     1},
    {"/not-a-stream", JSON("200 OK") "{\"choices\":[{\"text\":\"abc\",\"finish_reason\":\"stop\"}]}",
     "the stream ended without [DONE] or a finish_reason", 0},
    {"/busy", JSON("429 Too Many Requests") "{\"error\":{\"message\":\"too many\",\"code\":429}}",
     "status 429: too many", 0},
    {"/flat-refusal", JSON("400 Bad Request") "{\"object\":\"error\",\"message\":\"no\"}", "status 400: no",
     0},
    {"/fastapi", JSON("404 Not Found") "{\"detail\":\"Not Found\"}", "status 404: Not Found", 0},
    {"/page", JSON("502 Bad Gateway") "<html>\n", "status 502: <html>", 0},
    {"/silent-refusal", JSON("503 Service Unavailable"), "status 503", 0},
    {"/hangs-up", "", "", 0}, // libcurl's words
    {"/no-http", "hello\r\n", "", 0},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static load_record fly_one(load_client *client, const char *path) {
  uint64_t random = 1;
  load_prompts *prompts = NULL;
  json_t *fields = json_object();
  char file[] = "/tmp/infuse-load-XXXXXX";
  FILE *f = fdopen(mkstemp(file), "w");
  const load_prompts_options po = {.client = client,
                                   .dataset = LOAD_CUSTOM,
                                   .path = file,
                                   .model = "m",
                                   .fields = fields,
                                   .random = &random};
  const double good[3] = {(double)INFINITY, (double)INFINITY, (double)INFINITY};
  const load_point_options o = {.client = client,
                                .path = path,
                                .n = 1,
                                .rate = (double)INFINITY,
                                .burstiness = 1,
                                .good = good,
                                .random = &random};
  load_point p;
  assert_non_null(f);
  fputs("{\"prompt\": \"x\"}\n\n", f);
  fclose(f);
  assert_true(nf_is_ok(load_prompts_create(&po, &prompts)));
  assert_true(nf_is_ok(load_point_run(&o, prompts, &p)));
  remove(file);
  load_record r = p.at[0];
  p.at[0] = (load_record){0};
  load_point_deinit(&p);
  load_prompts_destroy(prompts);
  json_decref(fields);
  return r;
}

static void check_row(load_client *client, const wrong *w) {
  load_record r = fly_one(client, w->path);
  const char *got = nf_status_message(r.failure);
  const bool fails =
      w->failure[0] != '\0' || strcmp(w->path, "/hangs-up") == 0 || strcmp(w->path, "/no-http") == 0;
  if (fails == nf_is_ok(r.failure) || strncmp(got, w->failure, strlen(w->failure)) != 0 || r.out != w->out)
    fail_msg("%s: '%s', %ld tokens", w->path, got, (long)r.out);
  assert_true(r.last >= r.first && r.first >= r.start);
  cli_series_deinit(&r.gaps);
  nf_status_free(r.failure);
}

static void test_wrong_answers(void **state) {
  (void)state;
  bad_answer answers[N_ROWS];
  char base[64];
  load_client *client;
  for (int i = 0; i < N_ROWS; i++) answers[i] = (bad_answer){rows[i].path, rows[i].text};
  bad_server *s = bad_server_start(answers, N_ROWS);
  snprintf(base, sizeof base, "http://127.0.0.1:%u", bad_server_port(s));
  const load_client_options co = {.base = base};
  assert_true(nf_is_ok(load_client_create(&co, &client)));
  for (int i = 0; i < N_ROWS; i++) check_row(client, &rows[i]);
  load_client_destroy(client);
  bad_server_stop(s);
}

// ---- figures ----

static load_record record(double start, double first, double last, int64_t out) {
  load_record r = {.in = 10, .out = out, .start = start, .first = first, .last = last};
  for (int64_t i = 1; i < out; i++) cli_series_add(&r.gaps, (last - first) / (double)(out - 1));
  return r;
}

static double number(const json_t *doc, const char *key) {
  const json_t *v = json_object_get(doc, key);
  if (!json_is_number(v)) fail_msg("no number under %s", key);
  return json_number_value(v);
}

static void near(double got, double wanted) {
  if (fabs(got - wanted) > 1e-9 * fmax(1, fabs(wanted))) fail_msg("%.12g, not %.12g", got, wanted);
}

static const double percents[] = {99, 99.9};
static const double limits[3] = {0.15, 0.05, 2};

static json_t *small_document(void) {
  load_record at[] = {record(0, 0.1, 0.4, 4), record(1, 1.2, 2.2, 11), record(0, 0.5, 0.5, 1), {.in = 0}};
  at[3].failure = nf_error(NF_UNAVAILABLE, "status 429: no");
  load_point p = {.at = at, .n = 4, .duration = 2.5, .most = 3};
  const load_point_options po = {.rate = (double)INFINITY, .burstiness = 1, .good = limits};
  const load_document_options o = {.backend = "openai",
                                   .endpoint = "/v1/completions",
                                   .model = "m",
                                   .percents = percents,
                                   .n_percents = 2,
                                   .goodput = true,
                                   .detailed = true};
  nf_text failures = {0};
  json_t *doc = load_document(&p, &po, &o);
  load_failures(&p, 5, &failures);
  assert_string_equal(failures.at, "  1 x status 429: no\n");
  nf_text_deinit(&failures);
  for (int i = 0; i < 4; i++) cli_series_deinit(&at[i].gaps);
  nf_status_free(at[3].failure);
  return doc;
}

static void test_document(void **state) {
  (void)state;
  json_t *doc = small_document();
  assert_non_null(doc);
  near(number(doc, "completed"), 3);
  near(number(doc, "failed"), 1);
  near(number(doc, "total_output_tokens"), 16);
  near(number(doc, "output_throughput"), 16 / 2.5);
  near(number(doc, "request_goodput"), 0 / 2.5);   // the first is too slow a token, the others too late
  near(number(doc, "max_output_tokens_per_s"), 8); // of the second that begins at 1
  near(number(doc, "mean_ttft_ms"), 1e3 * (0.1 + 0.2 + 0.5) / 3);
  near(number(doc, "median_ttft_ms"), 200);
  near(number(doc, "p99_ttft_ms"), 200 + 0.98 * 300);
  near(number(doc, "p99.9_ttft_ms"), 200 + 0.998 * 300);
  near(number(doc, "mean_tpot_ms"), 100);
  near(number(doc, "median_e2el_ms"), 500);
  near((double)json_array_size(json_object_get(doc, "itls")), 4);
  assert_string_equal(json_string_value(json_object_get(doc, "request_rate")), "inf");
  json_decref(doc);
}

static void test_figures_of_nothing_are_null(void **state) {
  (void)state;
  static const char *const keys[] = {"request_throughput",      "output_throughput", "total_token_throughput",
                                     "max_output_tokens_per_s", "request_goodput",   "mean_ttft_ms",
                                     "p99.9_tpot_ms",           "std_itl_ms"};
  load_record at = {.failure = nf_error(NF_UNAVAILABLE, "status 404")};
  load_point p = {.at = &at, .n = 1, .duration = 0.5, .most = 1};
  const load_point_options po = {.rate = 1, .burstiness = 1, .good = limits};
  const load_document_options o = {.backend = "openai",
                                   .endpoint = "/",
                                   .model = "m",
                                   .percents = percents,
                                   .n_percents = 2,
                                   .goodput = true};
  json_t *doc = load_document(&p, &po, &o);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    assert_true(json_is_null(json_object_get(doc, keys[i])));
  near(number(doc, "completed"), 0);
  near(number(doc, "total_output_tokens"), 0); // these are counts
  near(number(doc, "duration"), 0.5);
  json_decref(doc);
  nf_status_free(at.failure);
}

static size_t count(const char *text, const char *part) {
  size_t n = 0;
  for (; (text = strstr(text, part)) != NULL; text += strlen(part)) n++;
  return n;
}

static void test_plot(void **state) {
  (void)state;
  json_t *points = json_pack("[o, o]", small_document(), small_document());
  nf_text t = {0};
  json_object_set_new(json_array_get(points, 1), "output_throughput", json_real(640));
  json_object_set_new(json_array_get(points, 1), "max_concurrency", json_integer(16));
  load_plot(&t, points, "<m> & co");
  assert_true(nf_is_ok(nf_text_status(&t)));
  assert_int_equal(count(t.at, "<circle"), 2 * 2 * 2 + 2); // fields, curves, points; and the legend's
  assert_non_null(strstr(t.at, "&#60;m&#62; &#38; co"));
  assert_non_null(strstr(t.at, ">16</text>"));
  assert_null(strstr(t.at, "nan"));
  assert_null(strstr(t.at, "inf"));
  nf_text_deinit(&t);
  json_array_clear(points);
  load_plot(&t, points, ""); // no points: axes alone
  assert_null(strstr(t.at, "nan"));
  nf_text_deinit(&t);
  json_decref(points);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_events),
      cmocka_unit_test(test_giant_event),
      cmocka_unit_test(test_arrivals),
      cmocka_unit_test(test_document),
      cmocka_unit_test(test_figures_of_nothing_are_null),
      cmocka_unit_test(test_plot),
      cmocka_unit_test(test_wrong_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// infuse bench serve: a load on a server of OpenAI's API, this one or any other; its options, points, files
// and rows.
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "cli/load/document.h"
#include "cli/load/plot.h"
#include "report/doc.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_METRICS = 4, MOST_PERCENTS = 16, PROMPTS = 64 };

typedef struct metric {
  const char *name, *label, *title;
  int limit; // its place among the limits of --goodput, or -1
} metric;
static const metric metrics[N_METRICS] = {
    {"ttft", "TTFT", "Time to First Token", 0},
    {"tpot", "TPOT", "Time per Output Token (excl. 1st token)", 1},
    {"itl", "ITL", "Inter-token Latency", -1},
    {"e2el", "E2EL", "End-to-end Latency", 2},
};

typedef struct serving {
  cli_bench *b;
  const cli_options *o;
  load_client *client;
  load_prompts *prompts;
  json_t *fields; // of every body
  nf_json models; // what the server says that it has
  char *base;     // without '/' at its end
  const char *endpoint, *model, *tokenizer;
  bool chat;
  double percents[MOST_PERCENTS];
  size_t n_percents, n_prompts, done, total;
  cli_numbers rates, limits;
  load_lengths in, out;
  double good[3];
  size_t failed;
} serving;

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the benchmark\n"), 4; }

// ---- options ----

typedef struct backend {
  const char *name, *endpoint;
} backend;
static const backend backends[] = {
    {"openai", "/v1/completions"}, {"vllm", "/v1/completions"}, {"openai-chat", "/v1/chat/completions"}};

static const char *default_endpoint(const char *name) {
  for (size_t i = 0; name != NULL && i < sizeof backends / sizeof *backends; i++)
    if (strcmp(backends[i].name, name) == 0) return backends[i].endpoint;
  return backends[0].endpoint;
}

static int read_endpoint(serving *s) {
  const cli_options *o = s->o;
  const char *base = o->base_url != NULL ? o->base_url : "http://127.0.0.1:8000";
  if (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0)
    return cli_usage("--base-url: '%s' begins with neither http:// nor https://", base);
  s->base = strdup(base);
  if (s->base == NULL) return no_memory();
  for (size_t n = strlen(s->base); n != 0 && s->base[n - 1] == '/';) s->base[--n] = '\0';
  s->endpoint = o->endpoint != NULL ? o->endpoint : default_endpoint(o->backend);
  const nf_view path = nf_view_of(s->endpoint);
  s->chat = nf_view_ends(path, NF_VIEW("/chat/completions"));
  if (s->endpoint[0] == '/' && (s->chat || nf_view_ends(path, NF_VIEW("/completions")))) return 0;
  return cli_usage("--endpoint: '%s' is no path that ends in /completions or /chat/completions", s->endpoint);
}

static int read_percents(serving *s) {
  cli_numbers n;
  const int code = cli_parse_numbers("--metric-percentiles",
                                     s->o->metric_percentiles != NULL ? s->o->metric_percentiles : "99", 0,
                                     100, MOST_PERCENTS, &n);
  for (size_t i = 0; code == 0 && i < n.n; i++) s->percents[s->n_percents++] = n.at[i];
  return code;
}

static const metric *find_metric(const char *name, size_t n) {
  for (int i = 0; i < N_METRICS; i++)
    if (strlen(metrics[i].name) == n && strncmp(metrics[i].name, name, n) == 0) return &metrics[i];
  return NULL;
}

static int check_metrics(const char *names) {
  for (const char *at = names; at != NULL;) {
    const size_t n = strcspn(at, ",");
    if (find_metric(at, n) == NULL)
      return cli_usage("--percentile-metrics: '%.*s' is none of ttft, tpot, itl, e2el", (int)n, at);
    at = at[n] == ',' ? at + n + 1 : NULL;
  }
  return 0;
}

// "ttft:200": milliseconds.
static int read_limit(serving *s, const char *text) {
  const char *colon = strchr(text, ':');
  const metric *m = colon != NULL ? find_metric(text, (size_t)(colon - text)) : NULL;
  double ms;
  if (m != NULL && m->limit >= 0 && nf_parse_f64(nf_view_of(colon + 1), &ms) && ms > 0)
    return s->good[m->limit] = 1e-3 * ms, 0;
  return cli_usage("--goodput: '%s' is none of ttft:MS, tpot:MS and e2el:MS", text);
}

static int read_goodput(serving *s) {
  int code = 0;
  for (int i = 0; i < 3; i++) s->good[i] = (double)INFINITY;
  for (size_t i = 0; i < s->o->goodput.n && code == 0; i++) code = read_limit(s, s->o->goodput.at[i]);
  return code;
}

static int read_load(serving *s) {
  const cli_options *o = s->o;
  int code = 0;
  s->rates = (cli_numbers){{(double)INFINITY}, 1};
  s->limits = (cli_numbers){{0}, 1};
  if (o->request_rate != NULL)
    code = cli_parse_numbers("--request-rate", o->request_rate, 1e-6, (double)INFINITY, CLI_MAX_NUMBERS,
                             &s->rates);
  if (code == 0 && o->max_concurrency != NULL)
    code = cli_parse_numbers("--max-concurrency", o->max_concurrency, 1, 65536, CLI_MAX_NUMBERS, &s->limits);
  for (size_t i = 0; i < s->limits.n && code == 0; i++)
    if (s->limits.at[i] != floor(s->limits.at[i])) code = cli_usage("--max-concurrency: whole numbers only");
  if (code == 0 && o->burstiness >= 0 && o->burstiness < 1e-3)
    code = cli_usage("--burstiness: %g is less than 0.001", o->burstiness);
  s->n_prompts = (size_t)(o->num_prompts != 0 ? o->num_prompts : PROMPTS);
  s->total = s->n_prompts * s->rates.n * s->limits.n;
  return code;
}

// --random-range-ratio R: lengths from (1 - R) to (1 + R) of what was given.
static load_lengths spread(cli_lengths l, double ratio) {
  const int64_t lo = (int64_t)((double)l.lo * (1 - ratio)), hi = (int64_t)((double)l.hi * (1 + ratio));
  return (load_lengths){lo > 1 ? lo : 1, hi > 1 ? hi : 1};
}

static void read_lengths(serving *s) {
  const double ratio = s->o->random_range_ratio > 0 ? s->o->random_range_ratio : 0;
  s->in = spread(s->b->in, ratio);
  s->out = s->o->output_len != NULL ? spread(s->b->out, ratio) : (load_lengths){0, 0};
}

static int check_dataset(const serving *s) {
  const cli_options *o = s->o;
  const bool random = o->dataset_name == NULL || strcmp(o->dataset_name, "random") == 0;
  if (random && o->dataset_path != NULL)
    return cli_usage("--dataset-path goes with --dataset-name sharegpt or custom");
  if (!random && o->dataset_path == NULL)
    return cli_usage("--dataset-name %s wants --dataset-path FILE", o->dataset_name);
  if (!random && (o->input_len != NULL || o->random_prefix_len > 0))
    return cli_usage("--input-len and --random-prefix-len go with --dataset-name random");
  return 0;
}

static int check_metadata(const serving *s) {
  for (size_t i = 0; i < s->o->metadata.n; i++)
    if (strchr(s->o->metadata.at[i], '=') == NULL)
      return cli_usage("--metadata: '%s' is not KEY=VALUE", s->o->metadata.at[i]);
  return 0;
}

static int read_serving(serving *s) {
  const char *names = s->o->percentile_metrics;
  int code = read_endpoint(s);
  if (code == 0) code = check_dataset(s);
  if (code == 0) code = check_metadata(s);
  if (code == 0) code = read_percents(s);
  if (code == 0 && names != NULL) code = check_metrics(names);
  if (code == 0) code = read_goodput(s);
  if (code == 0) code = read_load(s);
  if (code == 0) read_lengths(s);
  return code;
}

// ---- what every body has ----

static bool put_if(json_t *fields, const char *key, bool given, double value) {
  return !given || nf_json_put(fields, key, json_real(value));
}

static bool put_sampling(json_t *fields, const cli_options *o) {
  return put_if(fields, "temperature", o->temperature >= 0, o->temperature) &&
         put_if(fields, "top_p", o->top_p >= 0, o->top_p) &&
         put_if(fields, "min_p", o->min_p >= 0, o->min_p) &&
         put_if(fields, "repetition_penalty", o->repetition_penalty >= 0, o->repetition_penalty) &&
         put_if(fields, "presence_penalty", !isnan(o->presence_penalty), o->presence_penalty) &&
         put_if(fields, "frequency_penalty", !isnan(o->frequency_penalty), o->frequency_penalty) &&
         (o->top_k < 0 || nf_json_put(fields, "top_k", json_integer(o->top_k)));
}

// Answers to random prompts have the length that was asked: where they would end means nothing.
static bool wants_whole(const serving *s) {
  return s->o->ignore_eos || s->o->dataset_name == NULL || strcmp(s->o->dataset_name, "random") == 0;
}

static int add_extra(json_t *fields, const char *text) {
  nf_json j = {0};
  nf_status st = nf_json_parse(text, strlen(text), "--extra-body", &j);
  const nf_json_at root = nf_json_root(&j);
  if (nf_is_ok(st)) st = nf_json_object(&root);
  const bool ok = !nf_is_ok(st) || json_object_update(fields, j.root) == 0;
  nf_json_deinit(&j);
  return ok ? cli_fail(st.error) : no_memory();
}

static int make_fields(serving *s) {
  s->fields = json_object();
  bool ok = s->fields != NULL && put_sampling(s->fields, s->o);
  if (wants_whole(s)) ok = ok && nf_json_put(s->fields, "ignore_eos", json_true());
  if (!ok) return no_memory();
  return s->o->extra_body != NULL ? add_extra(s->fields, s->o->extra_body) : 0;
}

// ---- the server ----

static nf_status ask_models(serving *s) {
  load_call call = {.path = "/v1/models"};
  nf_status st = load_client_ask(s->client, &call);
  if (nf_is_ok(st)) st = nf_json_parse(call.kept.at, call.kept.n, "the answer of /v1/models", &s->models);
  nf_text_deinit(&call.kept);
  return st;
}

// Until it answers, or --ready-check-timeout-sec is over.
static nf_status wait_for_server(serving *s) {
  const double until = nf_now() + (double)s->o->ready_timeout;
  for (;;) {
    const nf_status st = ask_models(s);
    if (nf_is_ok(st) || nf_now() >= until || cli_interrupted) return st;
    nf_status_free(st);
    usleep(200000);
  }
}

static const char *told(const serving *s, const char *key) { // of the first model
  const json_t *model = json_array_get(json_object_get(s->models.root, "data"), 0);
  return json_string_value(json_object_get(model, key));
}

static bool has_tokenizer(const char *dir) {
  char *path = NULL;
  nf_status st = nf_path_join(dir, "tokenizer.json", &path);
  const bool there = nf_is_ok(st) && nf_path_exists(path);
  nf_status_free(st);
  nf_free(path);
  return there;
}

// -m is the model's folder, whose tokenizer is used, or else its name at the server. Who gives a name need
// not have a server that tells names.
static int find_model(serving *s) {
  const cli_options *o = s->o;
  const bool folder = o->model != NULL && nf_path_is_dir(o->model);
  const nf_status st = wait_for_server(s);
  s->model = o->served_name != NULL ? o->served_name : !folder ? o->model : NULL;
  if (s->model != NULL)
    nf_status_free(st);
  else if (!nf_is_ok(st))
    return cli_fail(nf_status_note(st, "%s/v1/models", s->base).error);
  if (s->model == NULL) s->model = told(s, "id");
  if (s->model == NULL) return cli_usage("%s names no model; --served-model-name does", s->base);
  const char *root = told(s, "root");
  s->tokenizer = o->tokenizer != NULL ? o->tokenizer : folder ? o->model : NULL;
  if (s->tokenizer == NULL && root != NULL && has_tokenizer(root)) s->tokenizer = root;
  return 0;
}

static load_dataset dataset_of(const char *name) {
  if (name != NULL && strcmp(name, "sharegpt") == 0) return LOAD_SHAREGPT;
  return name != NULL && strcmp(name, "custom") == 0 ? LOAD_CUSTOM : LOAD_RANDOM;
}

static int begin(serving *s) {
  const load_client_options co = {.base = s->base, .key = getenv("OPENAI_API_KEY")};
  int code = make_fields(s);
  if (code == 0) code = cli_fail(load_client_create(&co, &s->client).error);
  if (code == 0) code = find_model(s);
  if (code != 0) return code;
  const load_prompts_options po = {.client = s->client,
                                   .tokenizer = s->tokenizer,
                                   .dataset = dataset_of(s->o->dataset_name),
                                   .path = s->o->dataset_path,
                                   .chat = s->chat,
                                   .model = s->model,
                                   .fields = s->fields,
                                   .in = s->in,
                                   .out = s->out,
                                   .prefix = s->o->random_prefix_len,
                                   .random = &s->b->random};
  return cli_fail(load_prompts_create(&po, &s->prompts).error);
}

// ---- points ----

static void show_progress(void *user, size_t ended) {
  serving *s = user;
  cli_bar_show(&s->b->bar, s->o, "serve", s->done + ended, s->total);
}

static load_point_options point_of(serving *s, double rate, double limit) {
  return (load_point_options){.client = s->client,
                              .path = s->endpoint,
                              .n = s->n_prompts,
                              .rate = rate,
                              .burstiness = s->o->burstiness >= 0 ? s->o->burstiness : 1,
                              .concurrency = (size_t)limit,
                              .good = s->good,
                              .random = &s->b->random,
                              .stop = &cli_interrupted,
                              .progress = show_progress,
                              .user = s};
}

static int warm_up(serving *s) {
  if (s->o->num_warmups <= 0) return 0;
  load_point_options po = point_of(s, (double)INFINITY, s->limits.at[0]);
  load_point p;
  po.n = (size_t)s->o->num_warmups;
  po.progress = NULL;
  const int code = cli_fail(load_point_run(&po, s->prompts, &p).error);
  load_point_deinit(&p);
  return code;
}

static void tell_failures(const serving *s, const load_point *p, size_t failed) {
  nf_text t = {0};
  if (failed == 0 || (s->o->quiet && failed < p->n)) return; // where all failed there is nothing else to tell
  load_failures(p, 5, &t);
  if (!t.failed) fprintf(stderr, "infuse: %zu of %zu requests failed\n%s", failed, p->n, t.at);
  nf_text_deinit(&t);
}

static bool put_metadata(json_t *doc, const cli_options *o) {
  bool ok = o->label == NULL || nf_json_put(doc, "label", json_string(o->label));
  for (size_t i = 0; i < o->metadata.n && ok; i++) {
    const char *text = o->metadata.at[i], *equals = strchr(text, '=');
    const size_t n = (size_t)(equals - text); // check_metadata found it
    ok = json_object_setn_new(doc, text, n, json_string(equals + 1)) == 0;
  }
  return ok;
}

// What the rows of text want to know.
static bool put_shown(json_t *doc, const serving *s) {
  const char *names = s->o->percentile_metrics != NULL ? s->o->percentile_metrics : "ttft,tpot,itl";
  json_t *percents = json_array();
  bool ok = true;
  for (size_t i = 0; i < s->n_percents && ok; i++) ok = nf_json_push(percents, json_real(s->percents[i]));
  ok = nf_json_put(doc, "metric_percentiles", percents) && ok;
  return nf_json_put(doc, "percentile_metrics", json_string(names)) && ok;
}

static json_t *document_of(serving *s, const load_point *p, const load_point_options *po) {
  char date[32];
  const time_t now = time(NULL);
  const load_document_options o = {.backend = s->o->backend != NULL ? s->o->backend : "openai",
                                   .endpoint = s->endpoint,
                                   .model = s->model,
                                   .tokenizer = s->tokenizer,
                                   .percents = s->percents,
                                   .n_percents = s->n_percents,
                                   .goodput = s->o->goodput.n != 0,
                                   .detailed = s->o->save_detailed};
  json_t *doc = load_document(p, po, &o);
  strftime(date, sizeof date, "%Y%m%d-%H%M%S", localtime(&now));
  return nf_json_whole(doc, doc != NULL && nf_json_put(doc, "date", json_string(date)) && put_shown(doc, s) &&
                                put_metadata(doc, s->o));
}

static int run_point(serving *s, double rate, double limit, json_t *points) {
  const load_point_options po = point_of(s, rate, limit);
  load_point p;
  json_t *doc = NULL;
  int code = cli_fail(load_point_run(&po, s->prompts, &p).error);
  if (code == 0 && (doc = document_of(s, &p, &po)) == NULL) code = no_memory();
  if (code == 0) {
    const size_t failed = (size_t)report_number(doc, "failed");
    s->done += p.n;
    s->failed += failed;
    tell_failures(s, &p, failed);
    if (!nf_json_push(points, json_incref(doc))) code = no_memory();
  }
  json_decref(doc);
  load_point_deinit(&p);
  return code;
}

static int sweep(serving *s, json_t *points) {
  int code = warm_up(s);
  for (size_t i = 0; i < s->limits.n; i++)
    for (size_t k = 0; k < s->rates.n && code == 0; k++)
      code = run_point(s, s->rates.at[k], s->limits.at[i], points);
  return code;
}

// ---- files ----

static nf_status write_file(const char *path, const char *text, size_t n) {
  nf_new_file f;
  NF_TRY(nf_new_file_create(path, &f));
  nf_status st = nf_new_file_write(&f, 0, text, n);
  if (nf_is_ok(st)) st = nf_new_file_commit(&f);
  nf_new_file_close(&f);
  return st;
}

// Those of which there are figures.
static json_t *points_that_came(const json_t *points) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < json_array_size(points) && ok; i++) {
    json_t *p = json_array_get(points, i);
    if (report_number(p, "completed") > 0) ok = nf_json_push(list, json_incref(p));
  }
  return nf_json_whole(list, ok);
}

static int write_plot(const serving *s, const json_t *points) {
  nf_text t = {0};
  char title[160];
  snprintf(title, sizeof title, "%s: throughput against latency, %zu requests a point", s->model,
           s->n_prompts);
  load_plot(&t, points, title);
  nf_status st = nf_text_status(&t);
  if (nf_is_ok(st)) st = write_file(s->o->plot, t.at, t.n);
  nf_text_deinit(&t);
  return cli_fail(st.error);
}

static int draw_plot(const serving *s, const json_t *all) {
  json_t *points = points_that_came(all);
  if (points == NULL) return no_memory();
  const int code = json_array_size(points) != 0 ? write_plot(s, points) : 0;
  json_decref(points);
  return code;
}

// vLLM's: backend, rate, limit, model and time.
static void name_result(const serving *s, const json_t *doc, nf_text *out) {
  const char *name = strrchr(s->model, '/');
  const bool limited = json_is_integer(report_at(doc, "max_concurrency"));
  const bool paced = json_is_real(report_at(doc, "request_rate"));
  nf_text_printf(out, "%s-", s->o->label != NULL ? s->o->label : report_text(doc, "backend"));
  if (paced) nf_text_printf(out, "%gqps", report_number(doc, "request_rate"));
  if (!paced) nf_text_printf(out, "infqps");
  if (limited) nf_text_printf(out, "-concurrency%.0f", report_number(doc, "max_concurrency"));
  nf_text_printf(out, "-%s-%s.json", name != NULL ? name + 1 : s->model, report_text(doc, "date"));
}

static int save_result(const serving *s, const json_t *doc) {
  nf_text name = {0};
  if (s->o->result_dir != NULL) nf_text_printf(&name, "%s/", s->o->result_dir);
  if (s->o->result_filename != NULL)
    nf_text_printf(&name, "%s", s->o->result_filename);
  else
    name_result(s, doc, &name);
  char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9));
  nf_status st = nf_text_status(&name);
  if (nf_is_ok(st) && text == NULL) st = nf_error(NF_NO_MEMORY, "no memory for the document");
  if (nf_is_ok(st)) st = write_file(name.at, text, strlen(text));
  free(text);
  nf_text_deinit(&name);
  return cli_fail(st.error);
}

// A file for each point; with a name given there is one, of all.
static int save_results(const serving *s, const json_t *doc, const json_t *points) {
  int code = 0;
  if (!s->o->save_result) return 0;
  if (s->o->result_filename != NULL) return save_result(s, doc);
  for (size_t i = 0; i < json_array_size(points) && code == 0; i++)
    code = save_result(s, json_array_get(points, i));
  return code;
}

// ---- all ----

// Of one point its own document, of more their list.
static json_t *joined(json_t *points) {
  if (json_array_size(points) == 1) return json_incref(json_array_get(points, 0));
  return json_pack("{s:s, s:O}", "schema", "infuse.bench.serve/1", "points", points);
}

static int deliver_points(serving *s, json_t *points, json_t **out) {
  *out = joined(points);
  if (*out == NULL) return no_memory();
  int code = s->o->plot != NULL ? draw_plot(s, points) : 0;
  if (code == 0) code = save_results(s, *out, points);
  if (code == 0 && s->failed == s->total) s->b->code = 4; // no request succeeded
  return code;
}

int cli_bench_serve(cli_bench *b, json_t **out) {
  serving s = {.b = b, .o = b->o};
  json_t *points = json_array();
  int code = points != NULL ? read_serving(&s) : no_memory();
  if (code == 0) code = begin(&s);
  if (code == 0) code = sweep(&s, points);
  if (code == 0) code = deliver_points(&s, points, out);
  load_prompts_destroy(s.prompts);
  load_client_destroy(s.client);
  nf_json_deinit(&s.models);
  json_decref(s.fields);
  json_decref(points);
  free(s.base);
  return code;
}

// ---- text ----

static void show_times(const json_t *doc) {
  double percents[MOST_PERCENTS];
  size_t n = 0;
  REPORT_EACH(p, report_at(doc, "metric_percentiles")) percents[n++] = json_number_value(p);
  for (int i = 0; i < N_METRICS; i++)
    if (strstr(report_text(doc, "percentile_metrics"), metrics[i].name) != NULL)
      cli_print_times(doc, metrics[i].title, metrics[i].name, metrics[i].label, percents, n);
}

static void show_point(const json_t *doc) {
  static const char *const rows[][2] = {{"Successful requests:", "completed"},
                                        {"Failed requests:", "failed"},
                                        {"Maximum request concurrency:", "max_concurrency"},
                                        {"Request rate configured (RPS):", "request_rate"},
                                        {"Benchmark duration (s):", "duration"},
                                        {"Total input tokens:", "total_input_tokens"},
                                        {"Cached input tokens:", "total_cached_tokens"},
                                        {"Total generated tokens:", "total_output_tokens"},
                                        {"Request throughput (req/s):", "request_throughput"},
                                        {"Request goodput (req/s):", "request_goodput"},
                                        {"Output token throughput (tok/s):", "output_throughput"},
                                        {"Peak output token throughput (tok/s):", "max_output_tokens_per_s"},
                                        {"Peak concurrent requests:", "max_concurrent_requests"},
                                        {"Total token throughput (tok/s):", "total_token_throughput"}};
  cli_print_title(" Serving Benchmark Result ", '=');
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const bool cached = strcmp(rows[i][1], "total_cached_tokens") == 0;
    if (json_is_number(report_at(doc, rows[i][1])) && (!cached || report_number(doc, rows[i][1]) > 0))
      cli_print_row(doc, rows[i][0], rows[i][1]);
  }
  show_times(doc);
  cli_print_title("", '=');
}

static void show_line(const json_t *p) {
  const bool limited = json_is_integer(report_at(p, "max_concurrency"));
  const bool paced = json_is_real(report_at(p, "request_rate"));
  char limit[24] = "-", rate[24] = "inf";
  if (limited) snprintf(limit, sizeof limit, "%.0f", report_number(p, "max_concurrency"));
  if (paced) snprintf(rate, sizeof rate, "%.3g", report_number(p, "request_rate"));
  printf("%11s %8s %7.0f %7.0f", limit, rate, report_number(p, "completed"), report_number(p, "failed"));
  if (report_number(p, "completed") <= 0) return (void)puts(""); // zeros would look like times
  printf(" %8.2f %9.1f %9.1f %9.1f %9.2f %9.2f\n", report_number(p, "request_throughput"),
         report_number(p, "output_throughput"), report_number(p, "median_ttft_ms"),
         report_number(p, "p99_ttft_ms"), report_number(p, "median_tpot_ms"),
         report_number(p, "p99_tpot_ms"));
}

// Rows of zeros would look like times.
static bool any_came(const json_t *doc, const json_t *points) {
  bool came = points == NULL && report_number(doc, "completed") > 0;
  REPORT_EACH(p, points) came = came || report_number(p, "completed") > 0;
  return came;
}

void cli_show_serve(const json_t *doc) {
  const json_t *points = report_at(doc, "points");
  if (!any_came(doc, points)) return;
  if (points == NULL) return show_point(doc);
  printf("%11s %8s %7s %7s %8s %9s %9s %9s %9s %9s\n", "concurrency", "rate", "ok", "failed", "req/s",
         "out tok/s", "TTFT p50", "p99 ms", "TPOT p50", "p99 ms");
  REPORT_EACH(p, points) show_line(p);
}

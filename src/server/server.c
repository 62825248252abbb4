// SPDX-License-Identifier: Apache-2.0
// The server: its paths, and what is answered at once.
#include "server/metrics.h"
#include "server/server_state.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

// ---- answers ----

static const char as_json[] = "application/json";

void nf_serve_json(nf_call *c, json_t *value) {
  nf_text body = {0};
  nf_status st = nf_json_write(value, &body);
  if (nf_is_ok(st))
    nf_call_answer(c, 200, as_json, body.at, body.n, 0);
  else
    nf_serve_problem(c, NF_PROBLEM_INTERNAL, NULL, NULL);
  nf_status_free(st);
  nf_text_deinit(&body);
}

void nf_serve_problem(nf_call *c, nf_problem_kind kind, const char *message, const char *param) {
  nf_text body = {0};
  nf_status_free(nf_problem_body(kind, message, param, &body));
  nf_call_answer(c, nf_problem_status(kind), as_json, body.at != NULL ? body.at : "", body.n,
                 nf_problem_retry_after(kind));
  nf_text_deinit(&body);
}

void nf_serve_status(nf_call *c, nf_status st) {
  nf_serve_problem(c, nf_problem_of(nf_status_code(st)), nf_status_message(st), NULL);
  nf_status_free(st);
}

bool nf_server_is_model(const nf_server *s, const char *name) {
  return name == NULL || strcmp(name, s->name) == 0 || strcmp(name, s->options.dir) == 0;
}

// ---- what is known ----

static void health(void *server, nf_call *c) {
  nf_server *s = server;
  if (s->stops) return nf_serve_problem(c, NF_PROBLEM_UNAVAILABLE, "the server stops", NULL);
  nf_call_answer(c, 200, as_json, "{}", 2, 0);
}

static void version(void *server, nf_call *c) {
  (void)server;
  nf_serve_json(c, json_pack("{s:s}", "version", infuse_version()));
}

static void load(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_counters n;
  nf_scheduler_read(s->scheduler, &n);
  nf_serve_json(c, json_pack("{s:I}", "server_load", (json_int_t)(n.waiting + n.running)));
}

static void metrics(void *server, nf_call *c) {
  const nf_server *s = server;
  nf_counters n;
  nf_text text = {0};
  nf_scheduler_read(s->scheduler, &n);
  nf_metrics_text(&n, s->name, &text);
  if (text.failed)
    nf_serve_problem(c, NF_PROBLEM_INTERNAL, NULL, NULL);
  else
    nf_call_answer(c, 200, "text/plain; version=0.0.4; charset=utf-8", text.at, text.n, 0);
  nf_text_deinit(&text);
}

static json_t *model_of(const nf_server *s) {
  return json_pack("{s:s,s:s,s:I,s:s,s:s,s:I}", "id", s->name, "object", "model", "created",
                   (json_int_t)s->created, "owned_by", "infuse", "root", s->options.dir, "max_model_len",
                   (json_int_t)s->info.context);
}

static void models(void *server, nf_call *c) {
  nf_serve_json(c, json_pack("{s:s,s:[o]}", "object", "list", "data", model_of(server)));
}

static void one_model(void *server, nf_call *c) {
  if (!nf_server_is_model(server, nf_call_rest(c)))
    return nf_serve_problem(c, NF_PROBLEM_MODEL, NULL, "model");
  nf_serve_json(c, model_of(server));
}

static const nf_route routes[] = {
    {"GET", "/health", true, health},
    {"GET", "/version", false, version},
    {"GET", "/load", false, load},
    {"GET", "/metrics", false, metrics},
    {"GET", "/v1/models", false, models},
    {"GET", "/v1/models/*", false, one_model},
    {"POST", "/v1/chat/completions", false, nf_serve_chat},
    {"POST", "/v1/completions", false, nf_serve_text},
    {"POST", "/v1/responses", false, nf_serve_response},
    {"POST", "/tokenize", false, nf_serve_tokenize},
    {"POST", "/detokenize", false, nf_serve_detokenize},
};

// ---- a server ----

// The last part of the folder's path that is a name.
static char *folder_name(const char *dir) {
  size_t n = strlen(dir);
  while (n > 1 && dir[n - 1] == '/') n--;
  size_t from = n;
  while (from > 0 && dir[from - 1] != '/') from--;
  return strndup(dir + from, n - from);
}

static nf_status listen(nf_server *s) {
  const nf_server_options *o = &s->options;
  const nf_http_options h = {.host = o->host,
                             .port = o->port,
                             .key = o->key,
                             .route = routes,
                             .n_routes = sizeof routes / sizeof *routes,
                             .user = s};
  return nf_http_start(&h, &s->http);
}

nf_status nf_server_start(const nf_server_options *o, nf_server **out) {
  nf_server *s;
  uint64_t seed = 0;
  NF_TRY(nf_make(&s, 1, sizeof *s, "a server"));
  s->options = *o;
  s->created = (int64_t)time(NULL);
  s->info.size = sizeof s->info;
  infuse_model_describe(o->model, &s->info);
  s->sampling = infuse_model_sampling(o->model);
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) s->seed = seed;
  s->name = o->name != NULL ? strdup(o->name) : folder_name(o->dir);
  nf_status st = s->name != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a server");
  if (nf_is_ok(st))
    st = nf_scheduler_create(o->rt, o->model, (nf_scheduler_options){.queue = o->queue}, &s->scheduler);
  if (nf_is_ok(st)) st = listen(s);
  if (nf_is_ok(st))
    *out = s;
  else
    nf_server_stop(s, 0);
  return st;
}

uint16_t nf_server_port(const nf_server *s) { return nf_http_port(s->http); }

void nf_server_stop(nf_server *s, double seconds) {
  if (s == NULL) return;
  s->stops = true;
  if (s->http != NULL) nf_http_quiet(s->http);
  if (s->scheduler != NULL) {
    nf_scheduler_close(s->scheduler);
    nf_scheduler_wait(s->scheduler, seconds);
  }
  nf_scheduler_destroy(s->scheduler); // tells what is left that it is cancelled
  nf_http_stop(s->http);
  free(s->name);
  nf_free(s);
}

// SPDX-License-Identifier: Apache-2.0
// The server: its paths, and its life.
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

void nf_serve_failure(nf_call *c, const nf_ask *a, nf_status st) {
  nf_text param = {0};
  nf_status named = nf_ask_param(a, nf_status_message(st), &param);
  nf_serve_problem(c, nf_problem_of(nf_status_code(st)), nf_status_message(st),
                   param.n != 0 ? param.at : NULL);
  nf_text_deinit(&param);
  nf_status_free(named);
  nf_status_free(st);
}

void nf_serve_no_model(const nf_server *s, nf_call *c) {
  nf_text message = {0};
  nf_text_printf(&message, "there is no such model here; there is '%s'", s->name);
  nf_serve_problem(c, NF_PROBLEM_MODEL, message.failed ? NULL : message.at, "model");
  nf_text_deinit(&message);
}

bool nf_server_is_model(const nf_server *s, const char *name) {
  return name == NULL || strcmp(name, s->name) == 0 || strcmp(name, s->options.dir) == 0;
}

static const nf_route routes[] = {
    {"GET", "/", true, nf_serve_page},
    {"GET", "/page/*", true, nf_serve_page},
    {"GET", "/plan", false, nf_serve_plan},
    {"GET", "/health", true, nf_serve_health},
    {"GET", "/ping", true, nf_serve_health},
    {"GET", "/version", false, nf_serve_version},
    {"GET", "/metrics", false, nf_serve_metrics},
    {"GET", "/load", false, nf_serve_load},
    {"GET", "/requests", false, nf_serve_requests},
    {"DELETE", "/requests/*", false, nf_serve_request_cancel},
    {"GET", "/get_load", false, nf_serve_get_load},
    {"GET", "/server_info", false, nf_serve_server_info},
    {"GET", "/get_server_info", false, nf_serve_server_info},
    {"GET", "/kv_event_sources", false, nf_serve_event_sources},
    {"GET", "/model_info", false, nf_serve_model_info},
    {"GET", "/get_model_info", false, nf_serve_model_info},
    {"GET", "/v1/models", false, nf_serve_models},
    {"GET", "/v1/models/*", false, nf_serve_model},
    {"POST", "/v1/chat/completions", false, nf_serve_chat},
    {"POST", "/v1/completions", false, nf_serve_text},
    {"POST", "/v1/responses", false, nf_serve_response},
    {"POST", "/v1/chat/completions/render", false, nf_serve_render_chat},
    {"POST", "/v1/completions/render", false, nf_serve_render_text},
    {"POST", "/v1/responses/render", false, nf_serve_render_response},
    {"GET", "/tokenizer_info", false, nf_serve_tokenizer_info},
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
                             .silence = o->silence,
                             .route = routes,
                             .n_routes = sizeof routes / sizeof *routes,
                             .user = s};
  return nf_http_start(&h, &s->http);
}

// Before the scheduler owns the model.
static infuse_caches caches_of(const infuse_model *m) {
  infuse_caches c = {.size = sizeof c};
  infuse_model_caches(m, &c);
  return c;
}

// What no session of the model could have is told before there are any.
static nf_status check_guesses(const nf_server_options *o) {
  const infuse_session_options so = {.size = sizeof so, .generate = true, .guesses = o->guesses};
  infuse_session *session;
  if (o->guesses == 0) return nf_ok();
  NF_TRY((nf_status){infuse_session_create(o->model, &so, &session)});
  infuse_session_destroy(session);
  return nf_ok();
}

// The scheduler's thread tells, so this comes before it.
static nf_status start_events(nf_server *s) {
  const nf_server_options *o = &s->options;
  if (!o->events) return nf_ok();
  const nf_events_options eo = {.host = o->host != NULL ? o->host : "127.0.0.1",
                                .model = s->name,
                                .port = o->events_port,
                                .replay = o->replay,
                                .replay_port = o->replay_port};
  NF_TRY(nf_events_start(&eo, &s->events));
  infuse_model_on_pages(o->model, nf_events_tell, s->events);
  return nf_ok();
}

nf_status nf_server_start(const nf_server_options *o, nf_server **out) {
  nf_server *s;
  uint64_t seed = 0;
  NF_TRY(nf_make(&s, 1, sizeof *s, "a server"));
  s->options = *o;
  nf_requests_init(&s->requests);
  s->created = (int64_t)time(NULL);
  s->info.size = sizeof s->info;
  infuse_model_describe(o->model, &s->info);
  const infuse_caches caches = caches_of(o->model);
  s->page_tokens = caches.page_tokens, s->pages = caches.pages;
  s->sampling = infuse_model_sampling(o->model);
  s->no_tokenizer_info = nf_tokenizer_info(o->model, o->dir, &s->tokenizer_info);
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) s->seed = seed;
  s->name = o->name != NULL ? strdup(o->name) : folder_name(o->dir);
  nf_status st = s->name != NULL ? check_guesses(o) : nf_error(NF_NO_MEMORY, "no memory for a server");
  if (nf_is_ok(st)) s->no_plan = nf_server_plan(s, &s->plan);
  if (nf_is_ok(st)) st = start_events(s);
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
  if (s->http != NULL) nf_http_close(s->http);
  nf_scheduler_destroy(s->scheduler); // tells what is left that it is cancelled
  nf_http_stop(s->http);
  if (s->events != NULL) infuse_model_on_pages(s->options.model, NULL, NULL);
  nf_events_stop(s->events);
  nf_requests_deinit(&s->requests);
  json_decref(s->tokenizer_info);
  nf_status_free(s->no_tokenizer_info);
  nf_status_free(s->no_plan);
  nf_text_deinit(&s->plan);
  free(s->name);
  nf_free(s);
}

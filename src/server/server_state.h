// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a server holds, and its handlers.
#pragma once
#include "server/ask.h"
#include "server/events.h"
#include "server/problem.h"
#include "server/requests.h"
#include "server/server.h"
#include <stdatomic.h>

struct nf_server {
  nf_server_options options;
  nf_http *http;
  nf_scheduler *scheduler;
  nf_requests requests;
  nf_events *events; // NULL: none are published
  infuse_model_info info;
  infuse_sampling sampling;   // the model's own
  int64_t page_tokens, pages; // of the caches of layers that see all of a text; 0: there are none
  json_t *tokenizer_info;     // NULL: there is none, because of
  nf_status no_tokenizer_info;
  nf_text plan; // a page; empty: there is none, because of
  nf_status no_plan;
  int64_t created; // seconds since 1970
  char *name;
  _Atomic bool stops;
  _Atomic uint64_t seed; // of requests that tell none
};

// about.c
void nf_serve_health(void *server, nf_call *c);
void nf_serve_version(void *server, nf_call *c);
void nf_serve_metrics(void *server, nf_call *c);
void nf_serve_load(void *server, nf_call *c);
void nf_serve_get_load(void *server, nf_call *c);
void nf_serve_server_info(void *server, nf_call *c);
void nf_serve_event_sources(void *server, nf_call *c);
void nf_serve_model_info(void *server, nf_call *c);
void nf_serve_models(void *server, nf_call *c);
void nf_serve_model(void *server, nf_call *c);
void nf_serve_tokenizer_info(void *server, nf_call *c);
// generate.c: an answer is made of the body, and sent as it comes.
void nf_serve_chat(void *server, nf_call *c);
void nf_serve_text(void *server, nf_call *c);
void nf_serve_response(void *server, nf_call *c);
// render.c: the tokens that such a body stands for
void nf_serve_render_chat(void *server, nf_call *c);
void nf_serve_render_text(void *server, nf_call *c);
void nf_serve_render_response(void *server, nf_call *c);
// page.c
void nf_serve_page(void *server, nf_call *c);
void nf_serve_plan(void *server, nf_call *c);
// requests.c
void nf_serve_requests(void *server, nf_call *c);
void nf_serve_request_cancel(void *server, nf_call *c);
// text.c
void nf_serve_tokenize(void *server, nf_call *c);
void nf_serve_detokenize(void *server, nf_call *c);

// The ids of prompt i: its own, which the vocabulary must have, or those of its text, which are *own then and
// freed by infuse_free.
nf_status nf_prompt_ids(const nf_server *s, const nf_ask *a, size_t i, int32_t **own, const int32_t **ids,
                        size_t *n);
json_t *nf_ids_json(const int32_t *id, size_t n); // NULL: no memory
// tokenizer_info.c: of a model's folder; *out NULL where it fails.
nf_status nf_tokenizer_info(const infuse_model *m, const char *dir, json_t **out);

// page.c: the plan of the model as a page, before the scheduler has the model; nothing where it fails.
nf_status nf_server_plan(const nf_server *s, nf_text *out);

// Answers with the value, which it takes (NULL: no memory), or with a problem.
void nf_serve_json(nf_call *c, json_t *value);
void nf_serve_problem(nf_call *c, nf_problem_kind kind, const char *message, const char *param);
void nf_serve_status(nf_call *c, nf_status st); // of an error, which it frees
// The same of one that came of an ask, whose field it names.
void nf_serve_failure(nf_call *c, const nf_ask *a, nf_status st);
void nf_serve_no_model(const nf_server *s, nf_call *c); // an answer to who asked for another one
// Whether the model is called so: by its name or its folder; NULL: whatever is here.
bool nf_server_is_model(const nf_server *s, const char *name);

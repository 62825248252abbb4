// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a server holds, and its handlers.
#pragma once
#include "server/ask.h"
#include "server/problem.h"
#include "server/server.h"
#include <stdatomic.h>

struct nf_server {
  nf_server_options options;
  nf_http *http;
  nf_scheduler *scheduler;
  infuse_model_info info;
  infuse_sampling sampling; // the model's own
  int64_t created;          // seconds since 1970
  char *name;
  _Atomic bool stops;
  _Atomic uint64_t seed; // of requests that tell none
};

// generate.c: an answer is made of the body, and sent as it comes.
void nf_serve_chat(void *server, nf_call *c);
void nf_serve_text(void *server, nf_call *c);
void nf_serve_response(void *server, nf_call *c);
// text.c
void nf_serve_tokenize(void *server, nf_call *c);
void nf_serve_detokenize(void *server, nf_call *c);

// Answers with the value, which it takes (NULL: no memory), or with a problem.
void nf_serve_json(nf_call *c, json_t *value);
void nf_serve_problem(nf_call *c, nf_problem_kind kind, const char *message, const char *param);
void nf_serve_status(nf_call *c, nf_status st); // of an error, which it frees
// Whether the model is called so: by its name or its folder; NULL: whatever is here.
bool nf_server_is_model(const nf_server *s, const char *name);

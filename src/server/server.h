// SPDX-License-Identifier: Apache-2.0
// The server: OpenAI's API over a model and its scheduler. What paths there are is the table in server.c.
#pragma once
#include "schedule/schedule.h"
#include "server/http.h"

typedef struct nf_server_options {
  infuse_runtime *rt;
  infuse_model *model;
  const infuse_model_options
      *loaded;      // with which the model was, for the page that shows its plan; NULL: none
  const char *dir;  // of the checkpoint: told as the model's root
  const char *name; // under which the model is served; NULL: that of the folder
  const char *host, *key;
  uint16_t port;
  bool events; // what becomes of pages is published, at events_port of the host; 0: any that is free
  bool replay; // and by request again, at replay_port of the host; 0: any that is free
  uint16_t events_port, replay_port;
  size_t queue;    // requests that may wait; 0: 1024
  double patience; // seconds that one may; 0: for ever
  double silence;  // seconds without a word in a stream, after which a comment is sent; 0: 2
  int32_t guesses; // of sessions: tokens that are guessed at a time
} nf_server_options;

typedef struct nf_server nf_server;

// Serves when it returns. What options point to outlives it.
nf_status nf_server_start(const nf_server_options *o, nf_server **out);
uint16_t nf_server_port(const nf_server *s);
// Takes no more requests, lets those that are there go on for `seconds`, then cancels the rest. NULL is fine.
void nf_server_stop(nf_server *s, double seconds);

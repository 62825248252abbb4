// SPDX-License-Identifier: Apache-2.0
// The requests that a server has not answered to their end: who runs one sees what it does, and takes back
// what should not go on. Never what is said in them.
//
// The thread that makes an answer notes how far it is; whoever looks takes a copy, so that it waits no longer
// than that takes.
#pragma once
#include "schedule/schedule.h"
#include "server/ask.h"
#include "server/http.h"
#include <pthread.h>

typedef struct nf_asked { // a request
  struct nf_asked *next, *previous;
  char id[NF_MOST_ID + 1];
  nf_ask_kind kind;
  bool stream;
  size_t answers;
  double arrived, begun, first; // of nf_now: its first step, its first token; 0: not yet
  nf_tokens tokens;             // so far
  void (*cancel)(void *user);   // must not call what is declared here
  void *user;
} nf_asked;

typedef struct nf_requests {
  pthread_mutex_t lock;
  nf_asked ends; // before the oldest and behind the youngest
} nf_requests;

void nf_requests_init(nf_requests *r);
void nf_requests_deinit(nf_requests *r); // none is there any more
void nf_requests_enter(nf_requests *r, nf_asked *a);
void nf_requests_leave(nf_requests *r, nf_asked *a);
void nf_requests_note(nf_requests *r, nf_asked *a, const nf_event *e, const nf_tokens *tokens);
// Takes back all of this id, which clients may have given to several: how many there were.
size_t nf_requests_cancel(nf_requests *r, const char *id);
// {"object": "list", "data": [...]}, the oldest first. NULL: no memory.
json_t *nf_requests_json(nf_requests *r, const char *model, double now);

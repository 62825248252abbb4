// SPDX-License-Identifier: Apache-2.0
// Inside the room: what http.c, which has the connections, and call.c, which has what becomes of a request,
// know of each other. Only these two know libmicrohttpd.
//
// A call has two owners, the connection and the handler, and lives until both are done with it. What they
// share is behind its lock.
#pragma once
#include "server/http.h"
#include "server/problem.h"
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct nf_call {
  nf_http *http;
  struct MHD_Connection *connection;
  const nf_route *route;
  char *rest;
  char id[NF_MOST_ID + 1];
  nf_text body;
  nf_problem_kind refused; // by the server itself
  const char *allowed;     // methods of the path; NULL: there is no such path
  bool closes;             // the connection, with the answer
  bool handled;
  int watched;              // the connection's socket while nobody else looks at it; -1: it never rested
  nf_call *next, *previous; // of those that are open
  nf_call *next_woken;

  pthread_mutex_t lock;
  int owners;
  bool suspended; // the connection waits for an answer, or more of it
  bool answered, streams, ended, gone;
  bool spoken;   // something was written to it
  bool comments; // it is a stream, or will be one: no long silence
  double heard;  // of nf_now: when something was last written, or comments began
  int status, retry_after;
  const char *content_type;
  nf_text out;
  size_t sent;
  void (*when_gone)(void *user);
  void *user;
};

struct nf_http {
  nf_http_options options;
  struct MHD_Daemon *daemon;
  pthread_t thread;
  bool runs;       // there is a thread
  int epoll, stir; // what the thread waits for; an eventfd that wakes it
  _Atomic bool quiet, ends;
  pthread_mutex_t handling; // held while a handler runs
  bool closed;              // under it: none will any more
  pthread_mutex_t lock;     // of the list
  nf_call *open;
  size_t n_open;
  _Atomic(nf_call *) woken;   // whose connections go on, the last one first
  _Atomic double rests_until; // of nf_now: what is written to streams until then, but for the first of each,
                              // is not sent before
  bool rested;                // the thread's: there was a rest, behind which nobody has looked at them yet
};

// The connection of a call that sleeps goes on. Where others wait for that, its thread knows already: a step
// that has something for many wakes it once.
void nf_http_wake(nf_call *c);

// By the connection, on the server's thread:
nf_call *nf_call_create(nf_http *h, struct MHD_Connection *connection); // NULL: no memory
void nf_call_close(nf_call *c);
// The connection does nothing until something is written, or it is found that the client is gone. Under the
// call's lock.
void nf_call_sleep(nf_call *c);
enum MHD_Result nf_call_send(nf_call *c);                                   // what was answered
void nf_call_refuse(nf_call *c, nf_problem_kind kind, const char *message); // NULL: the kind's own
void nf_call_own(nf_call *c);                                               // one more owner
// The client is gone: who makes the answer is told, once. By any thread.
void nf_call_lose(nf_call *c);
// A stream that has text goes on, behind a rest.
void nf_call_go_on(nf_call *c);
// A comment, where a stream has been silent until `now`; one that has not begun begins with it.
void nf_call_comment(nf_call *c, double now);

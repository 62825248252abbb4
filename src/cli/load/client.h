// SPDX-License-Identifier: Apache-2.0
// A client of HTTP that has thousands of calls open at a time, by libcurl's multi interface over epoll. Only
// client.c and curl.h know libcurl. Plain HTTP/1.1 and TLS; no proxy, whatever the environment says, as its
// times would be in the figures. One thread at a time.
#pragma once
#include "base/text.h"

typedef struct load_client load_client;

typedef struct load_call load_call; // one request and its answer; the caller's until it ended
struct load_call {
  const char *path;  // behind the base URL: "/v1/models"
  nf_view body;      // JSON, borrowed until the end; empty: a GET
  bool wants_stream; // pieces of a success go to `heard`, else they are kept
  // A piece of the answer, as it came. False hangs up: the call ends with an error.
  bool (*heard)(load_call *c, const char *at, size_t n);
  void (*ended)(load_call *c); // the last that is heard of it; it may be started again
  void *user;
  // Found:
  int status;      // of HTTP; 0: there is no answer
  nf_text kept;    // the answer, at most 16 MiB of it; freed by the caller
  nf_status error; // it did not come whole (NF_UNAVAILABLE, NF_NO_MEMORY); the caller's
  void *handle;    // the client's
};

typedef struct load_client_options {
  const char *base; // "http://127.0.0.1:8000", or https and a path behind it; no '/' at its end
  const char *key;  // sent as a bearer's; NULL: none
} load_client_options;

// NF_UNAVAILABLE: no descriptors or no libcurl. Raises the process's limit of open files as far as it may.
nf_status load_client_create(const load_client_options *o, load_client **out);
void load_client_destroy(load_client *c); // calls that are open are dropped without a word. NULL is fine
// Begins a call. An error is the caller's, who is not told of an end then.
nf_status load_client_start(load_client *c, load_call *call);
// Goes away from a call that has not ended, whatever comes of it: its connection is closed, `ended` not
// called.
void load_client_drop(load_client *c, load_call *call);
// Waits until something comes, or `until` (seconds of nf_now), or a signal; tells calls of it.
nf_status load_client_turn(load_client *c, double until);
// One call from its start to its end. The error of the call, or of a status that is no success.
nf_status load_client_ask(load_client *c, load_call *call);

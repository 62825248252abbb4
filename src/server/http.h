// SPDX-License-Identifier: Apache-2.0
// HTTP: connections, routes, limits and keys, by libmicrohttpd. Knows nothing of models: a handler is given a
// call, and answers it at once or later, whole or bit by bit, from any thread.
#pragma once
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NF_MOST_ID = 128 }; // bytes of a call's id

typedef struct nf_http nf_http;
typedef struct nf_call nf_call; // one request and its answer

typedef struct nf_route {
  const char *method; // "GET" answers HEAD too
  const char *path;   // a '*' at its end matches the rest
  bool open;          // without a key
  // On the server's thread: must not wait. The call is the handler's until it is ended.
  void (*handle)(void *user, nf_call *c);
} nf_route;

typedef struct nf_http_options {
  const char *host;     // an address; NULL: 127.0.0.1
  uint16_t port;        // 0: any that is free
  const char *key;      // of all routes that are not open; NULL: none
  size_t most_body;     // bytes; 0: 32 MiB
  int most_connections; // 0: 4096
  int idle_seconds;     // that a connection may say nothing; 0: 60
  double silence;       // seconds without a word in a stream, after which a comment is sent; 0: 2
  const nf_route *route;
  size_t n_routes;
  void *user;
} nf_http_options;

// Listens when it returns. NF_USAGE: the address is none; NF_UNAVAILABLE: it can't be had.
nf_status nf_http_start(const nf_http_options *o, nf_http **out);
uint16_t nf_http_port(const nf_http *h);
size_t nf_http_calls(const nf_http *h); // that have not been answered to their end
void nf_http_quiet(nf_http *h);         // takes no new connections, very soon
void nf_http_close(nf_http *h); // no handler is called any more when it returns: the server refuses by itself
// Sends what has been answered, for a second at most, and ends the rest: who has a call is told that its
// client is gone. NULL is fine.
void nf_http_stop(nf_http *h);

// ---- of a call ----

nf_view nf_call_body(const nf_call *c);
const char *nf_call_rest(const nf_call *c); // of the path, behind what the route names; decoded
const char *nf_call_id(const nf_call *c);   // the client's x-request-id, or one of ours

// The answer, whole; the handler has nothing to do with the call from here on. retry_after: seconds, 0: not
// told.
void nf_call_answer(nf_call *c, int status, const char *content_type, const char *text, size_t n,
                    int retry_after);
// Or a stream of events: begun, written whole events to any number of times, ended. Nothing waits for the
// client: what it has not read is kept. In long silences comments are sent, so that clients go on waiting.
void nf_call_stream(nf_call *c);
// It will be one, unless something goes wrong before. In a long silence it begins by itself.
void nf_call_will_stream(nf_call *c);
bool nf_call_is_stream(nf_call *c); // already; where it is not none begins by itself any more
void nf_call_write(nf_call *c, const char *text, size_t n);
void nf_call_end(nf_call *c, const char *text, size_t n); // with its last text; then the call is gone
bool nf_call_is_gone(nf_call *c); // nobody reads any more; it has to be ended all the same
// Called once, on a thread of the server's, when the client has gone before the answer's end: also while it
// waits, and has hung up, or said that it will say nothing more. It may still be written to, for nobody, and
// has to be ended. Must not call what is of a call.
void nf_call_when_gone(nf_call *c, void (*gone)(void *user), void *user);

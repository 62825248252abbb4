// SPDX-License-Identifier: Apache-2.0
// HTTP by libmicrohttpd: one thread for all connections, which are suspended while their answers are made.
//
// A call has two owners, the connection and the handler, and lives until both are done with it. What they
// share is behind its lock.
#include "server/http.h"
#include "base/memory.h"
#include "server/problem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { ID_BYTES = 12, MOST_ID = 128, STREAM_BLOCK = 16 << 10, HEADERS = 32 << 10 };

struct nf_call {
  nf_http *http;
  struct MHD_Connection *connection;
  const nf_route *route;
  char *rest;
  char id[MOST_ID + 1];
  nf_text body;
  nf_problem_kind refused; // by the server itself
  bool handled;
  nf_call *next, *previous; // of those that are open

  pthread_mutex_t lock;
  int owners;
  bool suspended; // the connection waits for an answer, or more of it
  bool answered, streams, ended, gone;
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
  pthread_mutex_t lock; // of the list
  nf_call *open;
  size_t n_open;
};

// ---- a call's life ----

static void make_id(char id[MOST_ID + 1]) {
  unsigned char random[ID_BYTES];
  if (getrandom(random, sizeof random, 0) != sizeof random) memset(random, 0, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) snprintf(id + 2 * i, 3, "%02x", random[i]);
}

// What a client names its request comes back in a header, so it has to be fit for one.
static bool is_id(const char *s) {
  const size_t n = strlen(s);
  for (size_t i = 0; i < n; i++)
    if (s[i] <= ' ' || s[i] > '~') return false;
  return n != 0 && n <= MOST_ID;
}

static nf_call *call_create(nf_http *h, struct MHD_Connection *connection) {
  nf_call *c = nf_alloc(1, sizeof *c);
  if (c == NULL) return NULL;
  const char *theirs = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "x-request-id");
  c->http = h, c->connection = connection, c->owners = 1;
  pthread_mutex_init(&c->lock, NULL);
  if (theirs != NULL && is_id(theirs))
    strcpy(c->id, theirs);
  else
    make_id(c->id);
  pthread_mutex_lock(&h->lock);
  c->next = h->open;
  if (h->open != NULL) h->open->previous = c;
  h->open = c;
  h->n_open++;
  pthread_mutex_unlock(&h->lock);
  return c;
}

static void call_release(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  const bool last = --c->owners == 0;
  pthread_mutex_unlock(&c->lock);
  if (!last) return;
  pthread_mutex_destroy(&c->lock);
  nf_text_deinit(&c->body);
  nf_text_deinit(&c->out);
  nf_free(c->rest);
  nf_free(c);
}

static void call_close(nf_call *c) { // by the connection
  nf_http *h = c->http;
  pthread_mutex_lock(&h->lock);
  if (c->next != NULL) c->next->previous = c->previous;
  *(c->previous != NULL ? &c->previous->next : &h->open) = c->next;
  h->n_open--;
  pthread_mutex_unlock(&h->lock);
  pthread_mutex_lock(&c->lock);
  c->gone = true;
  c->connection = NULL;
  if (!c->ended && c->when_gone != NULL) c->when_gone(c->user);
  pthread_mutex_unlock(&c->lock);
  call_release(c);
}

static void wake(nf_call *c) { // its lock is held
  if (c->suspended && c->connection != NULL) MHD_resume_connection(c->connection);
  c->suspended = false;
}

static void rest(nf_call *c) { // the same: the connection does nothing until it is woken
  c->suspended = true;
  MHD_suspend_connection(c->connection);
}

// ---- what handlers do ----

nf_view nf_call_body(const nf_call *c) { return nf_text_view(&c->body); }
const char *nf_call_rest(const nf_call *c) { return c->rest != NULL ? c->rest : ""; }
const char *nf_call_id(const nf_call *c) { return c->id; }

void nf_call_answer(nf_call *c, int status, const char *content_type, const char *text, size_t n,
                    int retry_after) {
  pthread_mutex_lock(&c->lock);
  c->status = status, c->content_type = content_type, c->retry_after = retry_after;
  nf_text_append(&c->out, text, n);
  if (c->out.failed) c->status = MHD_HTTP_INTERNAL_SERVER_ERROR, c->out.n = 0;
  c->answered = c->ended = true;
  wake(c);
  pthread_mutex_unlock(&c->lock);
  call_release(c);
}

void nf_call_stream(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  c->status = MHD_HTTP_OK, c->content_type = "text/event-stream";
  c->answered = c->streams = true;
  wake(c);
  pthread_mutex_unlock(&c->lock);
}

void nf_call_write(nf_call *c, const char *text, size_t n) {
  pthread_mutex_lock(&c->lock);
  if (!c->gone) nf_text_append(&c->out, text, n);
  wake(c);
  pthread_mutex_unlock(&c->lock);
}

void nf_call_end(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  c->ended = true;
  wake(c);
  pthread_mutex_unlock(&c->lock);
  call_release(c);
}

bool nf_call_is_gone(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  const bool gone = c->gone;
  pthread_mutex_unlock(&c->lock);
  return gone;
}

void nf_call_when_gone(nf_call *c, void (*gone)(void *user), void *user) {
  pthread_mutex_lock(&c->lock);
  c->when_gone = gone, c->user = user;
  pthread_mutex_unlock(&c->lock);
}

// ---- answers on their way ----

// Sent text goes, so that a long stream does not pile up.
static void forget_sent(nf_call *c) {
  if (c->sent < c->out.n / 2 && c->sent < STREAM_BLOCK) return;
  memmove(c->out.at, c->out.at + c->sent, c->out.n - c->sent);
  c->out.n -= c->sent;
  c->sent = 0;
}

static ssize_t read_stream(void *call, uint64_t position, char *to, size_t most) {
  nf_call *c = call;
  (void)position;
  pthread_mutex_lock(&c->lock);
  ssize_t n = (ssize_t)(c->out.n - c->sent < most ? c->out.n - c->sent : most);
  if (n > 0) {
    memcpy(to, c->out.at + c->sent, (size_t)n);
    c->sent += (size_t)n;
    forget_sent(c);
  } else if (c->out.failed || (c->gone && !c->ended)) {
    n = MHD_CONTENT_READER_END_WITH_ERROR;
  } else if (c->ended) {
    n = MHD_CONTENT_READER_END_OF_STREAM;
  } else {
    rest(c);
  }
  pthread_mutex_unlock(&c->lock);
  return n;
}

static void add_headers(const nf_call *c, struct MHD_Response *r) {
  char seconds[16];
  MHD_add_response_header(r, "x-request-id", c->id);
  MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, c->content_type);
  if (c->streams) MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
  snprintf(seconds, sizeof seconds, "%d", c->retry_after);
  if (c->retry_after > 0) MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
  if (c->status == MHD_HTTP_UNAUTHORIZED)
    MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
}

static enum MHD_Result send_answer(nf_call *c) {
  struct MHD_Response *r =
      c->streams ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, c, NULL)
                 : MHD_create_response_from_buffer(c->out.n, c->out.at, MHD_RESPMEM_MUST_COPY);
  if (r == NULL) return MHD_NO;
  add_headers(c, r);
  const enum MHD_Result queued = MHD_queue_response(c->connection, (unsigned)c->status, r);
  MHD_destroy_response(r);
  return queued;
}

// An error that the server itself finds.
static void refuse(nf_call *c, nf_problem_kind kind) {
  nf_text body = {0};
  nf_status_free(nf_problem_body(kind, NULL, NULL, &body));
  c->owners++;
  nf_call_answer(c, nf_problem_status(kind), "application/json", body.at != NULL ? body.at : "", body.n, 0);
  nf_text_deinit(&body);
}

// ---- routes ----

static bool path_matches(const nf_route *r, const char *path, size_t *named) {
  const size_t n = strlen(r->path);
  const bool open_end = n != 0 && r->path[n - 1] == '*';
  *named = open_end ? n - 1 : n;
  return open_end ? strncmp(r->path, path, n - 1) == 0 : strcmp(r->path, path) == 0;
}

static bool method_matches(const nf_route *r, const char *method) {
  return strcmp(r->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

static nf_problem_kind find_route(nf_call *c, const char *method, const char *path) {
  const nf_http_options *o = &c->http->options;
  nf_problem_kind found = NF_PROBLEM_PATH;
  for (size_t i = 0; i < o->n_routes; i++) {
    size_t named;
    if (!path_matches(&o->route[i], path, &named)) continue;
    found = NF_PROBLEM_METHOD;
    if (!method_matches(&o->route[i], method)) continue;
    c->route = &o->route[i];
    c->rest = strdup(path + named);
    return c->rest != NULL ? NF_PROBLEM_NONE : NF_PROBLEM_INTERNAL;
  }
  return found;
}

// In a time that does not tell how much of it is right.
static bool is_key(const char *key, const char *given) {
  const size_t n = strlen(key), m = strlen(given);
  unsigned char differ = n != m;
  for (size_t i = 0; i < m; i++) differ |= (unsigned char)(given[i] ^ key[n != 0 ? i % n : 0]);
  return differ == 0;
}

static bool may(const nf_call *c) {
  static const char scheme[] = "Bearer ";
  const nf_http_options *o = &c->http->options;
  if (o->key == NULL || c->route->open) return true;
  const char *given =
      MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
  return given != NULL && strncmp(given, scheme, sizeof scheme - 1) == 0 &&
         is_key(o->key, given + sizeof scheme - 1);
}

static bool announces_too_much(const nf_call *c) {
  const char *length =
      MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  int64_t n;
  return length != NULL && nf_parse_i64(nf_view_of(length), &n) && (uint64_t)n > c->http->options.most_body;
}

// When the headers are there. A body that is too large is not read; others are, so that the connection stays
// of use behind a refusal.
static void admit(nf_call *c, const char *method, const char *path) {
  c->refused = find_route(c, method, path);
  if (c->refused == NF_PROBLEM_NONE && !may(c)) c->refused = NF_PROBLEM_KEY;
  if (announces_too_much(c)) refuse(c, NF_PROBLEM_TOO_LARGE);
}

static void take_body(nf_call *c, const char *data, size_t n) {
  if (c->refused == NF_PROBLEM_NONE && c->body.n + n > c->http->options.most_body)
    c->refused = NF_PROBLEM_TOO_LARGE;
  if (c->refused == NF_PROBLEM_NONE) nf_text_append(&c->body, data, n);
}

// The whole request is there.
static void handle(nf_call *c) {
  c->handled = true;
  if (c->body.failed) c->refused = NF_PROBLEM_INTERNAL;
  if (c->refused != NF_PROBLEM_NONE) return refuse(c, c->refused);
  pthread_mutex_lock(&c->lock);
  c->owners++;
  pthread_mutex_unlock(&c->lock);
  c->route->handle(c->http->options.user, c);
}

// What is answered does not change any more, so it is sent without the lock: the library has one of its own
// then, within which it reads streams.
static enum MHD_Result proceed(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  const bool answered = c->answered, gone = c->gone; // gone: the server stops
  if (!answered && !gone) rest(c);
  pthread_mutex_unlock(&c->lock);
  return answered ? send_answer(c) : gone ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_access(void *http, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *data, size_t *n,
                                 void **call) {
  nf_call *c = *call;
  (void)version;
  if (c == NULL) {
    *call = c = call_create(http, connection);
    if (c == NULL) return MHD_NO;
    admit(c, method, path);
    return c->answered ? send_answer(c) : MHD_YES;
  }
  if (*n != 0) {
    take_body(c, data, *n);
    *n = 0;
    return MHD_YES;
  }
  if (!c->handled) handle(c);
  return proceed(c);
}

static void on_completed(void *http, struct MHD_Connection *connection, void **call,
                         enum MHD_RequestTerminationCode why) {
  (void)http, (void)connection, (void)why;
  if (*call != NULL) call_close(*call);
  *call = NULL;
}

// ---- a server ----

// %2F within a path is text: models have names with it.
static size_t unescape(void *user, struct MHD_Connection *connection, char *s) {
  (void)user, (void)connection;
  return MHD_http_unescape(s);
}

static nf_status resolve(const nf_http_options *o, struct addrinfo **out) {
  char port[8];
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                 .ai_socktype = SOCK_STREAM};
  snprintf(port, sizeof port, "%u", o->port);
  const int code = getaddrinfo(o->host, port, &hints, out);
  if (code == 0) return nf_ok();
  return nf_error(NF_USAGE,
                  "host '%s' is no address of this machine to listen at, such as 127.0.0.1 or :: (%s)",
                  o->host, gai_strerror(code));
}

static nf_status listen_at(nf_http *h, const struct addrinfo *address) {
  const nf_http_options *o = &h->options;
  const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                         (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  h->daemon = MHD_start_daemon(
      flags, o->port, NULL, NULL, on_access, h, MHD_OPTION_SOCK_ADDR, address->ai_addr,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_CONNECTION_LIMIT,
      (unsigned)o->most_connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->idle_seconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (h->daemon != NULL) return nf_ok();
  return nf_error(NF_UNAVAILABLE, "can't listen at %s port %u: %s", o->host, o->port, strerror(errno));
}

nf_status nf_http_start(const nf_http_options *o, nf_http **out) {
  struct addrinfo *address;
  nf_http *h;
  NF_TRY(nf_make(&h, 1, sizeof *h, "a server"));
  h->options = *o;
  if (h->options.host == NULL) h->options.host = "127.0.0.1";
  if (h->options.most_body == 0) h->options.most_body = 32 << 20;
  if (h->options.most_connections == 0) h->options.most_connections = 4096;
  if (h->options.idle_seconds == 0) h->options.idle_seconds = 60;
  pthread_mutex_init(&h->lock, NULL);
  nf_status st = resolve(&h->options, &address);
  if (nf_is_ok(st)) {
    st = listen_at(h, address);
    freeaddrinfo(address);
  }
  if (nf_is_ok(st))
    *out = h;
  else
    nf_http_stop(h);
  return st;
}

uint16_t nf_http_port(const nf_http *h) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info != NULL ? info->port : 0;
}

size_t nf_http_calls(const nf_http *h) {
  nf_http *open = (nf_http *)h;
  pthread_mutex_lock(&open->lock);
  const size_t n = open->n_open;
  pthread_mutex_unlock(&open->lock);
  return n;
}

void nf_http_quiet(nf_http *h) { MHD_quiesce_daemon(h->daemon); }

// Suspended connections would keep the library waiting.
static void wake_all(nf_http *h) {
  pthread_mutex_lock(&h->lock);
  for (nf_call *c = h->open; c != NULL; c = c->next) {
    pthread_mutex_lock(&c->lock);
    c->gone = true;
    wake(c);
    pthread_mutex_unlock(&c->lock);
  }
  pthread_mutex_unlock(&h->lock);
}

void nf_http_stop(nf_http *h) {
  if (h == NULL) return;
  if (h->daemon != NULL) {
    wake_all(h);
    MHD_stop_daemon(h->daemon);
  }
  pthread_mutex_destroy(&h->lock);
  nf_free(h);
}

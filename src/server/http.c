// SPDX-License-Identifier: Apache-2.0
// HTTP by libmicrohttpd: one thread for all connections, which are suspended while their answers are made.
//
// The thread waits for the library's own list of sockets, and beside it for the end of those that are
// suspended, so that a client that goes away is noticed while it waits.
#include "server/http.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"
#include "server/http_call.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS = 32 << 10, EVENTS = 64, FAREWELL = 1 }; // FAREWELL: seconds
enum { OTHER_FILES = 64 };                              // that are open besides connections
// Where cores are few, who sends takes them from who computes. So streams rest behind a turn for so many
// times as long as it took, at most so many seconds, and what comes meanwhile is sent together.
enum { REST = 50 };
static const double most_rest = 0.01;

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

// A request line may have the whole address in it (RFC 9112, 3.2.2).
static const char *without_address(const char *target) {
  static const char scheme[] = "http://";
  if (strncasecmp(target, scheme, sizeof scheme - 1) != 0) return target;
  const char *path = strchr(target + sizeof scheme - 1, '/');
  return path != NULL ? path : "/";
}

static nf_problem_kind find_route(nf_call *c, const char *method, const char *target) {
  const char *path = without_address(target);
  const nf_http_options *o = &c->http->options;
  nf_problem_kind found = NF_PROBLEM_PATH;
  for (size_t i = 0; i < o->n_routes; i++) {
    size_t named;
    if (!path_matches(&o->route[i], path, &named)) continue;
    found = NF_PROBLEM_METHOD;
    c->allowed = strcmp(o->route[i].method, "GET") == 0 ? "GET, HEAD" : o->route[i].method;
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

static const char *header(const nf_call *c, const char *name) {
  return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

static bool may(const nf_call *c) {
  static const char scheme[] = "Bearer ";
  const nf_http_options *o = &c->http->options;
  if (o->key == NULL || c->route->open) return true;
  const char *given = header(c, MHD_HTTP_HEADER_AUTHORIZATION);
  return given != NULL && strncmp(given, scheme, sizeof scheme - 1) == 0 &&
         is_key(o->key, given + sizeof scheme - 1);
}

// ---- headers that say where a request ends ----
//
// The library takes the first of several, those that are misspelled for others, and adds what is folded into
// a further line to the header's name. A proxy in front may go by another one, and take what follows for
// another request (RFC 9112, 5.1, 5.2 and 6.3).

typedef struct framing {
  int hosts, lengths, codings;
  bool blank;  // a name has white space in it
  bool folded; // one goes on in a further line
} framing;

// A header is where it was received, its name's end and blanks before the value; of one that was folded the
// library has made a copy elsewhere.
static bool is_folded(const char *name, const char *value) {
  const char *at = name + strlen(name) + 1;
  while (at < value && (*at == ' ' || *at == '\t')) at++;
  return at != value;
}

static enum MHD_Result count_header(void *to, enum MHD_ValueKind kind, const char *name, const char *value) {
  framing *f = to;
  (void)kind;
  f->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
  f->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
  f->codings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
  f->folded |= is_folded(name, value);
  f->blank |= strpbrk(name, " \t\r\n\v\f") != NULL;
  return MHD_YES;
}

// What is wrong with them; NULL: nothing.
static const char *wrong_framing(const nf_call *c, const char *version) {
  framing f = {0};
  MHD_get_connection_values(c->connection, MHD_HEADER_KIND, count_header, &f);
  const char *coding = header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING),
             *packed = header(c, MHD_HTTP_HEADER_CONTENT_ENCODING);
  const bool old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
  if (f.folded) return "a header is folded: it should be one line";
  if (f.blank) return "a header's name has white space in it";
  if (f.hosts > 1) return "there are several Host headers";
  if (f.hosts == 0 && !old) return "the Host header is missing";
  if (f.lengths + f.codings > 1)
    return "Content-Length and Transfer-Encoding together, or one of them twice: the body's end is not sure";
  if (coding != NULL && old) return "Transfer-Encoding is not of HTTP/1.0: the body's end is not sure";
  if (coding != NULL && strcasecmp(coding, "chunked") != 0)
    return "Transfer-Encoding is not supported but for chunked";
  if (packed != NULL && strcasecmp(packed, "identity") != 0)
    return "Content-Encoding is not supported: the body should be as it is";
  return NULL;
}

static bool announces_too_much(const nf_call *c) {
  const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
  int64_t n;
  return length != NULL && nf_parse_i64(nf_view_of(length), &n) && (uint64_t)n > c->http->options.most_body;
}

// When the headers are there. A body that is too large, or whose end is not sure, is not read, and the
// connection ends; others are, so that it stays of use behind a refusal.
static void admit(nf_call *c, const char *method, const char *path, const char *version) {
  const char *wrong = wrong_framing(c, version);
  c->refused = find_route(c, method, path);
  if (c->refused == NF_PROBLEM_NONE && !may(c)) c->refused = NF_PROBLEM_KEY;
  c->closes = wrong != NULL || announces_too_much(c);
  if (c->closes) nf_call_refuse(c, wrong != NULL ? NF_PROBLEM_REQUEST : NF_PROBLEM_TOO_LARGE, wrong);
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
  if (c->refused != NF_PROBLEM_NONE) return nf_call_refuse(c, c->refused, NULL);
  pthread_mutex_lock(&c->http->handling);
  const bool closed = c->http->closed;
  if (!closed) {
    nf_call_own(c);
    c->route->handle(c->http->options.user, c);
  }
  pthread_mutex_unlock(&c->http->handling);
  if (closed) nf_call_refuse(c, NF_PROBLEM_UNAVAILABLE, NULL);
}

// What is answered does not change any more, so it is sent without the lock: the library has one of its own
// then, within which it reads streams.
static enum MHD_Result proceed(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  const bool answered = c->answered, gone = c->gone;
  if (!answered && !gone) nf_call_sleep(c);
  pthread_mutex_unlock(&c->lock);
  return answered ? nf_call_send(c) : gone ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_access(void *http, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *data, size_t *n,
                                 void **call) {
  nf_call *c = *call;
  if (c == NULL) {
    *call = c = nf_call_create(http, connection);
    if (c == NULL) return MHD_NO;
    admit(c, method, path, version);
    return c->answered ? nf_call_send(c) : MHD_YES;
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
  if (*call != NULL) nf_call_close(*call);
  *call = NULL;
}

// ---- a server ----

// %2F within a path is text: models have names with it. A zero would end it before its end, so what has one
// stays escaped, and is no path.
static size_t unescape(void *user, struct MHD_Connection *connection, char *s) {
  (void)user, (void)connection;
  return strstr(s, "%00") == NULL ? MHD_http_unescape(s) : strlen(s);
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
  const int64_t files = nf_file_raise_limit() - OTHER_FILES;
  const unsigned connections = (unsigned)nf_max(1, nf_min(o->most_connections, files));
  const unsigned flags =
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  h->daemon = MHD_start_daemon(flags, o->port, NULL, NULL, on_access, h, MHD_OPTION_SOCK_ADDR,
                               address->ai_addr, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
                               MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT,
                               (unsigned)o->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS,
                               MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 0,
                               MHD_OPTION_END); // strict, it would answer with pages of its own
  if (h->daemon != NULL) return nf_ok();
  return nf_error(NF_UNAVAILABLE, "can't listen at %s port %u: %s", o->host, o->port, strerror(errno));
}

// ---- the thread ----

static void stir(const nf_http *h) { // its thread has something to do
  const uint64_t one = 1;
  if (write(h->stir, &one, sizeof one) < 0) return; // it can only be full: then it is stirred already
}

// A call whose connection sleeps is woken once, and not closed meanwhile: so it is in the list once, and
// there.
void nf_http_wake(nf_call *c) {
  nf_http *h = c->http;
  nf_call *first = atomic_load(&h->woken);
  do c->next_woken = first;
  while (!atomic_compare_exchange_weak(&h->woken, &first, c));
  if (first == NULL) stir(h);
}

static bool resume_woken(nf_http *h) { // whether there was one
  nf_call *const first = atomic_exchange(&h->woken, NULL);
  for (nf_call *c = first; c != NULL; c = c->next_woken) MHD_resume_connection(c->connection);
  return first != NULL;
}

static void wake_rested(nf_http *h) {
  pthread_mutex_lock(&h->lock);
  for (nf_call *c = h->open; c != NULL; c = c->next) nf_call_go_on(c);
  pthread_mutex_unlock(&h->lock);
}

// What is urgent is sent in the rest too, which that does not prolong.
static void turn(nf_http *h) {
  const double begun = nf_now();
  const bool rests = begun < h->rests_until;
  if (h->rested && !rests) wake_rested(h);
  h->rested = rests;
  const bool sent = resume_woken(h);
  MHD_run(h->daemon); // takes who has dialled already
  if (rests || !sent) return;
  const double now = nf_now(), rest = REST * (now - begun);
  h->rests_until = now + (rest < most_rest ? rest : most_rest);
  h->rested = true;
}

// The library gives the socket back; who dials from here on is refused by the system.
static void be_quiet(nf_http *h) {
  const int listens = MHD_quiesce_daemon(h->daemon);
  h->quiet = false;
  if (listens >= 0) close(listens);
}

// Looks twice as often as there may be silence.
static void end_silences(nf_http *h, double *next) {
  const double now = nf_now();
  if (now < *next) return;
  *next = now + h->options.silence / 2;
  pthread_mutex_lock(&h->lock);
  for (nf_call *c = h->open; c != NULL; c = c->next) nf_call_comment(c, now);
  pthread_mutex_unlock(&h->lock);
}

static int patience(nf_http *h, double next) { // milliseconds
  MHD_UNSIGNED_LONG_LONG library;
  if (h->rested && h->rests_until < next) next = h->rests_until;
  double most = nf_http_calls(h) != 0 ? 1000 * (next - nf_now()) + 1 : 60000;
  if (MHD_get_timeout(h->daemon, &library) == MHD_YES && (double)library < most) most = (double)library;
  return most > 0 ? (int)most : 0;
}

// What is known of a connection is told before the library may forget it.
static void hear(nf_http *h, int milliseconds) {
  struct epoll_event e[EVENTS];
  uint64_t times;
  const int n = epoll_wait(h->epoll, e, EVENTS, milliseconds);
  for (int i = 0; i < n; i++) {
    if (e[i].data.ptr == h && read(h->stir, &times, sizeof times) < 0) continue;
    if (e[i].data.ptr != h && e[i].data.ptr != NULL) nf_call_lose(e[i].data.ptr);
  }
}

// Of those that are there none waits any more.
static void lose_all(nf_http *h) {
  pthread_mutex_lock(&h->lock);
  for (nf_call *c = h->open; c != NULL; c = c->next) nf_call_lose(c);
  pthread_mutex_unlock(&h->lock);
}

static void *run(void *http) {
  nf_http *h = http;
  double next = 0;
  while (!h->ends) {
    turn(h);
    if (h->quiet) be_quiet(h);
    end_silences(h, &next);
    hear(h, patience(h, next));
  }
  lose_all(h);
  for (const double end = nf_now() + FAREWELL;
       nf_http_calls(h) != 0 && nf_now() < end;) { // what is ended goes out
    turn(h);
    hear(h, 1);
  }
  lose_all(h);
  resume_woken(h);
  return NULL;
}

static nf_status wait_for(const nf_http *h, int fd, void *as) {
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = as};
  return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) == 0
             ? nf_ok()
             : nf_error(NF_UNAVAILABLE, "can't wait for connections: %s", strerror(errno));
}

static nf_status start_thread(nf_http *h) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  h->epoll = epoll_create1(EPOLL_CLOEXEC);
  h->stir = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (info == NULL || h->epoll < 0 || h->stir < 0)
    return nf_error(NF_UNAVAILABLE, "can't wait for connections: %s", strerror(errno));
  NF_TRY(wait_for(h, info->epoll_fd, NULL));
  NF_TRY(wait_for(h, h->stir, h));
  const int e = nf_thread_start(&h->thread, run, h);
  h->runs = e == 0;
  return e == 0 ? nf_ok()
                : nf_error(NF_UNAVAILABLE, "can't make the server's thread: %s", strerrordesc_np(e));
}

// ---- a server ----

nf_status nf_http_start(const nf_http_options *o, nf_http **out) {
  struct addrinfo *address;
  nf_http *h;
  NF_TRY(nf_make(&h, 1, sizeof *h, "a server"));
  h->options = *o;
  h->epoll = h->stir = -1;
  if (h->options.host == NULL) h->options.host = "127.0.0.1";
  if (h->options.most_body == 0) h->options.most_body = 32 << 20;
  if (h->options.most_connections == 0) h->options.most_connections = 4096;
  if (h->options.idle_seconds == 0) h->options.idle_seconds = 60;
  if (h->options.silence <= 0) h->options.silence = 2;
  pthread_mutex_init(&h->lock, NULL);
  pthread_mutex_init(&h->handling, NULL);
  nf_status st = resolve(&h->options, &address);
  if (nf_is_ok(st)) {
    st = listen_at(h, address);
    freeaddrinfo(address);
  }
  if (nf_is_ok(st)) st = start_thread(h);
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

void nf_http_quiet(nf_http *h) {
  h->quiet = true;
  stir(h);
}

void nf_http_close(nf_http *h) {
  pthread_mutex_lock(&h->handling);
  h->closed = true;
  pthread_mutex_unlock(&h->handling);
}

void nf_http_stop(nf_http *h) {
  if (h == NULL) return;
  h->ends = true;
  if (h->runs) {
    stir(h);
    pthread_join(h->thread, NULL);
  }
  if (h->daemon != NULL) MHD_stop_daemon(h->daemon);
  if (h->epoll >= 0) close(h->epoll);
  if (h->stir >= 0) close(h->stir);
  pthread_mutex_destroy(&h->lock);
  pthread_mutex_destroy(&h->handling);
  nf_free(h);
}

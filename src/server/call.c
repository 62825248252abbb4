// SPDX-License-Identifier: Apache-2.0
// What becomes of a request: a call from its headers to the end of its answer, by whatever threads.
#include "base/clock.h"
#include "base/memory.h"
#include "server/http_call.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

enum { ID_BYTES = 12, STREAM_BLOCK = 16 << 10 };

// ---- a call's life ----

static void make_id(char id[NF_MOST_ID + 1]) {
  unsigned char random[ID_BYTES];
  if (getrandom(random, sizeof random, 0) != sizeof random) memset(random, 0, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) snprintf(id + 2 * i, 3, "%02x", random[i]);
}

// What a client names its request comes back in a header, so it has to be fit for one.
static bool is_id(const char *s) {
  const size_t n = strlen(s);
  for (size_t i = 0; i < n; i++)
    if (s[i] <= ' ' || s[i] > '~') return false;
  return n != 0 && n <= NF_MOST_ID;
}

nf_call *nf_call_create(nf_http *h, struct MHD_Connection *connection) {
  nf_call *c = nf_alloc(1, sizeof *c);
  if (c == NULL) return NULL;
  const char *theirs = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "x-request-id");
  c->http = h, c->connection = connection, c->owners = 1, c->watched = -1;
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

static void wake(nf_call *c) { // its lock is held
  if (c->suspended && c->connection != NULL) nf_http_wake(c);
  c->suspended = false;
}

static void lose(nf_call *c) { // the same
  const bool told = c->gone;
  c->gone = true;
  if (!told && !c->ended && c->when_gone != NULL) c->when_gone(c->user);
}

void nf_call_lose(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  lose(c);
  wake(c);
  pthread_mutex_unlock(&c->lock);
}

void nf_call_close(nf_call *c) {
  nf_http *h = c->http;
  if (c->watched >= 0) epoll_ctl(h->epoll, EPOLL_CTL_DEL, c->watched, NULL);
  pthread_mutex_lock(&h->lock);
  if (c->next != NULL) c->next->previous = c->previous;
  *(c->previous != NULL ? &c->previous->next : &h->open) = c->next;
  h->n_open--;
  pthread_mutex_unlock(&h->lock);
  pthread_mutex_lock(&c->lock);
  lose(c);
  c->connection = NULL;
  pthread_mutex_unlock(&c->lock);
  call_release(c);
}

void nf_call_own(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  c->owners++;
  pthread_mutex_unlock(&c->lock);
}

// A connection that rests is not looked at by the library, so its end would be seen only when something is
// written to it.
static void watch(nf_call *c) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct epoll_event e = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};
  if (c->watched >= 0 || info == NULL) return;
  if (epoll_ctl(c->http->epoll, EPOLL_CTL_ADD, info->connect_fd, &e) == 0) c->watched = info->connect_fd;
}

void nf_call_sleep(nf_call *c) {
  watch(c);
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

// Under its lock; once or again.
static void begin_stream(nf_call *c) {
  if (c->answered) return;
  c->status = MHD_HTTP_OK, c->content_type = "text/event-stream";
  c->answered = c->streams = c->comments = true;
  wake(c);
}

void nf_call_stream(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  begin_stream(c);
  c->heard = nf_now();
  pthread_mutex_unlock(&c->lock);
}

void nf_call_will_stream(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  c->comments = true;
  c->heard = nf_now();
  pthread_mutex_unlock(&c->lock);
}

bool nf_call_is_stream(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  const bool streams = c->streams;
  c->comments = streams;
  pthread_mutex_unlock(&c->lock);
  return streams;
}

void nf_call_comment(nf_call *c, double now) {
  static const char comment[] = ": the answer is still to come\n\n";
  pthread_mutex_lock(&c->lock);
  if (c->comments && !c->ended && !c->gone && now - c->heard >= c->http->options.silence) {
    begin_stream(c);
    nf_text_append(&c->out, comment, sizeof comment - 1);
    c->heard = now;
    wake(c);
  }
  pthread_mutex_unlock(&c->lock);
}

void nf_call_write(nf_call *c, const char *text, size_t n) {
  pthread_mutex_lock(&c->lock);
  if (!c->gone) nf_text_append(&c->out, text, n);
  c->heard = nf_now();
  const bool first = !c->spoken;
  c->spoken = true;
  const bool asleep = c->suspended; // the server of one that is not may be gone
  if (asleep && (first || c->heard >= c->http->rests_until)) wake(c);
  pthread_mutex_unlock(&c->lock);
}

void nf_call_go_on(nf_call *c) {
  pthread_mutex_lock(&c->lock);
  if (c->sent < c->out.n) wake(c);
  pthread_mutex_unlock(&c->lock);
}

// A client may go as soon as it has read the last word: by then it has to be the last.
void nf_call_end(nf_call *c, const char *text, size_t n) {
  pthread_mutex_lock(&c->lock);
  if (!c->gone) nf_text_append(&c->out, text, n);
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
    nf_call_sleep(c);
  }
  pthread_mutex_unlock(&c->lock);
  return n;
}

// A page of ours asks nobody but this server, and is in nobody's frame.
static void add_page_headers(struct MHD_Response *r) {
  MHD_add_response_header(r, "Content-Security-Policy",
                          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
}

static void add_headers(const nf_call *c, struct MHD_Response *r) {
  char seconds[16];
  MHD_add_response_header(r, "x-request-id", c->id);
  MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, c->content_type);
  MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
  if (strncmp(c->content_type, "text/html", 9) == 0) add_page_headers(r);
  if (c->streams) MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
  snprintf(seconds, sizeof seconds, "%d", c->retry_after);
  if (c->retry_after > 0) MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
  if (c->closes) MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
  if (c->status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, c->allowed);
  if (c->status == MHD_HTTP_UNAUTHORIZED)
    MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
}

enum MHD_Result nf_call_send(nf_call *c) {
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
void nf_call_refuse(nf_call *c, nf_problem_kind kind, const char *message) {
  nf_text body = {0};
  nf_status_free(nf_problem_body(kind, message, NULL, &body));
  nf_call_own(c);
  nf_call_answer(c, nf_problem_status(kind), "application/json", body.at != NULL ? body.at : "", body.n,
                 nf_problem_retry_after(kind));
  nf_text_deinit(&body);
}

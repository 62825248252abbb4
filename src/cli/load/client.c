// SPDX-License-Identifier: Apache-2.0
// HTTP by libcurl: handles that are used again, and its sockets and timer in an epoll of ours. Its own way of
// waiting looks at every call each time, which with a thousand open would cost more than the answers.
#include "cli/load/client.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/load/curl.h"
#include "cli/load/reply.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MOST_KEPT = 16 << 20, EVENTS = 64 };
static const long silence = 600; // seconds that a call may say nothing

static load_curl curl; // is there before a client is

struct load_client {
  CURLM *multi;
  struct curl_slist *headers;
  char *base;
  int epoll;
  double due;  // when libcurl wants to be called; infinite: not at all
  CURL **free; // [n_free] handles without a call
  CURL **all;  // [n_all]
  size_t n_free, cap_free, n_all, cap_all;
};

static nf_status failed(const char *what, const char *why) {
  return nf_error(NF_UNAVAILABLE, "HTTP client: %s: %s", what, why);
}

// ---- what libcurl calls ----

static int watch(CURL *easy, curl_socket_t s, int what, void *user, void *known) {
  load_client *c = user;
  struct epoll_event e = {.data.fd = s};
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(c->epoll, EPOLL_CTL_DEL, s, NULL); // it may be closed already, which has taken it out
    return 0;
  }
  if (what != CURL_POLL_OUT) e.events |= EPOLLIN;
  if (what != CURL_POLL_IN) e.events |= EPOLLOUT;
  if (epoll_ctl(c->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &e) != 0) return -1;
  curl.multi_assign(c->multi, s, c);
  return 0;
}

static int set_timer(CURLM *multi, long ms, void *user) {
  load_client *c = user;
  (void)multi;
  c->due = ms < 0 ? (double)INFINITY : nf_now() + 1e-3 * (double)ms;
  return 0;
}

static bool is_success(int status) { return status >= 200 && status < 300; }

// Anything but n ends the transfer.
static size_t take(char *at, size_t size, size_t n, void *user) {
  load_call *call = user;
  long status = 0;
  curl.easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
  call->status = (int)status;
  if (call->wants_stream && is_success(call->status)) return call->heard(call, at, n) ? n : 0;
  if (call->kept.n + n > MOST_KEPT) return 0;
  nf_text_append(&call->kept, at, n);
  return call->kept.failed ? 0 : size * n;
}

// ---- handles ----

static CURL *take_handle(load_client *c) {
  if (c->n_free != 0) return c->free[--c->n_free];
  if (!nf_grow(&c->all, &c->cap_all, c->n_all + 1, sizeof(CURL *)) ||
      !nf_grow(&c->free, &c->cap_free, c->n_all + 1, sizeof(CURL *)))
    return NULL;
  CURL *easy = curl.easy_init();
  if (easy != NULL) c->all[c->n_all++] = easy;
  return easy;
}

static nf_status set_url(const load_client *c, CURL *easy, const char *path) {
  nf_text url = {0};
  nf_text_printf(&url, "%s%s", c->base, path);
  nf_status st = nf_text_status(&url);
  if (nf_is_ok(st) && curl.easy_setopt(easy, CURLOPT_URL, url.at) != CURLE_OK)
    st = nf_error(NF_NO_MEMORY, "no memory for an address");
  nf_text_deinit(&url);
  return st;
}

static nf_status prepare(const load_client *c, CURL *easy, load_call *call) {
  curl.easy_reset(easy);
  NF_TRY(set_url(c, easy, call->path));
  curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(easy, CURLOPT_PROXY, "");
  curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 60L);
  curl.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silence);
  curl.easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
  curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
  curl.easy_setopt(easy, CURLOPT_WRITEDATA, call);
  curl.easy_setopt(easy, CURLOPT_PRIVATE, call);
  if (call->body.n != 0) {
    curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
    curl.easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.at);
  }
  return nf_ok();
}

nf_status load_client_start(load_client *c, load_call *call) {
  CURL *easy = take_handle(c);
  if (easy == NULL) return nf_error(NF_NO_MEMORY, "no memory for a call");
  call->status = 0;
  call->kept.n = 0;
  call->error = nf_ok();
  call->handle = easy;
  nf_status st = prepare(c, easy, call);
  if (nf_is_ok(st)) {
    const CURLMcode code = curl.multi_add_handle(c->multi, easy);
    if (code != CURLM_OK) st = failed("starting a call", curl.multi_strerror(code));
  }
  if (!nf_is_ok(st)) c->free[c->n_free++] = easy;
  return st;
}

static void give_back(load_client *c, CURL *easy) {
  curl.multi_remove_handle(c->multi, easy);
  c->free[c->n_free++] = easy;
}

void load_client_drop(load_client *c, load_call *call) { give_back(c, call->handle); }

// ---- turns ----

static void end_call(load_client *c, CURL *easy, CURLcode result) {
  load_call *call = NULL;
  long status = 0;
  curl.easy_getinfo(easy, CURLINFO_PRIVATE, &call);
  curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  call->status = (int)status;
  if (result != CURLE_OK)
    call->error = nf_error(NF_UNAVAILABLE, "%s%s", status != 0 ? "the answer was cut: " : "",
                           curl.easy_strerror(result));
  give_back(c, easy);
  call->ended(call);
}

static void end_calls(load_client *c) {
  int left;
  for (CURLMsg *m; (m = curl.multi_info_read(c->multi, &left)) != NULL;)
    if (m->msg == CURLMSG_DONE) end_call(c, m->easy_handle, m->data.result);
}

static int flags_of(uint32_t events) {
  return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
         (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static nf_status act(load_client *c, curl_socket_t s, int flags) {
  int running;
  const CURLMcode code = curl.multi_socket_action(c->multi, s, flags, &running);
  if (code != CURLM_OK) return failed("a call", curl.multi_strerror(code));
  end_calls(c);
  return nf_ok();
}

static int milliseconds_to(double when) {
  const double ms = ceil(1e3 * (when - nf_now()));
  return ms <= 0 ? 0 : ms < 1e6 ? (int)ms : 1000000;
}

nf_status load_client_turn(load_client *c, double until) {
  struct epoll_event e[EVENTS];
  const int n = epoll_wait(c->epoll, e, EVENTS, milliseconds_to(until < c->due ? until : c->due));
  if (n < 0 && errno != EINTR) return failed("waiting", strerror(errno));
  for (int i = 0; i < n; i++) NF_TRY(act(c, e[i].data.fd, flags_of(e[i].events)));
  if (nf_now() < c->due) return nf_ok();
  c->due = (double)INFINITY; // it says anew what it wants
  return act(c, CURL_SOCKET_TIMEOUT, 0);
}

// ---- one call alone ----

typedef struct alone {
  void (*ended)(load_call *c);
  void *user;
  bool over;
} alone;

static void note_end(load_call *call) { ((alone *)call->user)->over = true; }

nf_status load_client_ask(load_client *c, load_call *call) {
  alone a = {.ended = call->ended, .user = call->user};
  call->ended = note_end;
  call->user = &a;
  nf_status st = load_client_start(c, call);
  while (nf_is_ok(st) && !a.over) st = load_client_turn(c, (double)INFINITY);
  call->ended = a.ended;
  call->user = a.user;
  if (!nf_is_ok(st)) return st;
  st = call->error;
  call->error = nf_ok();
  if (nf_is_ok(st) && !is_success(call->status)) st = load_refusal(call->status, nf_text_view(&call->kept));
  return st;
}

// ---- the client ----

static nf_status make_headers(load_client *c, const char *key) {
  nf_text bearer = {0};
  nf_text_printf(&bearer, "Authorization: Bearer %s", key != NULL ? key : "");
  nf_status st = nf_text_status(&bearer);
  // "Expect:" without a value: bodies are not announced, which would cost a turn around the network.
  const char *const lines[] = {"Content-Type: application/json",
                               "Accept: text/event-stream, application/json",
                               "Expect:", key != NULL ? bearer.at : NULL};
  for (size_t i = 0; i < sizeof lines / sizeof *lines && nf_is_ok(st); i++) {
    if (lines[i] == NULL) continue;
    struct curl_slist *longer = curl.slist_append(c->headers, lines[i]);
    if (longer == NULL)
      st = nf_error(NF_NO_MEMORY, "no memory for headers");
    else
      c->headers = longer;
  }
  nf_text_deinit(&bearer);
  return st;
}

static nf_status open_client(load_client *c, const load_client_options *o) {
  nf_file_raise_limit(); // calls beyond it fail, and say so
  c->due = (double)INFINITY;
  NF_TRY(nf_make(&c->base, strlen(o->base) + 1, 1, "an address"));
  strcpy(c->base, o->base);
  c->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (c->epoll < 0) return failed("epoll", strerror(errno));
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (c->multi = curl.multi_init()) == NULL)
    return failed("libcurl", "it can't begin");
  curl.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
  curl.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
  return make_headers(c, o->key);
}

nf_status load_client_create(const load_client_options *o, load_client **out) {
  load_client *c = NULL;
  NF_TRY(load_curl_open(&curl));
  NF_TRY(nf_make(&c, 1, sizeof *c, "an HTTP client"));
  c->epoll = -1;
  const nf_status st = open_client(c, o);
  if (nf_is_ok(st))
    *out = c;
  else
    load_client_destroy(c);
  return st;
}

void load_client_destroy(load_client *c) {
  if (c == NULL) return;
  for (size_t i = 0; i < c->n_all; i++) {
    if (c->multi != NULL) curl.multi_remove_handle(c->multi, c->all[i]);
    curl.easy_cleanup(c->all[i]);
  }
  curl.multi_cleanup(c->multi);
  curl.slist_free_all(c->headers);
  if (c->epoll >= 0) close(c->epoll);
  nf_free(c->all);
  nf_free(c->free);
  nf_free(c->base);
  nf_free(c);
}

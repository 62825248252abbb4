// SPDX-License-Identifier: Apache-2.0
#include "server/replay.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { MOST_PEER = 256, MOST_PART = 4096 }; // bytes: of a peer's name; of what it sends at a time
enum { PATIENCE = 1000 };                   // ms that a reader may be slow at a time
// Seconds that a whole answer may take: all that is kept, some 5 MB, is sent in less over 10 Mbit/s. Others
// wait for it.
static const double whole = 5;

struct nf_replay {
  const nf_zmq *z;
  void *socket; // the thread's
  double whole; // seconds that an answer may take
  char endpoint[NF_ZMQ_ENDPOINT];
  pthread_t thread;
  nf_text message; // the thread's: one that is sent
  pthread_mutex_t lock;
  uint64_t next; // under the lock: number of the next one; and
  nf_text kept[NF_REPLAY_KEPT];
};

typedef struct request {
  unsigned char peer[MOST_PEER];
  size_t n_peer;
  uint64_t from;
} request;

void nf_replay_keep(nf_replay *r, nf_view message) {
  pthread_mutex_lock(&r->lock);
  nf_text *to = &r->kept[r->next++ % NF_REPLAY_KEPT];
  to->n = 0;
  nf_text_append(to, message.at, message.n);
  if (to->failed) nf_text_deinit(to);
  pthread_mutex_unlock(&r->lock);
}

// ---- the thread ----

// One part of a message. false: the context has ended. Whatever else goes wrong, such as a signal that stops
// the process for a while, is over by the next try.
static bool take(nf_replay *r, unsigned char *to, size_t room, size_t *n, bool *more) {
  int follows = 0;
  size_t size = sizeof follows;
  int got;
  while ((got = r->z->recv(r->socket, to, room, 0)) < 0)
    if (r->z->error() == NF_ZMQ_TERM) return false;
  *n = (size_t)got;
  *more = r->z->getsockopt(r->socket, NF_ZMQ_RCVMORE, &follows, &size) == 0 && follows != 0;
  return true;
}

// Whether there is a next one; what is no request has *good false.
static bool take_request(nf_replay *r, request *q, bool *good) {
  unsigned char number[NF_ZMQ_NUMBER], none[1];
  size_t n_none = 1, n_number = 0, n = 0;
  bool more;
  if (!take(r, q->peer, sizeof q->peer, &q->n_peer, &more)) return false;
  if (more && !take(r, none, sizeof none, &n_none, &more)) return false;
  if (more && !take(r, number, sizeof number, &n_number, &more)) return false;
  *good = n_none == 0 && n_number == sizeof number && !more && q->n_peer <= sizeof q->peer;
  if (*good) q->from = nf_zmq_number_of(number);
  while (more)
    if (!take(r, none, sizeof none, &n, &more)) return false;
  return true;
}

// Of the message of this number, if it is kept: a copy, so that who tells the next ones waits for no client.
static bool copy(nf_replay *r, uint64_t number) {
  r->message.n = 0;
  pthread_mutex_lock(&r->lock);
  if (r->next - number <= NF_REPLAY_KEPT) {
    const nf_text *from = &r->kept[number % NF_REPLAY_KEPT];
    nf_text_append(&r->message, from->at, from->n);
  }
  pthread_mutex_unlock(&r->lock);
  if (r->message.failed) nf_text_deinit(&r->message);
  return r->message.n != 0;
}

// Whether it could be sent: the reader may have gone, or reads too slowly.
static bool send_part(const nf_replay *r, const void *part, size_t n, int flags) {
  int sent;
  do sent = r->z->send(r->socket, part, n, flags);
  while (sent < 0 && r->z->error() == EINTR);
  return sent >= 0;
}

static bool answer(nf_replay *r, const request *q, uint64_t number, nf_view message) {
  char text[NF_ZMQ_NUMBER];
  nf_zmq_number(number, text);
  return send_part(r, q->peer, q->n_peer, NF_ZMQ_MORE) && send_part(r, "", 0, NF_ZMQ_MORE) &&
         send_part(r, text, sizeof text, NF_ZMQ_MORE) && send_part(r, message.at, message.n, 0);
}

// What takes too long is broken off, without the end that would say it is complete.
static void answer_all(nf_replay *r, const request *q) {
  const double latest = nf_now() + r->whole;
  pthread_mutex_lock(&r->lock);
  const uint64_t end = r->next, oldest = end > NF_REPLAY_KEPT ? end - NF_REPLAY_KEPT : 0;
  pthread_mutex_unlock(&r->lock);
  for (uint64_t i = q->from > oldest ? q->from : oldest; i < end; i++)
    if (copy(r, i) && (nf_now() > latest || !answer(r, q, i, nf_text_view(&r->message)))) return;
  answer(r, q, UINT64_MAX, NF_VIEW(""));
}

static void *run(void *replay) {
  nf_replay *r = replay;
  request q;
  bool good;
  while (take_request(r, &q, &good))
    if (good) answer_all(r, &q);
  r->z->close(r->socket);
  return NULL;
}

// ---- its life ----

static nf_status start_thread(nf_replay *r) {
  const int e = nf_thread_start(&r->thread, run, r);
  return e == 0 ? nf_ok()
                : nf_error(NF_UNAVAILABLE, "can't make a thread for page events: %s", strerrordesc_np(e));
}

static nf_status start(nf_replay *r, void *context, const nf_replay_options *o) {
  const int patience = PATIENCE, mandatory = 1;
  const int64_t most = MOST_PART;
  r->socket = r->z->socket(context, NF_ZMQ_ROUTER);
  if (r->socket == NULL) return nf_error(NF_NO_MEMORY, "no memory for page events");
  r->z->setsockopt(r->socket, NF_ZMQ_SNDTIMEO, &patience, sizeof patience);
  r->z->setsockopt(r->socket, NF_ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
  r->z->setsockopt(r->socket, NF_ZMQ_MAXMSGSIZE, &most, sizeof most);
  NF_TRY(nf_zmq_bind(r->z, r->socket, o->host, o->port, r->endpoint));
  return start_thread(r);
}

static void destroy(nf_replay *r) {
  for (size_t i = 0; i < NF_REPLAY_KEPT; i++) nf_text_deinit(&r->kept[i]);
  nf_text_deinit(&r->message);
  pthread_mutex_destroy(&r->lock);
  nf_free(r);
}

nf_status nf_replay_start(const nf_zmq *z, void *context, const nf_replay_options *o, nf_replay **out) {
  nf_replay *r;
  NF_TRY(nf_make(&r, 1, sizeof *r, "page events"));
  r->z = z;
  r->whole = o->whole > 0 ? o->whole : whole;
  pthread_mutex_init(&r->lock, NULL);
  const nf_status st = start(r, context, o);
  if (nf_is_ok(st)) return *out = r, st;
  if (r->socket != NULL) z->close(r->socket);
  destroy(r);
  return st;
}

const char *nf_replay_endpoint(const nf_replay *r) { return r->endpoint; }

void nf_replay_join(nf_replay *r) {
  if (r == NULL) return;
  pthread_join(r->thread, NULL);
  destroy(r);
}

// SPDX-License-Identifier: Apache-2.0
#include "engine/upload.h"

nf_status nf_upload_init(nf_upload *u, nf_device *d) {
  u->device = d;
  NF_TRY(nf_queue_create(d, &u->queue));
  pthread_mutex_init(&u->lock, NULL);
  pthread_cond_init(&u->given_back, NULL);
  return nf_ok();
}

nf_status nf_upload_finish(nf_upload *u) {
  const nf_status st = nf_queue_sync(u->queue);
  for (int i = 0; i < NF_MAX_UPLOADS; i++) {
    nf_device_free(u->device, &u->piece[i].memory);
    nf_event_destroy(u->piece[i].written);
  }
  nf_queue_destroy(u->queue);
  pthread_cond_destroy(&u->given_back);
  pthread_mutex_destroy(&u->lock);
  return st;
}

// ---- pieces ----

static bool is_free(const nf_upload_piece *p) {
  return !p->taken && (p->written == NULL || nf_event_happened(p->written));
}

// One that nobody fills and that has arrived, one that was used before rather than another. NULL: none.
static nf_upload_piece *find_free(nf_upload *u) {
  for (nf_upload_piece *p = u->piece; p < u->piece + NF_MAX_UPLOADS; p++)
    if (is_free(p)) return p;
  return NULL;
}

static bool any_on_its_way(const nf_upload *u) {
  for (int i = 0; i < NF_MAX_UPLOADS; i++)
    if (!u->piece[i].taken) return true;
  return false;
}

// NULL where what is on its way does not arrive.
static nf_upload_piece *wait_for_free(nf_upload *u) {
  nf_upload_piece *p;
  while ((p = find_free(u)) == NULL) {
    if (any_on_its_way(u)) {
      const nf_status st = nf_queue_sync(u->queue);
      const bool arrived = nf_is_ok(st);
      nf_status_free(st); // comes again in commit or finish
      if (!arrived) return NULL;
    } else
      pthread_cond_wait(&u->given_back, &u->lock);
  }
  return p;
}

// One that is too small is made again: pieces of a model are nearly all of one size.
static nf_status make_room(nf_upload *u, nf_upload_piece *p, size_t n) {
  if (p->written == NULL) NF_TRY(nf_event_create(u->device, &p->written));
  if (p->memory.bytes >= n) return nf_ok();
  nf_device_free(u->device, &p->memory);
  return nf_device_alloc_in(u->device, NF_ON_HOST, n, &p->memory);
}

static void *take(nf_upload *u, size_t n) {
  nf_upload_piece *p = wait_for_free(u);
  if (p == NULL) return NULL;
  const nf_status st = make_room(u, p, n);
  p->taken = nf_is_ok(st);
  nf_status_free(st);
  return p->taken ? p->memory.host : NULL;
}

// ---- the sink ----

static void *room(void *self, size_t at, size_t n) {
  nf_upload *u = self;
  (void)at;
  pthread_mutex_lock(&u->lock);
  void *out = take(u, n);
  pthread_mutex_unlock(&u->lock);
  return out;
}

static nf_status send(nf_upload *u, const nf_upload_piece *p, size_t at, size_t n) {
  NF_TRY(nf_queue_write(u->queue, u->to, at, p->memory.host, n));
  return nf_queue_record(u->queue, p->written);
}

static nf_status commit(void *self, void *room, size_t at, size_t n) {
  nf_upload *u = self;
  nf_upload_piece *p = u->piece;
  pthread_mutex_lock(&u->lock);
  while (p->memory.host != room) p++;
  const nf_status st = send(u, p, at, n);
  p->taken = false;
  pthread_cond_signal(&u->given_back);
  pthread_mutex_unlock(&u->lock);
  return st;
}

nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to) {
  u->to = to;
  return to->host != NULL ? nf_weight_memory(to->host) : (nf_weight_sink){u, room, commit};
}

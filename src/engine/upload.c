// SPDX-License-Identifier: Apache-2.0
#include "engine/upload.h"
#include "base/checked.h"

nf_status nf_upload_init(nf_upload *u, nf_device *d, uint64_t total) {
  u->device = d;
  u->pieces = (int)nf_min(NF_MAX_UPLOADS, 1 + (int64_t)(total / NF_UPLOAD_PIECE));
  NF_TRY(nf_queue_create(d, &u->queue));
  pthread_mutex_init(&u->lock, NULL);
  pthread_cond_init(&u->sent, NULL);
  return nf_ok();
}

nf_status nf_upload_finish(nf_upload *u) {
  const nf_status st = nf_status_join(u->refused, nf_queue_sync(u->queue));
  for (int i = 0; i < NF_MAX_UPLOADS; i++) {
    nf_device_free(u->device, &u->piece[i].own);
    nf_event_destroy(u->piece[i].arrived);
  }
  nf_device_free(u->device, &u->slab);
  nf_queue_destroy(u->queue);
  pthread_cond_destroy(&u->sent);
  pthread_mutex_destroy(&u->lock);
  return st;
}

// ---- pieces ----

static void collect(nf_upload *u) {
  while (u->n_going > 0 && nf_event_happened(u->piece[u->going[u->first]].arrived)) {
    u->idle[u->n_idle++] = u->going[u->first];
    u->first = (u->first + 1) % NF_MAX_UPLOADS;
    u->n_going--;
  }
}

// One that has arrived, else a new one, else the one that will arrive next, or that somebody has in hand.
static nf_status take_index(nf_upload *u, int *out) {
  for (collect(u); u->n_idle == 0; collect(u)) {
    if (u->made < u->pieces) {
      NF_TRY(nf_event_create(u->device, &u->piece[u->made].arrived));
      return *out = u->made++, nf_ok();
    }
    if (u->n_going > 0)
      NF_TRY(nf_event_sync(u->piece[u->going[u->first]].arrived));
    else
      pthread_cond_wait(&u->sent, &u->lock);
  }
  return *out = u->idle[--u->n_idle], nf_ok();
}

// A piece's place in the slab, which is made by who is first; memory of its own for more than fits there, as
// nearly nothing of a model does.
static nf_status memory_of(nf_upload *u, int i, size_t n, void **out) {
  nf_buffer *own = &u->piece[i].own;
  if (n <= NF_UPLOAD_PIECE) {
    if (u->slab.host == NULL)
      NF_TRY(nf_device_alloc_in(u->device, NF_ON_HOST, (size_t)u->pieces * NF_UPLOAD_PIECE, &u->slab));
    return *out = (char *)u->slab.host + (size_t)i * NF_UPLOAD_PIECE, nf_ok();
  }
  if (own->bytes < n) {
    nf_device_free(u->device, own);
    NF_TRY(nf_device_alloc_in(u->device, NF_ON_HOST, n, own));
  }
  return *out = own->host, nf_ok();
}

static nf_status take(nf_upload *u, size_t n, void **out) {
  int i;
  *out = NULL;
  NF_TRY(take_index(u, &i));
  const nf_status st = memory_of(u, i, n, out);
  if (nf_is_ok(st))
    u->piece[i].room = *out;
  else
    u->idle[u->n_idle++] = i;
  return st;
}

// ---- the sink ----

static void *room(void *self, size_t at, size_t n) {
  nf_upload *u = self;
  void *out = NULL;
  (void)at;
  pthread_mutex_lock(&u->lock);
  const nf_status st = take(u, n, &out);
  if (!nf_is_ok(st)) u->refused = nf_status_join(u->refused, nf_status_note(st, "to upload weights by"));
  pthread_mutex_unlock(&u->lock);
  return out;
}

static int index_of(const nf_upload *u, const void *room) {
  int i = 0;
  while (u->piece[i].room != room) i++;
  return i;
}

static nf_status send(nf_upload *u, int i, size_t at, size_t n) {
  NF_TRY(nf_queue_write(u->queue, u->to, at, u->piece[i].room, n));
  return nf_queue_record(u->queue, u->piece[i].arrived);
}

static nf_status commit(void *self, void *room, size_t at, size_t n) {
  nf_upload *u = self;
  pthread_mutex_lock(&u->lock);
  const int i = index_of(u, room);
  const nf_status st = send(u, i, at, n);
  u->going[(u->first + u->n_going++) % NF_MAX_UPLOADS] = i;
  pthread_cond_signal(&u->sent);
  pthread_mutex_unlock(&u->lock);
  return st;
}

nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to) {
  u->to = to;
  return to->host != NULL ? nf_weight_memory(to->host) : (nf_weight_sink){u, room, commit};
}

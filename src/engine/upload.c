// SPDX-License-Identifier: Apache-2.0
#include "engine/upload.h"

void nf_upload_init(nf_upload *u, nf_device *d) {
  *u = (nf_upload){.device = d};
  pthread_mutex_init(&u->lock, NULL);
  pthread_cond_init(&u->given_back, NULL);
}

void nf_upload_deinit(nf_upload *u) {
  for (int i = 0; i < NF_MAX_UPLOADS; i++) nf_device_free(u->device, &u->piece[i]);
  pthread_cond_destroy(&u->given_back);
  pthread_mutex_destroy(&u->lock);
}

// One that is too small is made again: pieces of a model are nearly all of one size.
static void *take(nf_upload *u, size_t n) {
  int i = 0;
  for (; u->taken[i]; i = (i + 1) % NF_MAX_UPLOADS)
    if (i == NF_MAX_UPLOADS - 1) pthread_cond_wait(&u->given_back, &u->lock);
  nf_buffer *b = &u->piece[i];
  if (b->bytes < n) {
    nf_device_free(u->device, b);
    const nf_status st = nf_device_alloc_in(u->device, NF_ON_HOST, n, b);
    if (!nf_is_ok(st)) *b = (nf_buffer){0};
    nf_status_free(st);
  }
  u->taken[i] = b->host != NULL;
  return b->host;
}

static void *room(void *self, size_t at, size_t n) {
  nf_upload *u = self;
  (void)at;
  pthread_mutex_lock(&u->lock);
  void *out = take(u, n);
  pthread_mutex_unlock(&u->lock);
  return out;
}

static nf_status commit(void *self, void *room, size_t at, size_t n) {
  nf_upload *u = self;
  pthread_mutex_lock(&u->lock);
  const nf_status st = nf_device_write(u->device, u->to, at, room, n);
  for (int i = 0; i < NF_MAX_UPLOADS; i++)
    if (u->piece[i].host == room) u->taken[i] = false;
  pthread_cond_signal(&u->given_back);
  pthread_mutex_unlock(&u->lock);
  return st;
}

nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to) {
  u->to = to;
  return to->host != NULL ? nf_weight_memory(to->host) : (nf_weight_sink){u, room, commit};
}

// SPDX-License-Identifier: Apache-2.0
// Loading a weight: its planes in blocks of strips, over the threads, into a sink.
#include "base/checked.h"
#include "base/memory.h"
#include "checkpoint/weights_rows.h"
#include <pthread.h>
#include <string.h>

static void *memory_room(void *self, size_t at, size_t n) {
  (void)n;
  return (char *)self + at;
}
static nf_status memory_commit(void *self, void *room, size_t at, size_t n) {
  (void)self, (void)room, (void)at, (void)n;
  return nf_ok();
}
nf_weight_sink nf_weight_memory(void *data) { return (nf_weight_sink){data, memory_room, memory_commit}; }

// ---- what comes first, whichever thread finds it ----

void nf_first_init(nf_first *f) {
  *f = (nf_first){.block = INT64_MAX};
  pthread_mutex_init(&f->lock, NULL);
}

void nf_first_keep(nf_first *f, int64_t block, nf_status st) {
  if (nf_is_ok(st)) return;
  pthread_mutex_lock(&f->lock);
  if (block < atomic_load(&f->block)) {
    nf_status other = f->st;
    f->st = st, st = other;
    atomic_store(&f->block, block);
  }
  pthread_mutex_unlock(&f->lock);
  nf_status_free(st);
}

nf_status nf_first_deinit(nf_first *f) {
  pthread_mutex_destroy(&f->lock);
  return f->st;
}

// ---- blocks ----

typedef struct job {
  nf_weight_loader *loader;
  const nf_weight_sink *sink;
  nf_plane plane[2];
  int n;
  int64_t blocks[2]; // of a matrix of each plane
  pthread_t caller;
  _Atomic uint64_t done;
  nf_first failed;
} job;

// Strips that are read at once, and that are a thread's. Small weights are for many threads, too.
static int64_t strips_of_piece(const nf_plane *p) {
  const int64_t strip = nf_max(1, nf_strip_bytes(&p->strip)), share = p->matrices * p->strips * strip / 16;
  return nf_max(1, nf_max(NF_WEIGHT_PIECE, nf_min(NF_WEIGHT_MOST, share)) / strip);
}
static int64_t strips_of_block(const nf_plane *p) { return nf_max(p->grain, strips_of_piece(p)); }

static nf_status put_piece(job *j, const nf_plane *p, nf_weight_scratch *s, int64_t matrix, int64_t strip,
                           int64_t n) {
  const size_t bytes = (size_t)nf_strip_bytes(&p->strip);
  const size_t at = p->at + (size_t)(matrix * p->strips + strip) * bytes;
  void *room = j->sink->room(j->sink->self, at, (size_t)n * bytes);
  if (!room) return nf_error(NF_NO_MEMORY, "no memory to hand on %zu bytes of a weight", (size_t)n * bytes);
  const nf_status read = nf_plane_read(p, s, matrix, strip, n, room);
  const nf_status committed = j->sink->commit(j->sink->self, room, at, (size_t)n * bytes); // given back
  if (!nf_is_ok(read)) nf_status_free(committed);
  NF_TRY(nf_is_ok(read) ? committed : read);
  atomic_fetch_add_explicit(&j->done, (size_t)n * bytes, memory_order_relaxed);
  return nf_ok();
}

// Progress is told by the thread that loads, between its own pieces.
static nf_status tell(job *j) {
  nf_weight_loader *l = j->loader;
  if (!l->log || !pthread_equal(pthread_self(), j->caller)) return nf_ok();
  return nf_log_progress(l->log, "loading weights", l->done + atomic_load(&j->done), l->total);
}

static nf_status put_block(job *j, const nf_plane *p, nf_weight_scratch *s, int64_t matrix, int64_t block) {
  const int64_t most = strips_of_block(p), end = nf_min(p->strips, (block + 1) * most);
  for (int64_t strip = block * most, n; strip < end; strip += n) {
    if (atomic_load_explicit(&j->failed.block, memory_order_relaxed) <= s->block) return nf_ok();
    n = nf_min(strips_of_piece(p), end - strip);
    NF_TRY(put_piece(j, p, s, matrix, strip, n));
    const nf_status st = tell(j);
    if (!nf_is_ok(st)) nf_first_keep(&j->failed, -1, st);
  }
  return nf_ok();
}

static nf_weight_scratch *take_scratch(const nf_weight_loader *l) {
  for (nf_weight_scratch *s = l->scratch;; s++)
    if (!atomic_exchange(&s->taken, true)) return s;
}

static void run_block(const void *arg, int64_t block) {
  job *j = (job *)arg;
  const int64_t first = j->plane[0].matrices * j->blocks[0];
  const int of = block >= first;
  const int64_t i = of ? block - first : block;
  nf_weight_scratch *s = take_scratch(j->loader);
  s->block = block;
  nf_first_keep(&j->failed, block, put_block(j, &j->plane[of], s, i / j->blocks[of], i % j->blocks[of]));
  atomic_store(&s->taken, false);
}

static void run(nf_threads *t, int64_t blocks, job *j) {
  for (int64_t b = 0; !t && b < blocks; b++) run_block(j, b);
  if (t) nf_threads_run(t, blocks, run_block, j);
}

nf_status nf_weight_put(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_source *from,
                        const nf_weight_sink *sink) {
  const size_t threads = l->threads ? (size_t)nf_threads_count(l->threads) : 1;
  job j = {.loader = l, .sink = sink, .caller = pthread_self()};
  int64_t blocks = 0;
  if (!l->scratch) l->scratch = nf_alloc(threads, sizeof *l->scratch);
  if (!l->scratch) return nf_error(NF_NO_MEMORY, "no memory to load weight '%s'", v->name);
  for (size_t i = 0; i < threads; i++) l->scratch[i].slab_of = NULL;
  NF_TRY(nf_weight_planes(v, rank, from, j.plane, &j.n));
  nf_first_init(&j.failed);
  for (int i = 0; i < j.n; i++) {
    j.blocks[i] = nf_ceil_div(j.plane[i].strips, strips_of_block(&j.plane[i]));
    blocks += j.plane[i].matrices * j.blocks[i];
  }
  run(l->threads, blocks, &j);
  l->done += atomic_load(&j.done);
  return nf_first_deinit(&j.failed);
}

void nf_weight_loader_deinit(nf_weight_loader *l) {
  const int threads = l->threads ? nf_threads_count(l->threads) : 1;
  for (int i = 0; l->scratch && i < threads; i++) {
    nf_free(l->scratch[i].rows.data);
    nf_free(l->scratch[i].file.data);
    nf_free(l->scratch[i].slab.data);
  }
  nf_free(l->scratch);
  l->scratch = NULL;
}

nf_status nf_weight_load(nf_weight_loader *l, const nf_value *v, int rank, int64_t padding,
                         const nf_weight_sink *sink) {
  return l->files ? nf_weight_read(l, v, rank, padding, sink) : nf_weight_make(l, v, rank, sink);
}

// SPDX-License-Identifier: Apache-2.0
// Ranks as threads of one process, which wait for one another at gates.
#include "comm/ranks.h"
#include "base/cores.h"
#include "base/gate.h"
#include "base/thread.h"
#include <limits.h>
#include <pthread.h>
#include <string.h>

enum { GONE = 1, ROUND = 2 }; // of the barrier's word: a rank has returned; rounds are counted above it

struct nf_ranks {
  int world;
  nf_patience patience;
  bool started, begun; // threads are there; a run that nobody has waited for yet
  nf_status (*f)(void *user, int rank);
  void *user;
  nf_status *result; // [world]
  struct rank {
    nf_ranks *ranks;
    pthread_t thread;
    bool has_thread;      // rank 0: once a run was begun
  } * rank;               // [world]
  nf_gate runs;           // goes up with every run, and once to stop
  nf_gate begins;         // the same for rank 0, with every run that its own thread takes part in
  nf_gate running;        // threads of this run that have not returned
  nf_gate barrier;        // round and GONE
  _Atomic int arrived;    // at the barrier
  _Atomic int first_gone; // rank that returned first, -1: none
  _Atomic int failed;     // rank that failed first, -1: none
  _Atomic bool stop;
};

// ---- a run ----

static void set_once(_Atomic int *to, int rank) {
  int none = -1;
  atomic_compare_exchange_strong(to, &none, rank);
}

// Who fails is noted before anybody is released, so errors that follow from it never come first.
static void work(nf_ranks *r, int rank) {
  r->result[rank] = r->f(r->user, rank);
  if (!nf_is_ok(r->result[rank])) set_once(&r->failed, rank);
  set_once(&r->first_gone, rank);
  atomic_fetch_or(&r->barrier.word, GONE);
  nf_gate_wake(&r->barrier, INT_MAX);
}

static nf_gate *gate_of(nf_ranks *r, int rank) { return rank == 0 ? &r->begins : &r->runs; }

static void *rank_thread(void *arg) {
  const struct rank *own = arg;
  nf_ranks *r = own->ranks;
  const int rank = (int)(own - r->rank);
  for (uint32_t seen = 0;;) {
    seen = nf_gate_await(gate_of(r, rank), seen, r->patience);
    if (atomic_load(&r->stop)) return NULL;
    work(r, rank);
    atomic_fetch_sub(&r->running.word, 1);
    nf_gate_wake(&r->running, INT_MAX);
  }
}

static void open_gate(nf_gate *g) {
  atomic_fetch_add(&g->word, 1);
  nf_gate_wake(g, INT_MAX);
}

// `threads` take part, the caller may besides.
static nf_status set_going(nf_ranks *r, nf_status (*f)(void *user, int rank), void *user, int threads) {
  if (!r->started && r->world > 1) return nf_error(NF_INTERNAL, "%d ranks were never started", r->world);
  if (r->begun) return nf_error(NF_INTERNAL, "the ranks' last run was not waited for");
  r->f = f;
  r->user = user;
  r->first_gone = r->failed = -1;
  r->arrived = 0;
  atomic_fetch_and(&r->barrier.word, ~(uint32_t)GONE);
  atomic_store(&r->running.word, (uint32_t)threads);
  open_gate(&r->runs);
  return nf_ok();
}

static nf_status first_error(nf_ranks *r) {
  nf_status st = nf_ok();
  for (int i = 0; i < r->world; i++) {
    if (i == r->failed)
      st = r->result[i];
    else
      nf_status_free(r->result[i]);
    r->result[i] = nf_ok();
  }
  return st;
}

static nf_status finish(nf_ranks *r) {
  for (uint32_t n = nf_gate_word(&r->running); n != 0;) n = nf_gate_await(&r->running, n, r->patience);
  return first_error(r);
}

static nf_status create_thread(nf_ranks *r, int rank) {
  struct rank *own = &r->rank[rank];
  if (own->has_thread) return nf_ok();
  const int e = nf_thread_start(&own->thread, rank_thread, own);
  own->has_thread = e == 0;
  if (e == 0) return nf_ok();
  return nf_error(NF_UNAVAILABLE, "can't make the thread of rank %d of %d: %s", rank, r->world,
                  strerrordesc_np(e));
}

nf_status nf_ranks_run(nf_ranks *r, nf_status (*f)(void *user, int rank), void *user) {
  if (r->world == 1 && !r->begun) return f(user, 0);
  NF_TRY(set_going(r, f, user, r->world - 1));
  work(r, 0);
  return finish(r);
}

nf_status nf_ranks_begin(nf_ranks *r, nf_status (*f)(void *user, int rank), void *user) {
  NF_TRY(create_thread(r, 0));
  NF_TRY(set_going(r, f, user, r->world));
  r->begun = true;
  open_gate(&r->begins);
  return nf_ok();
}

bool nf_ranks_poll(nf_ranks *r) { return !r->begun || nf_gate_word(&r->running) == 0; }

nf_status nf_ranks_wait(nf_ranks *r) {
  if (!r->begun) return nf_ok();
  r->begun = false;
  return finish(r);
}

nf_status nf_ranks_barrier(nf_ranks *r, int rank) {
  if (r->world == 1) return nf_ok();
  const uint32_t seen = nf_gate_word(&r->barrier);
  if ((seen & GONE) == 0) {
    if (atomic_fetch_add(&r->arrived, 1) + 1 == r->world) {
      atomic_store(&r->arrived, 0); // nobody comes back before the gate opens
      atomic_fetch_add(&r->barrier.word, ROUND);
      nf_gate_wake(&r->barrier, INT_MAX);
      return nf_ok();
    }
    if ((nf_gate_await(&r->barrier, seen, r->patience) & ~(uint32_t)GONE) != seen) return nf_ok();
  }
  return nf_error(NF_CANCELLED, "rank %d waits for rank %d, which has returned", rank, r->first_gone);
}

static nf_status wait_for_all(void *user, int rank) { return nf_ranks_barrier(user, rank); }

nf_barrier nf_ranks_barrier_of(nf_ranks *r, int rank) {
  return (nf_barrier){.world = r->world, .rank = rank, .wait = wait_for_all, .user = r};
}

// ---- making them ----

nf_status nf_ranks_create(int world, int threads, nf_ranks **out) {
  if (world < 1 || world > NF_MAX_WORLD)
    return nf_error(NF_USAGE, "%d ranks; there may be 1 to %d", world, NF_MAX_WORLD);
  nf_ranks *r = nf_alloc_aligned(sizeof *r);
  if (r != NULL) memset(r, 0, sizeof *r);
  if (r != NULL) r->result = nf_alloc((size_t)world, sizeof *r->result);
  if (r != NULL) r->rank = nf_alloc((size_t)world, sizeof *r->rank);
  if (r == NULL || r->result == NULL || r->rank == NULL) {
    nf_ranks_destroy(r);
    return nf_error(NF_NO_MEMORY, "no memory for %d ranks", world);
  }
  r->world = world;
  r->patience = nf_patience_of((int64_t)world * threads <= nf_cores());
  for (int i = 0; i < world; i++) r->rank[i].ranks = r;
  *out = r;
  return nf_ok();
}

nf_status nf_ranks_start(nf_ranks *r) {
  for (int i = 1; i < r->world; i++) NF_TRY(create_thread(r, i));
  r->started = true;
  return nf_ok();
}

void nf_ranks_destroy(nf_ranks *r) {
  if (r == NULL) return;
  nf_status_free(nf_ranks_wait(r));
  atomic_store(&r->stop, true);
  open_gate(&r->runs);
  open_gate(&r->begins);
  for (int i = 0; r->rank != NULL && i < r->world; i++)
    if (r->rank[i].has_thread) pthread_join(r->rank[i].thread, NULL);
  nf_free(r->result);
  nf_free(r->rank);
  nf_free_aligned(r);
}

int nf_ranks_world(const nf_ranks *r) { return r->world; }

// SPDX-License-Identifier: Apache-2.0
// The pool. The caller of a run works too and never waits for a worker that has not joined it, so a worker
// that the system wakes late costs nothing. Workers spin shortly, then sleep on a futex.
#include "base/threads.h"
#include "base/futex.h"
#include "base/memory.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// SPINS are 5 to 20 us: longer than the gap between two ops, shorter than what another process would miss.
enum { THREADS_MAX = 4096, SPINS = 400 };
enum { OPEN = 1u << 31, WAITING = 1u << 30 }; // of `state`; the bits below count the workers inside

struct nf_threads {
  int n, spins;
  pthread_t *thread; // n - 1
  void (*f)(const void *arg, int64_t block);
  const void *arg;
  int64_t blocks;
  alignas(NF_CACHE_LINE) _Atomic int64_t next; // block to run
  alignas(NF_CACHE_LINE) _Atomic uint32_t state;
  alignas(NF_CACHE_LINE) _Atomic uint32_t epoch; // goes up with every run, and once to stop
  _Atomic uint32_t sleepers;
  _Atomic bool stop;
};

static void work(nf_threads *t) {
  for (int64_t b; (b = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed)) < t->blocks;)
    t->f(t->arg, b);
}

static bool join_run(nf_threads *t) {
  uint32_t s = atomic_load_explicit(&t->state, memory_order_relaxed);
  while (s & OPEN)
    if (atomic_compare_exchange_weak_explicit(&t->state, &s, s + 1, memory_order_acquire,
                                              memory_order_relaxed))
      return true;
  return false;
}

static void leave_run(nf_threads *t) {
  uint32_t before = atomic_fetch_sub_explicit(&t->state, 1, memory_order_release);
  if (before == (WAITING | 1)) nf_futex_wake(&t->state, 1);
}

static uint32_t next_epoch(nf_threads *t, uint32_t seen) {
  for (int i = 0;; i++) {
    uint32_t e = atomic_load(&t->epoch);
    if (e != seen) return e;
    if (i < t->spins)
      nf_pause();
    else {
      // Both sides are sequentially consistent: either start() sees the sleeper, or the futex sees the new
      // epoch.
      atomic_fetch_add(&t->sleepers, 1);
      nf_futex_wait(&t->epoch, seen);
      atomic_fetch_sub(&t->sleepers, 1);
    }
  }
}

static void start(nf_threads *t, int wake) {
  atomic_fetch_add(&t->epoch, 1);
  if (atomic_load(&t->sleepers) > 0) nf_futex_wake(&t->epoch, wake);
}

static void *worker(void *arg) {
  nf_threads *t = arg;
  for (uint32_t seen = 0;;) {
    seen = next_epoch(t, seen);
    if (atomic_load(&t->stop)) return NULL;
    if (!join_run(t)) continue;
    work(t);
    leave_run(t);
  }
}

static void wait_until_empty(nf_threads *t) {
  uint32_t s = atomic_fetch_and_explicit(&t->state, ~(uint32_t)OPEN, memory_order_acquire) & ~(uint32_t)OPEN;
  for (int i = 0; s & ~(uint32_t)WAITING; i++) {
    if (i < t->spins)
      nf_pause();
    else if (s & WAITING)
      nf_futex_wait(&t->state, s);
    else
      atomic_fetch_or_explicit(&t->state, WAITING, memory_order_relaxed);
    s = atomic_load_explicit(&t->state, memory_order_acquire);
  }
}

void nf_threads_run(nf_threads *t, int64_t blocks, void (*f)(const void *arg, int64_t block),
                    const void *arg) {
  if (t->n == 1 || blocks <= 1) {
    for (int64_t b = 0; b < blocks; b++) f(arg, b);
    return;
  }
  t->f = f;
  t->arg = arg;
  t->blocks = blocks;
  atomic_store_explicit(&t->next, 0, memory_order_relaxed);
  atomic_store_explicit(&t->state, OPEN, memory_order_release);
  start(t, blocks < t->n ? (int)blocks - 1 : t->n - 1);
  work(t);
  wait_until_empty(t);
}

// Signals of the process are for its own threads.
static int create_thread(nf_threads *t, int i) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int e = pthread_create(&t->thread[i], NULL, worker, t);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return e;
}

nf_status nf_threads_create(int n, nf_threads **out) {
  if (n < 0 || n > THREADS_MAX)
    return nf_error(NF_USAGE, "%d threads: 1 to %d, or 0 for one per core", n, THREADS_MAX);
  int cores = nf_cores();
  if (n == 0) n = cores < THREADS_MAX ? cores : THREADS_MAX;
  nf_threads *t = nf_alloc_aligned(sizeof *t);
  pthread_t *thread = nf_alloc((size_t)n, sizeof *thread);
  if (t == NULL || thread == NULL) {
    nf_free_aligned(t);
    nf_free(thread);
    return nf_error(NF_NO_MEMORY, "no memory for %d threads", n);
  }
  memset(t, 0, sizeof *t);
  t->spins = n <= cores ? SPINS : 0; // with more threads than cores a spinning one delays a working one
  t->thread = thread;
  for (t->n = 1; t->n < n; t->n++) {
    int e = create_thread(t, t->n - 1);
    if (e == 0) continue;
    nf_status st =
        nf_error(NF_UNAVAILABLE, "can't make thread %d of %d: %s", t->n + 1, n, strerrordesc_np(e));
    nf_threads_destroy(t);
    return st;
  }
  *out = t;
  return nf_ok();
}

void nf_threads_destroy(nf_threads *t) {
  if (t == NULL) return;
  atomic_store(&t->stop, true);
  start(t, INT_MAX);
  for (int i = 0; i < t->n - 1; i++) pthread_join(t->thread[i], NULL);
  nf_free(t->thread);
  nf_free_aligned(t);
}

int nf_threads_count(const nf_threads *t) { return t->n; }

int nf_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long n = sysconf(_SC_NPROCESSORS_ONLN); // more CPUs than cpu_set_t holds
  return n > 0 && n < INT_MAX ? (int)n : 1;
}

// SPDX-License-Identifier: Apache-2.0
// The pool. The caller of a walk works too and never waits for a worker that has not joined it or has no
// block in hand, so a worker that the system wakes late costs nothing.
#include "base/threads.h"
#include "base/checked.h"
#include "base/cores.h"
#include "base/gate.h"
#include "base/thread.h"
#include <limits.h>
#include <pthread.h>
#include <string.h>

enum { THREADS_MAX = 4096 };
enum { OPEN = 1u << 31 };    // of `inside`; the bits below count the workers
enum { ENDED = UINT32_MAX }; // of `done`
enum { NEXT_BITS = 40 };     // of a share; the group, from 1, is above them
enum { GROUP_MAX = 8 };      // jobs side by side
// Shares mostly end together, and to look for work is not free: how often who has ended his looks whether all
// have, before he takes shares that nobody has begun, and before he helps those who are at work.
enum { LOOKS_FIRST = 8, LOOKS_THEN = 64 };

typedef struct nf_worker {
  // The group whose share this is and the next block of it. Who finds that of an earlier group begins the new
  // one: nothing is left to take of groups before the one that anybody works on.
  alignas(NF_CACHE_LINE) _Atomic uint64_t share;
  nf_threads *pool;
  int index; // 0: who calls
  pthread_t thread;
} nf_worker;

struct nf_threads {
  int n, wake; // wake: workers that a walk calls, no more than cores: who has none delays who has one
  nf_patience patience;
  nf_worker *worker; // [n]
  const nf_jobs *jobs;
  alignas(NF_CACHE_LINE) _Atomic int64_t finished; // blocks of this walk
  nf_gate done;                                    // groups of this walk, or ENDED
  nf_gate inside;                                  // workers, and whether more may come
  nf_gate epoch;                                   // goes up with every walk, and once to stop
  _Atomic bool stop;
};

// ---- a group: a job and those beside it ----

typedef struct group {
  uint32_t index;
  size_t first, n;
  int64_t blocks[GROUP_MAX], before; // of jobs; of groups before it
} group;

static group group_from(const nf_jobs *jobs, size_t first, uint32_t index, int64_t before) {
  group g = {.index = index, .first = first, .before = before};
  do {
    g.blocks[g.n] = jobs->blocks(jobs->arg, first + g.n);
    g.n++;
  } while (first + g.n < jobs->n && g.n < GROUP_MAX && jobs->beside != NULL &&
           jobs->beside(jobs->arg, first + g.n));
  return g;
}

static int64_t end_of(const group *g) {
  int64_t end = g->before;
  for (size_t i = 0; i < g->n; i++) end += g->blocks[i];
  return end;
}

// Where the share of worker w of `blocks` begins.
static int64_t first_of(const nf_threads *t, int w, int64_t blocks) { return (w * blocks + t->n - 1) / t->n; }

static int64_t share_of(const nf_threads *t, int w, int64_t blocks) {
  return first_of(t, w + 1, blocks) - first_of(t, w, blocks);
}

// ---- shares ----

// The next block of w's share of all jobs of the group, -1 when all `most` are taken.
static int64_t take(nf_threads *t, int w, const group *g, int64_t most) {
  const uint64_t mine = (uint64_t)(g->index + 1) << NEXT_BITS, mask = (1ull << NEXT_BITS) - 1;
  _Atomic uint64_t *share = &t->worker[w].share;
  uint64_t was = atomic_load_explicit(share, memory_order_relaxed);
  for (;;) {
    const uint64_t now = (was & ~mask) < mine ? mine : was;
    if ((now & ~mask) != mine || (int64_t)(now & mask) >= most) return -1;
    if (atomic_compare_exchange_weak_explicit(share, &was, now + 1, memory_order_relaxed,
                                              memory_order_relaxed))
      return (int64_t)(now & mask);
  }
}

static void run_block(const nf_threads *t, const group *g, int w, int64_t i, int thread) {
  size_t job = 0;
  for (int64_t n; i >= (n = share_of(t, w, g->blocks[job])); job++) i -= n;
  t->jobs->run(t->jobs->arg, g->first + job, first_of(t, w, g->blocks[job]) + i, thread);
}

// What is left of worker w's share, on `thread`.
static void run_share(nf_threads *t, const group *g, int w, int thread) {
  int64_t most = 0, ran = 0;
  for (size_t i = 0; i < g->n; i++) most += share_of(t, w, g->blocks[i]);
  for (int64_t i; (i = take(t, w, g, most)) >= 0; ran++) run_block(t, g, w, i, thread);
  if (ran == 0 || atomic_fetch_add_explicit(&t->finished, ran, memory_order_acq_rel) + ran != end_of(g))
    return;
  uint32_t now = g->index;
  if (atomic_compare_exchange_strong(&t->done.word, &now, now + 1)) nf_gate_wake(&t->done, INT_MAX);
}

// ---- a walk ----

static bool is_done(nf_threads *t, const group *g) { return nf_gate_word(&t->done) > g->index; }

static bool soon_done(nf_threads *t, const group *g, int looks) {
  for (int i = 0; i < looks && t->patience.spins != 0; i++, nf_pause())
    if (is_done(t, g)) return true;
  return is_done(t, g);
}

static bool has_begun(nf_threads *t, int w, const group *g) {
  return atomic_load_explicit(&t->worker[w].share, memory_order_relaxed) >> NEXT_BITS > g->index;
}

static void run_group(nf_threads *t, const group *g, int thread) {
  run_share(t, g, thread, thread);
  if (soon_done(t, g, LOOKS_FIRST)) return;
  for (int i = 1, w; i < t->n; i++)
    if (!has_begun(t, w = (thread + i) % t->n, g)) run_share(t, g, w, thread);
  if (soon_done(t, g, LOOKS_THEN)) return;
  for (int i = 1; i < t->n; i++) run_share(t, g, (thread + i) % t->n, thread);
  for (uint32_t now = nf_gate_word(&t->done); now <= g->index;)
    now = nf_gate_await(&t->done, now, t->patience);
}

static void end_walk(nf_threads *t) {
  atomic_store(&t->done.word, (uint32_t)ENDED);
  nf_gate_wake(&t->done, INT_MAX);
}

// Jobs without a block are done as they are met. Returns how many jobs are done.
static size_t walk(nf_threads *t, int thread) {
  const nf_jobs *jobs = t->jobs;
  int64_t before = 0;
  uint32_t index = 0;
  for (size_t first = 0; first < jobs->n;) {
    if (thread == 0 && jobs->stop != NULL && jobs->stop(jobs->arg)) return end_walk(t), first;
    if (nf_gate_word(&t->done) == ENDED) return first;
    const group g = group_from(jobs, first, index, before);
    first += g.n;
    if (end_of(&g) == before) continue;
    if (!is_done(t, &g)) run_group(t, &g, thread);
    before = end_of(&g);
    index++;
  }
  return jobs->n;
}

static size_t walk_alone(const nf_jobs *jobs) {
  for (size_t job = 0; job < jobs->n; job++) {
    if (jobs->stop != NULL && jobs->stop(jobs->arg)) return job;
    const int64_t blocks = jobs->blocks(jobs->arg, job);
    for (int64_t b = 0; b < blocks; b++) jobs->run(jobs->arg, job, b, 0);
  }
  return jobs->n;
}

// ---- joining ----

static bool join(nf_threads *t) {
  uint32_t s = atomic_load_explicit(&t->inside.word, memory_order_relaxed);
  while (s & OPEN)
    if (atomic_compare_exchange_weak_explicit(&t->inside.word, &s, s + 1, memory_order_acquire,
                                              memory_order_relaxed))
      return true;
  return false;
}

static void leave(nf_threads *t) {
  atomic_fetch_sub(&t->inside.word, 1);
  nf_gate_wake(&t->inside, 1);
}

static void call_workers(nf_threads *t, int most) {
  atomic_fetch_add(&t->epoch.word, 1);
  nf_gate_wake(&t->epoch, most);
}

static void *work(void *arg) {
  const nf_worker *self = arg;
  nf_threads *t = self->pool;
  for (uint32_t seen = 0;;) {
    seen = nf_gate_await(&t->epoch, seen, t->patience);
    if (atomic_load(&t->stop)) return NULL;
    if (!join(t)) continue;
    walk(t, self->index);
    leave(t);
  }
}

static void wait_until_empty(nf_threads *t) {
  uint32_t s = atomic_fetch_and_explicit(&t->inside.word, ~(uint32_t)OPEN, memory_order_acquire);
  for (s &= ~(uint32_t)OPEN; s != 0;) s = nf_gate_await(&t->inside, s, t->patience);
}

size_t nf_threads_walk(nf_threads *t, const nf_jobs *jobs) {
  if (t == NULL || t->n == 1) return walk_alone(jobs);
  t->jobs = jobs;
  for (int i = 0; i < t->n; i++) atomic_store_explicit(&t->worker[i].share, 0, memory_order_relaxed);
  atomic_store_explicit(&t->finished, 0, memory_order_relaxed);
  atomic_store_explicit(&t->done.word, 0, memory_order_relaxed);
  atomic_store_explicit(&t->inside.word, OPEN, memory_order_release);
  call_workers(t, t->wake);
  const size_t done = walk(t, 0);
  wait_until_empty(t);
  return done;
}

// ---- a run: one job ----

typedef struct run {
  int64_t blocks;
  void (*f)(const void *arg, int64_t block);
  const void *arg;
} run;

static int64_t blocks_of_run(const void *arg, size_t) { return ((const run *)arg)->blocks; }
static void run_its_block(const void *arg, size_t, int64_t block, int) {
  const run *r = arg;
  r->f(r->arg, block);
}

void nf_threads_run(nf_threads *t, int64_t blocks, void (*f)(const void *arg, int64_t block),
                    const void *arg) {
  const run r = {blocks, f, arg};
  nf_threads_walk(blocks > 1 ? t : NULL,
                  &(nf_jobs){.n = 1, .arg = &r, .blocks = blocks_of_run, .run = run_its_block});
}

// ---- making it ----

// To the core of its number, which leaves the first one to the caller, whose thread is not ours to bind. A
// wish: where it is refused, nothing is lost.
static void bind(const nf_worker *w, const nf_cores_allowed *a) {
  nf_cpu_set own = {0};
  for (int cpu = 0, core = 0; cpu < NF_MAX_CPUS; cpu++)
    if (nf_cpu_set_has(&a->core, cpu) && core++ == w->index) nf_cpu_set_add(&own, cpu);
  (void)pthread_setaffinity_np(w->thread, sizeof own, (cpu_set_t *)&own);
}

// Bound only where the cores are this process's own, all of them are used, and all of their time.
static nf_status create_workers(nf_threads *t, int n, const nf_cores_allowed *a) {
  const bool bound = a->owned && a->quota == 0 && n == a->cores;
  for (t->n = 1; t->n < n; t->n++) {
    const int e = nf_thread_start(&t->worker[t->n].thread, work, &t->worker[t->n]);
    if (e != 0)
      return nf_error(NF_UNAVAILABLE, "can't make thread %d of %d: %s", t->n + 1, n, strerrordesc_np(e));
    if (bound) bind(&t->worker[t->n], a);
  }
  return nf_ok();
}

nf_status nf_threads_create(int n, nf_threads **out) {
  if (n < 0 || n > THREADS_MAX)
    return nf_error(NF_USAGE, "%d threads: 1 to %d, or 0 for one per core", n, THREADS_MAX);
  const nf_cores_allowed allowed = nf_allowed_cores();
  const int cores = nf_cores_of(&allowed);
  if (n == 0) n = (int)nf_min(cores, THREADS_MAX);
  nf_threads *t = nf_alloc_aligned(sizeof *t);
  nf_worker *worker = nf_alloc_aligned((size_t)n * sizeof *worker);
  if (t == NULL || worker == NULL) {
    nf_free_aligned(t);
    nf_free_aligned(worker);
    return nf_error(NF_NO_MEMORY, "no memory for %d threads", n);
  }
  memset(t, 0, sizeof *t);
  t->patience = nf_patience_of(n <= cores);
  t->wake = (int)nf_min(n, cores) - 1;
  t->worker = worker;
  for (int i = 0; i < n; i++) worker[i] = (nf_worker){.pool = t, .index = i};
  const nf_status st = create_workers(t, n, &allowed);
  if (nf_is_ok(st))
    *out = t;
  else
    nf_threads_destroy(t);
  return st;
}

void nf_threads_destroy(nf_threads *t) {
  if (t == NULL) return;
  atomic_store(&t->stop, true);
  call_workers(t, INT_MAX);
  for (int i = 1; i < t->n; i++) pthread_join(t->worker[i].thread, NULL);
  nf_free_aligned(t->worker);
  nf_free_aligned(t);
}

int nf_threads_count(const nf_threads *t) { return t->n; }

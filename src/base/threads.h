// SPDX-License-Identifier: Apache-2.0
// A thread pool that walks lists of jobs, each cut into numbered blocks. Work is cut by its shape, never by
// the number of threads, so results do not depend on how many there are.
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nf_threads nf_threads;

// n threads in all, the calling one included (n = 1: no thread is made). n = 0: one per usable core.
nf_status nf_threads_create(int n, nf_threads **out);
void nf_threads_destroy(nf_threads *t); // NULL is fine
int nf_threads_count(const nf_threads *t);

// Calls f(arg, block) once for every block in [0, blocks), on any thread; returns when all are done. A thread
// has a share of neighbouring blocks, the same ones whenever there are as many, so that it meets the memory
// again that it touched first; who has done its own helps others with theirs. Allocates nothing. One run or
// walk at a time per pool; f must not run the same pool.
void nf_threads_run(nf_threads *t, int64_t blocks, void (*f)(const void *arg, int64_t block),
                    const void *arg);

// Jobs that are done in order. The functions are called on any thread, blocks() and beside() more than once.
typedef struct nf_jobs {
  size_t n;
  const void *arg;
  int64_t (*blocks)(const void *arg, size_t job); // of job, less than 2^40
  // Whether a job needs nothing of the jobs before it and takes nothing from them, back to and with the last
  // that is not beside others: their blocks may run at the same time. NULL: no job is.
  bool (*beside)(const void *arg, size_t job);
  // Behind all jobs before it. No two blocks that run at the same time have the same `thread`, which is
  // less than nf_threads_count.
  void (*run)(const void *arg, size_t job, int64_t block, int thread);
  bool (*stop)(const void *arg); // between jobs, on the calling thread: whether to do no more. NULL: never
} nf_jobs;

// Every thread goes through the whole list once, takes its share of each job, and waits for the others only
// where a job needs those before it. Returns when all is done: the number of jobs that were, n or, where
// stop() said so, less (of those behind it some blocks may have run). On a NULL pool the calling thread does
// all, in order.
size_t nf_threads_walk(nf_threads *t, const nf_jobs *jobs);

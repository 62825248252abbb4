// SPDX-License-Identifier: Apache-2.0
// A thread pool that runs numbered blocks. Work is cut by its shape, never by the number of threads, so
// results do not depend on how many there are.
#pragma once
#include "base/status.h"
#include <stdint.h>

typedef struct nf_threads nf_threads;

// n threads in all, the calling one included (n = 1: no thread is made). n = 0: one per usable core.
nf_status nf_threads_create(int n, nf_threads **out);
void nf_threads_destroy(nf_threads *t); // NULL is fine
int nf_threads_count(const nf_threads *t);

// Calls f(arg, block) once for every block in [0, blocks), on any thread, in any order; returns when all are
// done. Allocates nothing. One run at a time per pool; f must not run the same pool.
void nf_threads_run(nf_threads *t, int64_t blocks, void (*f)(const void *arg, int64_t block),
                    const void *arg);

int nf_cores(void); // cores this process may use

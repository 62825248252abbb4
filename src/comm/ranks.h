// SPDX-License-Identifier: Apache-2.0
// The ranks of one process: threads that run the same program side by side and wait for one another.
//
// Life: create → start → run as often as you like → destroy. Ranks sleep between runs. Starting and running
// belong to one thread at a time, which is rank 0 itself in nf_ranks_run; what takes a rank's number belongs
// to that rank during a run. A rank's work is a function that returns; as long as it does, no
// wait here lasts for ever: a rank that has returned, well or not, releases all who wait for it.
#pragma once
#include "device/launch.h"

enum { NF_MAX_WORLD = 64 };

typedef struct nf_ranks nf_ranks;

// `world` ranks, 1 to NF_MAX_WORLD, that compute with `threads` threads each: with more of these than cores,
// who waits gives its core away at once. Makes no thread yet.
nf_status nf_ranks_create(int world, int threads, nf_ranks **out);
void nf_ranks_destroy(nf_ranks *r); // ends the threads, behind a run that was begun; NULL is fine
int nf_ranks_world(const nf_ranks *r);

// Makes the threads of ranks 1 and up. NF_UNAVAILABLE when the system gives none. Once.
nf_status nf_ranks_start(nf_ranks *r);
// f(user, rank) on every rank, on the calling thread as rank 0; returns when all have returned. The error of
// the rank that failed first, after which the next run is as good as any. Allocates nothing when all is well.
nf_status nf_ranks_run(nf_ranks *r, nf_status (*f)(void *user, int rank), void *user);
// The same without waiting: rank 0 runs on a thread of its own, which the first such run makes
// (NF_UNAVAILABLE). Then poll until all have returned, or wait; wait gives the error that run would.
// NF_INTERNAL where the last one was not waited for. Without a run poll is true and wait OK.
nf_status nf_ranks_begin(nf_ranks *r, nf_status (*f)(void *user, int rank), void *user);
bool nf_ranks_poll(nf_ranks *r);
nf_status nf_ranks_wait(nf_ranks *r);
// Within a run: returns when all ranks have come to as many barriers; what they wrote before can be read
// after. NF_CANCELLED when a rank has returned from the run instead.
nf_status nf_ranks_barrier(nf_ranks *r, int rank);
nf_barrier nf_ranks_barrier_of(nf_ranks *r, int rank); // the same as a step of a device; lives as long as r

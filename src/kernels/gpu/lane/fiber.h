// SPDX-License-Identifier: Apache-2.0
// Fibers: functions with stacks of their own on one thread, that hand on to one another without a system
// call. The sanitizers of addresses and of threads, and valgrind, are told of them.
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef struct nf_fiber {
  void *sp;            // where it stands while another runs
  void (*entry)(void); // never returns
  void *fake;          // frames, of AddressSanitizer
  void *history;       // of ThreadSanitizer
  const void *bottom;  // of its stack
  size_t bytes;
} nf_fiber;

// Memory for `count` stacks, each with a page behind its end that must not be touched. NULL: no memory.
typedef struct nf_stacks nf_stacks;
nf_stacks *nf_stacks_create(int count);

// The calling thread, as what fibers are switched to from and come back to.
void nf_fiber_of_thread(nf_fiber *f);

// Makes stack i of the memory a fiber that begins with `entry` when it is first switched to. *f is all zeros,
// or what was started on that stack before.
void nf_fiber_start(nf_fiber *f, nf_stacks *stacks, int i, void (*entry)(void));

// Frees what the sanitizers keep of a fiber that was started; nobody switches to it any more.
void nf_fiber_end(nf_fiber *f);

// Goes on with `to`; comes back when somebody switches to `from`, which is the fiber (or the thread) that
// calls.
void nf_fiber_switch(nf_fiber *from, nf_fiber *to);
// The same, and `from` is never switched to again unless it is started anew.
_Noreturn void nf_fiber_leave(nf_fiber *from, nf_fiber *to);

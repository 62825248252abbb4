// SPDX-License-Identifier: Apache-2.0
// Fibers: functions with stacks of their own on one thread, that hand on to one another without a system
// call. AddressSanitizer and valgrind are told of the stacks; ThreadSanitizer is not, and nf_fibers_known
// says so.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NF_WITH_TSAN 1
#endif
#endif
#if defined(NF_WITH_TSAN) || defined(__SANITIZE_THREAD__)
enum { nf_fibers_known = 0 };
#else
enum { nf_fibers_known = 1 };
#endif

typedef struct nf_fiber {
  void *sp;            // where it stands while another runs
  void (*entry)(void); // never returns
  void *fake;          // of AddressSanitizer
  const void *bottom;  // of its stack
  size_t bytes;
} nf_fiber;

// Memory for `count` stacks, each with a page behind its end that must not be touched. NULL: no memory.
typedef struct nf_stacks nf_stacks;
nf_stacks *nf_stacks_create(int count);

// Makes stack i of the memory a fiber that begins with `entry` when it is first switched to.
void nf_fiber_start(nf_fiber *f, nf_stacks *stacks, int i, void (*entry)(void));

// Goes on with `to`; comes back when somebody switches to `from`, which is the fiber (or the thread) that
// calls.
void nf_fiber_switch(nf_fiber *from, nf_fiber *to);
// The same, and `from` is never switched to again unless it is started anew.
_Noreturn void nf_fiber_leave(nf_fiber *from, nf_fiber *to);

// SPDX-License-Identifier: Apache-2.0
// Where threads wait for one another: a word that whoever opens the gate changes, watched for a moment and
// then slept on.
#pragma once
#include "base/futex.h"
#include "base/memory.h"
#include <sched.h>
#include <stdalign.h>
#include <stdbool.h>

// A zeroed gate is a valid one.
typedef struct nf_gate {
  alignas(NF_CACHE_LINE) _Atomic uint32_t word;
  _Atomic uint32_t sleepers;
} nf_gate;

// How long a word is watched before its watcher sleeps. Watching for about as long as sleeping and being
// woken takes costs at most twice the better of the two. With more threads than cores the one that is waited
// for may need this core: it is offered to it a few times, which is cheaper than sleep.
typedef struct nf_patience {
  int spins, yields;
} nf_patience;
static inline nf_patience nf_patience_of(bool cores_suffice) {
  return cores_suffice ? (nf_patience){.spins = 400} : (nf_patience){.yields = 4};
}

static inline uint32_t nf_gate_word(nf_gate *g) {
  return atomic_load_explicit(&g->word, memory_order_acquire);
}

// The word as soon as it is not `seen`; what was written before it was changed can be read behind.
static inline uint32_t nf_gate_await(nf_gate *g, uint32_t seen, nf_patience p) {
  uint32_t now;
  for (int i = 0; i < p.spins; i++, nf_pause())
    if ((now = nf_gate_word(g)) != seen) return now;
  for (int i = 0; i < p.yields; i++, sched_yield())
    if ((now = nf_gate_word(g)) != seen) return now;
  while ((now = nf_gate_word(g)) == seen) {
    // Both sides are sequentially consistent: either nf_gate_wake sees the sleeper, or the futex the new
    // word.
    atomic_fetch_add(&g->sleepers, 1);
    nf_futex_wait(&g->word, seen);
    atomic_fetch_sub(&g->sleepers, 1);
  }
  return now;
}

// Behind every change of a word that somebody may wait for; the change is sequentially consistent.
static inline void nf_gate_wake(nf_gate *g, int most) {
  if (atomic_load(&g->sleepers) > 0) nf_futex_wake(&g->word, most);
}

// SPDX-License-Identifier: Apache-2.0
// What a scheduler counts, for /metrics: written by its thread, read by any at any time without a lock.
// Times are seconds, bounds of histograms those of vLLM's metrics, so that dashboards for these fit.
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nf_reason { // why an answer has ended
  NF_REASON_STOP,   // the model ended it, or a stop token or string came; without drawing: it is computed
  NF_REASON_LENGTH, // as many tokens as were asked for, or as there is room for
  NF_REASON_FAILED, // by an error
  NF_REASON_CANCELLED,
  NF_REASON_EXPIRED, // it had waited too long for its turn
  NF_REASONS
} nf_reason;

enum { NF_MOST_BOUNDS = 24, NF_MOST_GUESSES = 16 };
typedef enum nf_measure { // what histograms are of
  NF_TIME_FIRST_TOKEN,    // of a request, since its arrival
  NF_TIME_GAP,            // between two tokens of an answer
  NF_TIME_PER_TOKEN,      // of an answer, mean of its tokens behind the first
  NF_TIME_QUEUE,          // of a request, from its arrival to its session
  NF_TIME_WHOLE,          // of a request, from its arrival to the end of its last answer
  NF_TIME_INFERENCE,      // of a request, from its first step to that end
  NF_TIME_PREFILL,        // of a request, from its first step to its first token
  NF_TIME_DECODE,         // of a request, from its first token to that end
  NF_TOKENS_PROMPT,       // of a request
  NF_TOKENS_COMPUTED,     // of its prompt, those that were not in the caches
  NF_TOKENS_DRAWN,        // of all its answers
  NF_TOKENS_LONGEST,      // of the longest of these
  NF_TOKENS_ASKED,        // that an answer of it may have: what it asked for, or has room for; 0: none
  NF_TOKENS_STEP,         // that a step computed
  NF_ANSWERS,             // that a request asked for
  NF_MEASURES
} nf_measure;

typedef struct nf_histogram {
  const double *bound; // [n] rising; the last bucket is above them all
  size_t n;
  uint64_t bucket[NF_MOST_BOUNDS + 1]; // each alone, not added up
  uint64_t count;                      // of all buckets
  double sum;
} nf_histogram;

typedef struct nf_counters {
  uint64_t waiting, running, suspended; // now: answers; suspended ones gave back their pages, and wait too
  uint64_t pages, pages_in_use;         // now, of the caches of layers that see all of a text
  uint64_t steps, preemptions, refused; // refused: requests, as the queue was full
  uint64_t prompt_tokens, cached_prompt_tokens, generation_tokens; // cached ones are prompt tokens too
  uint64_t ended[NF_REASONS];                                      // answers
  uint64_t cancelled;                                              // requests, by whoever may
  uint64_t odd_messages;                          // of answers, that were not as their format wants them
  uint64_t guesses, guessed_tokens, right_tokens; // of n-gram lookup: steps of answers that had some; tokens
  uint64_t right_at[NF_MOST_GUESSES];             // of these by their places in a guess, from 0
  nf_histogram measure[NF_MEASURES];
} nf_counters;

// ---- inside the room ----

typedef enum nf_count {
  NF_COUNT_OWED, // answers that have not ended
  NF_COUNT_RUNNING,
  NF_COUNT_SUSPENDED,
  NF_COUNT_PAGES,
  NF_COUNT_PAGES_IN_USE,
  NF_COUNT_STEPS,
  NF_COUNT_PREEMPTIONS,
  NF_COUNT_REFUSED,
  NF_COUNT_PROMPT,
  NF_COUNT_CACHED,
  NF_COUNT_GENERATION,
  NF_COUNT_CANCELLED,
  NF_COUNT_ODD,
  NF_COUNT_GUESSES,
  NF_COUNT_GUESSED,
  NF_COUNT_RIGHT,
  NF_COUNT_RIGHT_AT,                                    // and NF_MOST_GUESSES of them
  NF_COUNT_ENDED = NF_COUNT_RIGHT_AT + NF_MOST_GUESSES, // and NF_REASONS
  NF_COUNTS = NF_COUNT_ENDED + NF_REASONS
} nf_count;

// Zeroed: nothing was counted.
typedef struct nf_tally {
  _Atomic uint64_t of[NF_COUNTS];
  _Atomic uint64_t bucket[NF_MEASURES][NF_MOST_BOUNDS + 1];
  _Atomic double sum[NF_MEASURES];
} nf_tally;

static inline void nf_tally_add(nf_tally *t, nf_count c, uint64_t n) {
  atomic_fetch_add_explicit(&t->of[c], n, memory_order_relaxed);
}
static inline void nf_tally_set(nf_tally *t, nf_count c, uint64_t n) {
  atomic_store_explicit(&t->of[c], n, memory_order_relaxed);
}
void nf_tally_measure(nf_tally *t, nf_measure what, double value); // by one thread at a time
void nf_tally_read(const nf_tally *t, nf_counters *out);

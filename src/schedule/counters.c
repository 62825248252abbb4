// SPDX-License-Identifier: Apache-2.0
// Counting, and reading what was counted.
#include "schedule/counters.h"

static const double first_token[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25,  0.5,   0.75,
                                     1.0,   2.5,   5.0,  7.5,  10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0};
static const double per_token[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                   0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
static const double whole[] = {0.3,  0.5,  0.8,  1.0,  1.5,   2.0,   2.5,   5.0,   10.0,   15.0,  20.0,
                               30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
// Up to the longest context that there is; clients of a model see those up to its own.
static const double tokens[] = {1,   2,   5,   1e1, 2e1, 5e1, 1e2, 2e2, 5e2, 1e3, 2e3,
                                5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7};
static const double answers[] = {1, 2, 5, 10, 20};
static const double step[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

typedef struct bounds {
  const double *at;
  size_t n;
} bounds;
#define BOUNDS(list) \
  { list, sizeof(list) / sizeof *(list) }
static const bounds bounds_of[NF_MEASURES] = {[NF_TIME_FIRST_TOKEN] = BOUNDS(first_token),
                                              [NF_TIME_GAP] = BOUNDS(per_token),
                                              [NF_TIME_PER_TOKEN] = BOUNDS(per_token),
                                              [NF_TIME_QUEUE] = BOUNDS(whole),
                                              [NF_TIME_WHOLE] = BOUNDS(whole),
                                              [NF_TIME_INFERENCE] = BOUNDS(whole),
                                              [NF_TIME_PREFILL] = BOUNDS(whole),
                                              [NF_TIME_DECODE] = BOUNDS(whole),
                                              [NF_TOKENS_PROMPT] = BOUNDS(tokens),
                                              [NF_TOKENS_COMPUTED] = BOUNDS(tokens),
                                              [NF_TOKENS_DRAWN] = BOUNDS(tokens),
                                              [NF_TOKENS_LONGEST] = BOUNDS(tokens),
                                              [NF_TOKENS_ASKED] = BOUNDS(tokens),
                                              [NF_ANSWERS] = BOUNDS(answers),
                                              [NF_TOKENS_STEP] = BOUNDS(step)};

// There is one writer: what it loads is what it has stored.
void nf_tally_measure(nf_tally *t, nf_measure what, double value) {
  const bounds *b = &bounds_of[what];
  const double sum = atomic_load_explicit(&t->sum[what], memory_order_relaxed);
  size_t i = 0;
  while (i < b->n && value > b->at[i]) i++;
  atomic_fetch_add_explicit(&t->bucket[what][i], 1, memory_order_relaxed);
  atomic_store_explicit(&t->sum[what], sum + value, memory_order_relaxed);
}

static uint64_t count(const nf_tally *t, nf_count c) {
  return atomic_load_explicit(&t->of[c], memory_order_relaxed);
}

static void read_histogram(const nf_tally *t, int what, nf_histogram *h) {
  *h = (nf_histogram){.bound = bounds_of[what].at, .n = bounds_of[what].n};
  for (size_t i = 0; i <= h->n; i++)
    h->count += h->bucket[i] = atomic_load_explicit(&t->bucket[what][i], memory_order_relaxed);
  h->sum = atomic_load_explicit(&t->sum[what], memory_order_relaxed);
}

// What does not run waits. An answer that has just ended may still count among those that run.
static uint64_t waiting(const nf_tally *t, uint64_t running) {
  const uint64_t owed = count(t, NF_COUNT_OWED);
  return owed > running ? owed - running : 0;
}

void nf_tally_read(const nf_tally *t, nf_counters *out) {
  const uint64_t running = count(t, NF_COUNT_RUNNING);
  *out = (nf_counters){.waiting = waiting(t, running),
                       .running = running,
                       .suspended = count(t, NF_COUNT_SUSPENDED),
                       .pages = count(t, NF_COUNT_PAGES),
                       .pages_in_use = count(t, NF_COUNT_PAGES_IN_USE),
                       .steps = count(t, NF_COUNT_STEPS),
                       .preemptions = count(t, NF_COUNT_PREEMPTIONS),
                       .refused = count(t, NF_COUNT_REFUSED),
                       .prompt_tokens = count(t, NF_COUNT_PROMPT),
                       .cached_prompt_tokens = count(t, NF_COUNT_CACHED),
                       .generation_tokens = count(t, NF_COUNT_GENERATION),
                       .odd_messages = count(t, NF_COUNT_ODD),
                       .guesses = count(t, NF_COUNT_GUESSES),
                       .guessed_tokens = count(t, NF_COUNT_GUESSED),
                       .right_tokens = count(t, NF_COUNT_RIGHT),
                       .cancelled = count(t, NF_COUNT_CANCELLED)};
  for (int i = 0; i < NF_MOST_GUESSES; i++) out->right_at[i] = count(t, NF_COUNT_RIGHT_AT + i);
  for (int i = 0; i < NF_REASONS; i++) out->ended[i] = count(t, NF_COUNT_ENDED + i);
  for (int i = 0; i < NF_MEASURES; i++) read_histogram(t, i, &out->measure[i]);
}

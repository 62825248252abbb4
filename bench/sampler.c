// SPDX-License-Identifier: Apache-2.0
// What drawing a token costs, by filters. Never a test. build/bench/sampler [vocabulary]
#include "engine/sampler.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/measure.h"
#include "engine/processors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 101, TEXT = 32768 };

static const struct {
  const char *what;
  infuse_sampling sampling;
} rows[] = {
    {"greedy", {.temperature = 0}},
    {"temperature 1", {.temperature = 1}},
    {"min_p 0.05", {.temperature = 1, .min_p = 0.05f}},
    {"top_p 0.95", {.temperature = 1, .top_p = 0.95f}},
    {"top_k 20", {.temperature = 1, .top_k = 20}},
    {"top_k 20, top_p 0.95", {.temperature = 0.6f, .top_k = 20, .top_p = 0.95f}},
    {"top_k 50000, top_p 0.95, min_p 0.01",
     {.temperature = 1, .top_k = 50000, .top_p = 0.95f, .min_p = 0.01f}},
};

// About normal with a deviation of 3, as logits are.
static void fill(float *logits, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    float sum = -6;
    for (uint64_t j = 0; j < 12; j++) sum += nf_uniform(j, (uint64_t)i);
    logits[i] = 3 * sum;
  }
}

static void time_row(size_t row, const float *logits, int32_t n, float *scratch) {
  double us[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    const double start = nf_now();
    if (nf_sample(&rows[row].sampling, logits, n, (uint64_t)i, scratch) < 0) abort();
    us[i] = 1e6 * (nf_now() - start);
  }
  const double middle = median(us, ROUNDS);
  printf("%-40s best %6.0f  median %6.0f us\n", rows[row].what, us[0], middle);
}

// What penalties and bans add to a token of a text of so many tokens, once those are counted.
static void time_processors(const char *what, const infuse_sampling *settings, const float *logits, int32_t n,
                            float *scratch) {
  static int32_t text[TEXT];
  double us[ROUNDS];
  nf_processors *p;
  for (int i = 0; i < TEXT; i++) text[i] = (int32_t)(nf_uniform(3, (uint64_t)i) * (float)n);
  must(nf_processors_create(settings, n, &(nf_ids){0}, &p));
  for (int i = 0; i < ROUNDS; i++) {
    const size_t known = TEXT - ROUNDS + (size_t)i;
    const double start = nf_now();
    memcpy(scratch, logits, (size_t)n * sizeof *logits);
    nf_processors_apply(p, text, known, known / 2, scratch);
    us[i] = 1e6 * (nf_now() - start);
  }
  nf_processors_destroy(p);
  const double middle = median(us, ROUNDS);
  printf("%-40s best %6.0f  median %6.0f us\n", what, us[0], middle);
}

// ---- a step's rows over threads ----

typedef struct batch {
  const float *logits;
  int32_t n;
  size_t rows, threads;
  float *scratch; // of each thread
} batch;

static void draw_rows(const void *arg, int64_t block) {
  const batch *b = arg;
  float *scratch = b->scratch + (size_t)block * nf_sampler_scratch(b->n);
  for (size_t i = (size_t)block; i < b->rows; i += b->threads) {
    const infuse_sampling s = {.temperature = 1, .seed = i};
    if (nf_sample(&s, b->logits + i * (size_t)b->n, b->n, i, scratch) < 0) abort();
  }
}

static void time_batch(int threads, size_t rows_n, const float *logits, int32_t n) {
  enum { FEW = 15 };
  double us[FEW];
  nf_threads *t;
  batch b = {logits, n, rows_n, (size_t)threads, NULL};
  must(nf_threads_create(threads, &t));
  must(nf_make(&b.scratch, b.threads * nf_sampler_scratch(n), sizeof *b.scratch, "scratch"));
  for (int i = 0; i < FEW; i++) {
    const double start = nf_now();
    nf_threads_run(t, threads, draw_rows, &b);
    us[i] = 1e6 * (nf_now() - start);
  }
  const double middle = median(us, FEW);
  printf("%2zu rows at temperature 1, %d threads       best %6.0f  median %6.0f us\n", rows_n, threads, us[0],
         middle);
  nf_free(b.scratch);
  nf_threads_destroy(t);
}

static void time_batches(int32_t n) {
  enum { ROWS = 64 };
  float *logits = nf_alloc((size_t)n * ROWS, sizeof *logits);
  if (logits == NULL) abort();
  for (size_t i = 0; i < ROWS; i++) fill(logits + i * (size_t)n, n);
  for (int threads = 1; threads <= 2; threads++) {
    time_batch(threads, 1, logits, n);
    time_batch(threads, ROWS, logits, n);
  }
  nf_free(logits);
}

int main(int argc, char **argv) {
  const int32_t n = argc > 1 ? atoi(argv[1]) : 201088;
  float *logits = n > 0 ? nf_alloc((size_t)n, sizeof *logits) : NULL;
  float *scratch = n > 0 ? nf_alloc(nf_sampler_scratch(n), sizeof *scratch) : NULL;
  if (logits == NULL || scratch == NULL) return fprintf(stderr, "usage: sampler [vocabulary]\n"), 2;
  fill(logits, n);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) time_row(i, logits, n, scratch);
  const infuse_sampling penalties = {.repetition_penalty = 1.1f, .frequency_penalty = 0.5f},
                        ngram = {.no_repeat_ngram_size = 3};
  time_processors("penalties, 32,768 tokens of text", &penalties, logits, n, scratch);
  time_processors("no_repeat_ngram 3, the same text", &ngram, logits, n, scratch);
  time_batches(n);
  nf_free(scratch);
  nf_free(logits);
  return 0;
}

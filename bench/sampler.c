// SPDX-License-Identifier: Apache-2.0
// What drawing a token costs, by filters. Never a test. build/bench/sampler [vocabulary]
#include "engine/sampler.h"
#include "base/clock.h"
#include "base/memory.h"
#include "bench/measure.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 101 };

static const struct {
  const char *what;
  nf_sampling sampling;
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

static void time_row(size_t row, const float *logits, int32_t n, nf_sampler_scratch *scratch) {
  double us[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    const double start = nf_now();
    if (nf_sample(&rows[row].sampling, logits, n, (uint64_t)i, scratch) < 0) abort();
    us[i] = 1e6 * (nf_now() - start);
  }
  const double middle = median(us, ROUNDS);
  printf("%-40s best %6.0f  median %6.0f us\n", rows[row].what, us[0], middle);
}

int main(int argc, char **argv) {
  const int32_t n = argc > 1 ? atoi(argv[1]) : 201088;
  float *logits = n > 0 ? nf_alloc((size_t)n, sizeof *logits) : NULL;
  nf_sampler_scratch scratch;
  if (logits == NULL || !nf_sampler_scratch_init(&scratch, n))
    return fprintf(stderr, "usage: sampler [vocabulary]\n"), 2;
  fill(logits, n);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) time_row(i, logits, n, &scratch);
  nf_sampler_scratch_deinit(&scratch);
  nf_free(logits);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Sampling: filters against a plain definition, frequencies against probabilities, and the generator against
// its published vectors.
#include "engine/sampler.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 50, DRAWS = 40000 };

static void draw_logits(float *logits, unsigned seed) {
  srand(seed);
  for (int i = 0; i < N; i++) logits[i] = (float)rand() / (float)RAND_MAX * 6 - 3;
}

static void count(const nf_sampling *s, const float *logits, int *times) {
  nf_choice scratch[N];
  memset(times, 0, N * sizeof *times);
  for (uint64_t p = 0; p < DRAWS; p++) times[nf_sample(s, logits, N, p, scratch)]++;
}

static void test_generator(void **state) { // Random123's kat_vectors: philox4x32-10, counter 0, key 0
  (void)state;
  assert_true(nf_uniform(0, 0) == (float)(0x6627e8d5u >> 8) * 0x1p-24f);
}

static void test_greedy(void **state) {
  (void)state;
  const float logits[] = {1, 5, 5, -2};
  nf_choice scratch[4];
  const nf_sampling s = {.temperature = 0, .top_p = 1};
  assert_int_equal(nf_sample(&s, logits, 4, 7, scratch), 1); // the lower id of equals
}

// The draws' frequencies are the softmax probabilities, within 5 standard deviations.
static void test_frequencies(void **state) {
  (void)state;
  float logits[N];
  int times[N];
  draw_logits(logits, 11);
  for (int t = 0; t < 3; t++) {
    const float temperature = (float[]){0.5f, 1, 2}[t];
    const nf_sampling s = {.temperature = temperature, .top_p = 1, .seed = 42};
    double sum = 0;
    count(&s, logits, times);
    for (int i = 0; i < N; i++) sum += exp(logits[i] / temperature);
    for (int i = 0; i < N; i++) {
      const double p = exp(logits[i] / temperature) / sum, sd = sqrt(p * (1 - p) * DRAWS);
      assert_true(fabs(times[i] - p * DRAWS) <= 5 * sd + 1);
    }
  }
}

// How many tokens are at least as likely as i, and the probability of all that are likelier: the plain
// definitions.
static void rank_of(const float *logits, int i, int *rank, double *mass_before, double *ratio) {
  double sum = 0, before = 0, best = 0;
  *rank = 0;
  for (int j = 0; j < N; j++) {
    sum += exp(logits[j]);
    best = fmax(best, exp(logits[j]));
    if (logits[j] > logits[i]) before += exp(logits[j]), ++*rank;
  }
  *mass_before = before / sum;
  *ratio = exp(logits[i]) / best;
}

static void test_filters(void **state) {
  (void)state;
  float logits[N];
  int times[N];
  draw_logits(logits, 3);
  const nf_sampling top_k = {.temperature = 1, .top_k = 5, .top_p = 1, .seed = 1};
  const nf_sampling top_p = {.temperature = 1, .top_p = 0.6f, .seed = 2};
  const nf_sampling min_p = {.temperature = 1, .top_p = 1, .min_p = 0.2f, .seed = 3};
  for (int f = 0; f < 3; f++) {
    count(f == 0 ? &top_k : f == 1 ? &top_p : &min_p, logits, times);
    for (int i = 0; i < N; i++) {
      int rank;
      double mass, ratio;
      rank_of(logits, i, &rank, &mass, &ratio);
      const bool allowed = f == 0 ? rank < 5 : f == 1 ? mass < 0.6 : ratio >= 0.2;
      assert_int_equal(times[i] > 0, allowed);
    }
  }
}

static void test_extremes(void **state) {
  (void)state;
  nf_choice scratch[3];
  const float inf[] = {-INFINITY, 2, -INFINITY}, flat[] = {0, 0, 0};
  const nf_sampling tiny = {.temperature = 1e-6f, .top_p = 1},
                    one = {.temperature = 1, .top_k = 1, .top_p = 1};
  const nf_sampling p0 = {.temperature = 1, .top_p = 1e-9f};
  for (uint64_t p = 0; p < 100; p++) {
    assert_int_equal(nf_sample(&tiny, inf, 3, p, scratch), 1);
    assert_int_equal(nf_sample(&one, flat, 3, p, scratch), 0); // ties go to the lower id
    assert_int_equal(nf_sample(&p0, flat, 3, p, scratch), 0);
    assert_int_equal(nf_sample(&one, flat, 1, p, scratch), 0);
  }
}

static void test_repeats(void **state) { // keyed by seed and position, nothing else
  (void)state;
  float logits[N];
  nf_choice a[N], b[N];
  draw_logits(logits, 5);
  int differ = 0;
  for (uint64_t p = 0; p < 1000; p++) {
    const nf_sampling s = {.temperature = 1, .top_p = 0.9f, .top_k = 40, .seed = 9},
                      other = {1, 40, 0.9f, 0, 10};
    memset(b, 0xa5, sizeof b);
    const int32_t first = nf_sample(&s, logits, N, p, a);
    assert_int_equal(first, nf_sample(&s, logits, N, p, b));
    differ += first != nf_sample(&other, logits, N, p, b);
  }
  assert_true(differ > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_generator),   cmocka_unit_test(test_greedy),
                                     cmocka_unit_test(test_frequencies), cmocka_unit_test(test_filters),
                                     cmocka_unit_test(test_extremes),    cmocka_unit_test(test_repeats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

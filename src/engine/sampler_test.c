// SPDX-License-Identifier: Apache-2.0
// Sampling: every draw against a plain definition that sorts, frequencies against probabilities, and the
// generator against its published vectors.
#include "engine/sampler.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 50, DRAWS = 40000, MOST = 500 };
static float scratch[3 * 512]; // of MOST

static int32_t sample(const infuse_sampling *s, const float *logits, int n, uint64_t position) {
  return nf_sample(s, logits, n, position, scratch);
}

static void draw_logits(float *logits, unsigned seed) {
  srand(seed);
  for (int i = 0; i < N; i++) logits[i] = (float)rand() / (float)RAND_MAX * 6 - 3;
}

static void count(const infuse_sampling *s, const float *logits, int *times) {
  memset(times, 0, N * sizeof *times);
  for (uint64_t p = 0; p < DRAWS; p++) times[sample(s, logits, N, p)]++;
}

static void test_generator(void **state) { // Random123's kat_vectors: philox4x32-10, counter 0, key 0
  (void)state;
  assert_true(nf_uniform(0, 0) == (float)(0x6627e8d5u >> 8) * 0x1p-24f);
}

static void test_greedy(void **state) {
  (void)state;
  const float logits[] = {1, 5, 5, -2};
  const infuse_sampling s = {.temperature = 0};
  assert_int_equal(sample(&s, logits, 4, 7), 1); // the lower id of equals
}

// The draws' frequencies are the softmax probabilities: chi-squared with N - 1 = 49 degrees of freedom is
// above 85.4 once in a thousand times, and the seeds are fixed.
static void test_frequencies(void **state) {
  (void)state;
  float logits[N];
  int times[N];
  draw_logits(logits, 11);
  for (int t = 0; t < 6; t++) {
    const float temperature = (float[]){0.7f, 1, 2}[t % 3];
    const infuse_sampling s = {
        .temperature = temperature, .top_k = t < 3 ? 0 : N - 1, .top_p = 1, .seed = 42};
    double all = 0, chi = 0;
    int worst = 0;
    for (int i = 0; i < N; i++)
      if (logits[i] < logits[worst]) worst = i;
    count(&s, logits, times);
    for (int i = 0; i < N; i++) all += t >= 3 && i == worst ? 0 : exp(logits[i] / temperature);
    for (int i = 0; i < N; i++) {
      const double want = t >= 3 && i == worst ? 0 : exp(logits[i] / temperature) / all * DRAWS;
      if (want == 0) assert_int_equal(times[i], 0);
      if (want != 0) chi += (times[i] - want) * (times[i] - want) / want;
    }
    if (chi > 85.4) fail_msg("case %d: chi-squared is %g", t, chi);
  }
}

// ---- a plain definition, in double: sort, cut, draw in the order of ids ----

typedef struct ranked {
  double p;
  int id;
} ranked;

static int by_id(const void *a, const void *b) { return ((const ranked *)a)->id - ((const ranked *)b)->id; }
static int by_p(const void *a, const void *b) {
  const double x = ((const ranked *)a)->p, y = ((const ranked *)b)->p;
  return x > y ? -1 : x < y ? 1 : by_id(a, b);
}

static void normalise(ranked *r, int n) {
  double all = 0;
  for (int i = 0; i < n; i++) all += r[i].p;
  for (int i = 0; i < n; i++) r[i].p /= all;
}

static bool near(double a, double b) { return fabs(a - b) < 2e-6; }

// What is left of r [n], best first, in r; *unsure when rounding may decide otherwise.
static int plain_filters(const infuse_sampling *s, ranked *r, int n, bool *unsure) {
  qsort(r, (size_t)n, sizeof *r, by_p); // logits
  if (s->top_k > 0 && s->top_k < n) n = s->top_k;
  const double best = r[0].p;
  for (int i = 0; i < n; i++) r[i].p = exp((r[i].p - best) / (double)s->temperature);
  normalise(r, n);
  if (s->top_p > 0 && s->top_p < 1) {
    double sum = 0;
    int kept = 0;
    while (kept < n && sum < (double)s->top_p) {
      sum += r[kept++].p;
      *unsure |= near(sum, (double)s->top_p);
    }
    n = kept;
    normalise(r, n);
  }
  for (int i = 0; i < n; i++) *unsure |= s->min_p > 0 && near(r[i].p / r[0].p, (double)s->min_p);
  while (n > 1 && r[n - 1].p < (double)s->min_p * r[0].p) n--;
  normalise(r, n);
  return n;
}

// The token, or -1 when rounding may decide otherwise.
static int plain_sample(const infuse_sampling *s, const float *logits, int n, uint64_t position) {
  ranked r[MOST];
  bool unsure = false;
  for (int i = 0; i < n; i++) r[i] = (ranked){(double)logits[i], i};
  n = plain_filters(s, r, n, &unsure);
  qsort(r, (size_t)n, sizeof *r, by_id);
  const double u = (double)nf_uniform(s->seed, position);
  double sum = 0;
  int chosen = -1;
  for (int i = 0; i < n && !unsure; i++) {
    sum += r[i].p;
    unsure = near(sum, u);
    if (chosen < 0 && sum > u) chosen = r[i].id;
  }
  return unsure ? -1 : chosen;
}

static float number(void) { return (float)rand() / (float)RAND_MAX; }

// Ordinary logits, many ties, missing tokens, and numbers as large as there are.
static void fill_logits(float *logits, int n, int kind) {
  for (int i = 0; i < n; i++) {
    const float x = number() * 12 - 6;
    logits[i] = kind == 1 ? floorf(x) : kind == 3 ? x * 5e37f : kind == 4 ? x * 4 : x;
    if (kind == 2 && number() < 0.7f) logits[i] = -INFINITY;
  }
  if (kind == 2) logits[rand() % n] = 1;
  if (kind == 1) logits[rand() % n] = -0.0f;
}

static void test_plain(void **state) {
  (void)state;
  float logits[MOST];
  int unsure = 0, draws = 0;
  srand(1);
  for (int round = 0; round < 4000; round++) {
    const int n = 1 + rand() % (round % 2 ? 20 : MOST), kind = round % 5;
    const infuse_sampling s = {.temperature = rand() % 3 ? 0.2f + 2 * number() : 1,
                               .top_k = rand() % 2 ? rand() % (rand() % 3 ? n + 2 : 8) : 0,
                               .top_p = rand() % 2 ? number() : (float)(rand() % 2),
                               .min_p = rand() % 2 ? number() * number() : 0,
                               .seed = (uint64_t)round};
    fill_logits(logits, n, kind);
    for (uint64_t p = 0; p < 8; p++) {
      const int want = plain_sample(&s, logits, n, p), got = sample(&s, logits, n, p);
      draws++;
      unsure += want < 0;
      if (want >= 0 && want != got)
        fail_msg("round %d, position %d, n %d, temperature %g, top_k %d, top_p %g, min_p %g: %d, not %d",
                 round, (int)p, n, (double)s.temperature, s.top_k, (double)s.top_p, (double)s.min_p, got,
                 want);
    }
  }
  assert_true(unsure < draws / 50);
}

// Which of four tokens come at all.
static unsigned comes(const infuse_sampling *s, const float *p) {
  float logits[4];
  unsigned seen = 0;
  for (int i = 0; i < 4; i++) logits[i] = logf(p[i]);
  for (uint64_t at = 0; at < 2000; at++) seen |= 1u << sample(s, logits, 4, at);
  return seen;
}

static void test_order_of_filters(void **state) {
  (void)state;
  static const float a[] = {0.4f, 0.3f, 0.2f, 0.1f}, b[] = {0.5f, 0.3f, 0.12f, 0.08f};
  // Of the three best the first two have 0.78 of the probability, of all four only 0.7.
  assert_int_equal(comes(&(infuse_sampling){.temperature = 1, .top_k = 3, .top_p = 0.75f}, a), 3);
  assert_int_equal(comes(&(infuse_sampling){.temperature = 1, .top_p = 0.75f}, a), 7);
  // With min_p first, the first two would reach top_p.
  assert_int_equal(comes(&(infuse_sampling){.temperature = 1, .top_p = 0.81f, .min_p = 0.2f}, b), 7);
  // Temperature comes before top_p and min_p, whether or not there is a top_k: a hot distribution is flatter.
  for (int k = 0; k < 4; k += 3) {
    assert_int_equal(comes(&(infuse_sampling){.temperature = 1, .top_k = k, .top_p = 0.44f}, a), k ? 1 : 3);
    assert_int_equal(comes(&(infuse_sampling){.temperature = 4, .top_k = k, .top_p = 0.44f}, a), 3);
    assert_int_equal(comes(&(infuse_sampling){.temperature = 1, .top_k = k, .min_p = 0.6f}, a), 3);
    assert_int_equal(comes(&(infuse_sampling){.temperature = 4, .top_k = k, .min_p = 0.6f}, a), k ? 7 : 15);
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
  const infuse_sampling top_k = {.temperature = 1, .top_k = 5, .top_p = 1, .seed = 1};
  const infuse_sampling top_p = {.temperature = 1, .top_p = 0.6f, .seed = 2};
  const infuse_sampling min_p = {.temperature = 1, .top_p = 1, .min_p = 0.2f, .seed = 3};
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
  const float inf[] = {-INFINITY, 2, -INFINITY}, flat[] = {0, 0, 0}, far[] = {-3e38f, 3e38f, 1};
  const infuse_sampling tiny = {.temperature = 1e-45f}, one = {.temperature = 1, .top_k = 1},
                        p0 = {.temperature = 1, .top_p = 1e-9f}, hot = {.temperature = 1e6f};
  for (uint64_t p = 0; p < 100; p++) {
    assert_int_equal(sample(&tiny, inf, 3, p), 1);
    assert_int_equal(sample(&tiny, far, 3, p), 1);
    assert_int_equal(sample(&hot, far, 3, p), 1);
    assert_int_equal(sample(&one, flat, 3, p), 0); // ties go to the lower id
    assert_int_equal(sample(&p0, flat, 3, p), 0);
    assert_int_equal(sample(&one, flat, 1, p), 0);
  }
}

static void test_repeats(void **state) { // keyed by seed and position, nothing else
  (void)state;
  float logits[N];
  draw_logits(logits, 5);
  int differ = 0;
  for (uint64_t p = 0; p < 1000; p++) {
    const infuse_sampling s = {.temperature = 1, .top_p = 0.9f, .top_k = 40, .seed = 9},
                          other = {.temperature = 1, .top_k = 40, .top_p = 0.9f, .seed = 10};
    memset(scratch, 0xa5, sizeof scratch);
    const int32_t first = sample(&s, logits, N, p);
    memcpy(scratch, logits, sizeof logits); // where a caller may have put them
    assert_int_equal(first, sample(&s, scratch, N, p));
    differ += first != sample(&other, logits, N, p);
  }
  assert_true(differ > 500);
}

static void test_row_max(void **state) {
  (void)state;
  float x[40];
  for (int n = 1; n <= 40; n++)
    for (int at = 0; at < n; at++) {
      for (int i = 0; i < n; i++) x[i] = -(float)i - 1;
      x[at] = 5;
      assert_true(nf_row_max(x, n) == 5);
      x[at] = INFINITY;
      assert_true(nf_row_max(x, n) == INFINITY);
      x[at] = -NAN;
      assert_true(isnan(nf_row_max(x, n)));
    }
  for (int i = 0; i < 40; i++) x[i] = -INFINITY;
  assert_true(nf_row_max(x, 40) == -INFINITY);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_generator),        cmocka_unit_test(test_greedy),
                                     cmocka_unit_test(test_frequencies),      cmocka_unit_test(test_plain),
                                     cmocka_unit_test(test_order_of_filters), cmocka_unit_test(test_filters),
                                     cmocka_unit_test(test_extremes),         cmocka_unit_test(test_repeats),
                                     cmocka_unit_test(test_row_max)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

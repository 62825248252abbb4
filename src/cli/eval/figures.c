// SPDX-License-Identifier: Apache-2.0
// Statistics of an evaluation.
#include "cli/eval/figures.h"
#include <math.h>

void eval_mean_add(eval_mean *m, double x) {
  const double before = x - m->mean;
  m->n++;
  m->mean += before / (double)m->n;
  m->squares += before * (x - m->mean);
  m->most = m->n == 1 || x > m->most ? x : m->most;
}

void eval_mean_join(eval_mean *m, const eval_mean *more) {
  if (more->n == 0) return;
  const double a = (double)m->n, b = (double)more->n, apart = more->mean - m->mean;
  m->most = m->n == 0 || more->most > m->most ? more->most : m->most;
  m->n += more->n;
  m->mean += apart * b / (a + b);
  m->squares += more->squares + apart * apart * a * b / (a + b);
}

double eval_mean_error(const eval_mean *m) {
  return m->n > 1 ? sqrt(m->squares / (double)(m->n - 1) / (double)m->n) : 0;
}

// Of n fair coins k show heads. In logarithms: 2^-n is 0 beyond n = 1074.
static double coins(size_t n, size_t k) {
  const double ways = lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
  return exp(ways - (double)n * log(2));
}

double eval_mcnemar(size_t only_a, size_t only_b) {
  const size_t n = only_a + only_b, fewer = only_a < only_b ? only_a : only_b;
  double tail = 0;
  for (size_t k = 0; k <= fewer; k++) tail += coins(n, k);
  return fmin(1, 2 * tail);
}

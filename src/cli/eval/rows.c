// SPDX-License-Identifier: Apache-2.0
// Rows of logits.
#include "cli/eval/rows.h"
#include <math.h>

int32_t eval_top(const float *row, size_t n) {
  size_t top = 0;
  for (size_t i = 1; i < n; i++)
    if (row[i] > row[top]) top = i;
  return (int32_t)top;
}

double eval_log_sum(const float *row, size_t n) {
  const float most = row[eval_top(row, n)];
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)expf(row[i] - most);
  return (double)most + log(sum);
}

void eval_log_probabilities(float *row, size_t n) {
  const double sum = eval_log_sum(row, n);
  for (size_t i = 0; i < n; i++) row[i] = (float)((double)row[i] - sum);
}

double eval_log_probability(const float *row, size_t n, int32_t token) {
  return (double)row[token] - eval_log_sum(row, n);
}

// The other's log probabilities are rounded as the base's were, so that equal logits are at no distance. What
// has no probability adds nothing.
eval_distance eval_compare(const float *base, const float *other, size_t n) {
  const double sum = eval_log_sum(other, n);
  double kl = 0;
  for (size_t i = 0; i < n; i++)
    if (base[i] != -INFINITY) {
      const float there = (float)((double)other[i] - sum);
      kl += (double)expf(base[i]) * ((double)base[i] - (double)there);
    }
  return (eval_distance){.kl = fmax(0, kl), .same_top = eval_top(base, n) == eval_top(other, n)};
}

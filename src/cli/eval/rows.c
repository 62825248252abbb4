// SPDX-License-Identifier: Apache-2.0
// Rows of logits.
#include "cli/eval/rows.h"
#include "base/exp.h"
#include <math.h>

int32_t eval_top(const float *row, size_t n) {
  size_t top = 0;
  for (size_t i = 1; i < n; i++)
    if (row[i] > row[top]) top = i;
  return (int32_t)top;
}

// Sums of blocks, whose lengths a compiler knows: it makes vectors of them.
enum { BLOCK = 256 };

static double add_up(const double *x) {
  double lane[8] = {0};
  for (int i = 0; i < BLOCK; i += 8)
    for (int l = 0; l < 8; l++) lane[l] += x[i + l];
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static double exponentials(const float *restrict row, float most) {
  double x[BLOCK];
  for (int i = 0; i < BLOCK; i++) x[i] = (double)nf_exp_down(row[i] - most);
  return add_up(x);
}

// The end of a row as a block.
static const float *pad(const float *row, size_t n, float filler, float *out) {
  for (size_t i = 0; i < BLOCK; i++) out[i] = i < n ? row[i] : filler;
  return out;
}

double eval_log_sum(const float *row, size_t n) {
  const float most = row[eval_top(row, n)];
  float end[BLOCK];
  double sum = 0;
  size_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) sum += exponentials(row + i, most);
  if (i < n) sum += exponentials(pad(row + i, n - i, -INFINITY, end), most);
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
// has no probability adds nothing, but 0 times infinity would.
static double distances(const float *restrict base, const float *restrict other, double sum) {
  double x[BLOCK];
  for (int i = 0; i < BLOCK; i++) {
    const float there = (float)((double)other[i] - sum);
    x[i] = base[i] > -INFINITY ? (double)nf_exp_down(base[i]) * (double)(base[i] - there) : 0;
  }
  return add_up(x);
}

eval_distance eval_compare(const float *base, const float *other, size_t n) {
  const double sum = eval_log_sum(other, n);
  float base_end[BLOCK], other_end[BLOCK];
  double kl = 0;
  size_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) kl += distances(base + i, other + i, sum);
  if (i < n)
    kl += distances(pad(base + i, n - i, -INFINITY, base_end), pad(other + i, n - i, 0, other_end), sum);
  return (eval_distance){.kl = fmax(0, kl), .same_top = eval_top(base, n) == eval_top(other, n)};
}

// SPDX-License-Identifier: Apache-2.0
// Statistics of an evaluation: means with standard errors, and McNemar's test. Thread-compatible.
#pragma once
#include <stddef.h>

typedef struct eval_mean { // of numbers added one after the other; zeroed: of none
  size_t n;
  double mean, squares; // squares: of the distances from the mean, added up
  double most;          // the largest; 0 of none
} eval_mean;
void eval_mean_add(eval_mean *m, double x);
void eval_mean_join(eval_mean *m, const eval_mean *more); // as if all of its numbers were added
// Of the mean, from the deviation of a sample (n - 1), as lm-eval has it; 0 of fewer than two numbers. Of
// ones and zeros it is the binomial one.
double eval_mean_error(const eval_mean *m);

// Two answered the same questions; so many only one of them had right. The exact two-sided p of McNemar's
// test: how likely a split as uneven is if both are equally good. 1 where they never differ.
double eval_mcnemar(size_t only_a, size_t only_b);

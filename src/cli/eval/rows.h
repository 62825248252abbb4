// SPDX-License-Identifier: Apache-2.0
// Rows of logits: what they say of a token, and how far two of them are from each other. Pure functions.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int32_t eval_top(const float *row, size_t n);      // the likeliest token, the lower id of two
double eval_log_sum(const float *row, size_t n);   // log of the sum of exp: logit - it is a log probability
void eval_log_probabilities(float *row, size_t n); // logits become them
double eval_log_probability(const float *row, size_t n, int32_t token); // natural, of a row of logits

typedef struct eval_distance {
  double kl;     // KL(base || other), nats; 0 for rows that are bitwise equal
  bool same_top; // both have the same likeliest token
} eval_distance;
// `base` are log probabilities that eval_log_probabilities made, `other` logits.
eval_distance eval_compare(const float *base, const float *other, size_t n);

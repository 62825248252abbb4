// SPDX-License-Identifier: Apache-2.0
// Sampling: one token from one row of logits. Pure: the same logits, parameters, seed and position give the
// same token whatever else is in the batch.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nf_sampling {
  float temperature; // 0: greedy, the rest is ignored
  int32_t top_k;     // 0: off; else only the k largest
  float top_p;       // 0 or 1: off; else the fewest tokens whose probabilities reach p
  float min_p;       // 0: off; else only tokens at least this fraction as probable as the best
  uint64_t seed;
} nf_sampling;

// The sampler's room for rows of n logits. Nothing is kept in it from one call to the next.
typedef struct nf_sampler_scratch {
  float *logit, *weight;
  int32_t *id;
} nf_sampler_scratch;
bool nf_sampler_scratch_init(nf_sampler_scratch *s, int32_t n); // false: no memory
void nf_sampler_scratch_deinit(nf_sampler_scratch *s);          // a zeroed one is fine

// The largest of x [n], n >= 1; NaN when one of them is.
float nf_row_max(const float *x, int32_t n);

// Filters apply in the order top-k, top-p, min-p, each on the distribution at `temperature` that the one
// before left (as transformers does). Ties go to the lower id. logits [n], n >= 1: no NaN, no +infinity, at
// least one finite. They may lie in scratch->logit, which then holds nothing of use any more.
int32_t nf_sample(const nf_sampling *s, const float *logits, int32_t n, uint64_t position,
                  nf_sampler_scratch *scratch);

// Uniform in [0, 1), 24 bits, from a counter: Philox 4x32-10 (Salmon et al., SC11) keyed by seed.
float nf_uniform(uint64_t seed, uint64_t position);

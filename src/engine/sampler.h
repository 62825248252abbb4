// SPDX-License-Identifier: Apache-2.0
// Sampling: one token from one row of logits. Pure: the same logits, parameters, seed and position give the
// same token whatever else is in the batch.
#pragma once
#include <infuse/infuse.h>

// Floats of scratch that drawing from n logits needs. Nothing is kept in it from one call to the next.
size_t nf_sampler_scratch(int32_t n);

// The largest of x [n], n >= 1; NaN when one of them is.
float nf_row_max(const float *x, int32_t n);

// A token by `s` without what changes logits. Filters apply in the order top-k, top-p, min-p, each on the
// distribution at `temperature` that the one before left (as transformers does). Ties go to the lower id.
// logits [n], n >= 1: no NaN, no +infinity, at least one finite. They may lie at the beginning of `scratch`,
// which then holds nothing of use any more.
int32_t nf_sample(const infuse_sampling *s, const float *logits, int32_t n, uint64_t position,
                  float *scratch);

// Uniform in [0, 1), 24 bits, from a counter: Philox 4x32-10 (Salmon et al., SC11) keyed by seed.
float nf_uniform(uint64_t seed, uint64_t position);

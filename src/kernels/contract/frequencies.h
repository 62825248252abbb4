// SPDX-License-Identifier: Apache-2.0
// The frequencies of rotary angles, which are the same for all tokens: part of rope_table's definition, so
// that every kernel has the same.
#pragma once
#include "kernels/contract/args.h"
#include <math.h>

// Pair whose wavelength fits `turns` times into the trained context.
static inline double nf_rope_pair_of(const nf_rope_table_attrs *r, double turns) {
  return (double)r->dims * log(r->context / (turns * 2 * M_PI)) / (2 * log(r->theta));
}

// The ends of YaRN's ramp, in pairs.
static inline void nf_rope_ramp(const nf_rope_table_attrs *r, double *low, double *high) {
  *low = nf_rope_pair_of(r, r->beta_fast);
  *high = nf_rope_pair_of(r, r->beta_slow);
  if (r->truncate) {
    *low = floor(*low);
    *high = ceil(*high);
  }
  *low = fmax(*low, 0);
  *high = fmin(*high, (double)r->dims - 1);
  if (*low == *high) *high += 0.001;
}

// Radians a position: out[dims / 2].
static inline void nf_rope_frequencies(const nf_rope_table_attrs *r, float *out) {
  double low = 0, high = 0;
  if (r->factor > 1) nf_rope_ramp(r, &low, &high);
  for (int64_t i = 0; i < r->dims / 2; i++) {
    const double f = pow(r->theta, -2.0 * (double)i / (double)r->dims);
    const double slow = r->factor > 1 ? fmin(fmax(((double)i - low) / (high - low), 0), 1) : 0;
    out[i] = (float)(r->factor > 1 ? slow * f / r->factor + (1 - slow) * f : f);
  }
}

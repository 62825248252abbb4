// SPDX-License-Identifier: Apache-2.0
// How far computed values are from wanted ones: ||got - want|| / ||want||, Euclidean, in double. One measure
// for verify, the tools and the tests.
#pragma once
#include <math.h>
#include <stdint.h>

typedef struct nf_difference { // a zeroed one is of no values
  double difference, norm;     // squared
} nf_difference;

static inline void nf_difference_add(nf_difference *d, const float *got, const float *want, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double g = got[i], w = want[i];
    d->difference += (g - w) * (g - w);
    d->norm += w * w;
  }
}

// NaN when a value was, or when all wanted ones are zero and got ones too; infinity when only the wanted ones
// are.
static inline double nf_difference_of(const nf_difference *d) { return sqrt(d->difference / d->norm); }

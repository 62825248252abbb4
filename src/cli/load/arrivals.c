// SPDX-License-Identifier: Apache-2.0
// Gaps between requests, by Marsaglia and Tsang's method for the gamma distribution.
#include "cli/load/arrivals.h"
#include "base/random.h"
#include <math.h>

static double draw_normal(uint64_t *random) {
  const double radius = sqrt(-2 * log(nf_random_unit(random)));
  return radius * cos(2 * M_PI * nf_random_unit(random));
}

// Of scale 1. For shapes below 1 one above it is drawn and taken down.
static double draw_gamma(uint64_t *random, double shape) {
  if (shape < 1) {
    const double above = draw_gamma(random, shape + 1);
    return above * pow(nf_random_unit(random), 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(random), v = pow(1 + c * x, 3);
    if (v > 0 && log(nf_random_unit(random)) < x * x / 2 + d - d * v + d * log(v)) return d * v;
  }
}

void load_arrivals(uint64_t *random, double rate, double burstiness, double *at, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) at[i] = isinf(rate) ? 0 : (sum += draw_gamma(random, burstiness));
  for (size_t i = 0; i < n && sum > 0; i++) at[i] *= (double)n / rate / sum;
}

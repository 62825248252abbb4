// SPDX-License-Identifier: Apache-2.0
// What benchmarks share: they stop at errors, and tell medians.
#pragma once
#include "base/status.h"
#include <stdio.h>
#include <stdlib.h>

static inline void must(nf_status st) {
  if (nf_is_ok(st)) return;
  fprintf(stderr, "bench: %s\n", nf_status_message(st));
  exit(3);
}

static inline int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

// Sorts x[n], the best first; n > 0.
static inline double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, ascending);
  return x[n / 2];
}

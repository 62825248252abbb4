// SPDX-License-Identifier: Apache-2.0
// What benchmarks share: they stop at errors, and tell medians.
#pragma once
#include "base/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

// Processor time of this process: what others do on the machine does not count.
static inline double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// SPDX-License-Identifier: Apache-2.0
// Series of measured times, and the figures that benchmarks tell of them.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cli_series { // zeroed: empty
  double *at;
  size_t n, room;
  bool failed; // memory was out: it is not whole
} cli_series;
void cli_series_add(cli_series *s, double value);
void cli_series_deinit(cli_series *s);
json_t *cli_series_json(const cli_series *s, double scale); // an array; NULL: no memory

// Mean, standard deviation (of all, not of a sample) and percentiles, all 0 of an empty series.
double cli_mean(const cli_series *s);
double cli_deviation(const cli_series *s);
void cli_sort(cli_series *s);
// Of a sorted series, between its neighbours in proportion, as numpy does; percent from 0 to 100.
double cli_percentile(const cli_series *sorted, double percent);
// Puts mean, median, std and the percentiles of a series of seconds under "mean_<name>_ms", "p99.9_<name>_ms"
// and so on. Sorts it. False: memory was out.
bool cli_series_put(json_t *doc, const char *name, cli_series *s, const double *percent, size_t n);

// SPDX-License-Identifier: Apache-2.0
// Series of measured times: growing them, and their figures.
#include "cli/series.h"
#include "base/json.h"
#include "base/memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void cli_series_add(cli_series *s, double value) {
  if (s->failed || !nf_grow(&s->at, &s->room, s->n + 1, sizeof *s->at))
    s->failed = true;
  else
    s->at[s->n++] = value;
}

void cli_series_deinit(cli_series *s) {
  nf_free(s->at);
  *s = (cli_series){0};
}

json_t *cli_series_json(const cli_series *s, double scale) {
  json_t *list = json_array();
  bool ok = list != NULL && !s->failed;
  for (size_t i = 0; i < s->n && ok; i++) ok = nf_json_push(list, json_real(scale * s->at[i]));
  return nf_json_whole(list, ok);
}

double cli_mean(const cli_series *s) {
  double sum = 0;
  for (size_t i = 0; i < s->n; i++) sum += s->at[i];
  return s->n != 0 ? sum / (double)s->n : 0;
}

double cli_deviation(const cli_series *s) {
  const double mean = cli_mean(s);
  double sum = 0;
  for (size_t i = 0; i < s->n; i++) sum += (s->at[i] - mean) * (s->at[i] - mean);
  return s->n != 0 ? sqrt(sum / (double)s->n) : 0;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void cli_sort(cli_series *s) {
  if (s->n != 0) qsort(s->at, s->n, sizeof *s->at, ascending);
}

double cli_percentile(const cli_series *sorted, double percent) {
  if (sorted->n == 0) return 0;
  const double place = percent / 100 * (double)(sorted->n - 1);
  const size_t below = (size_t)place, above = below + 1 < sorted->n ? below + 1 : below;
  return sorted->at[below] + (place - (double)below) * (sorted->at[above] - sorted->at[below]);
}

static bool put(json_t *doc, const char *what, const char *name, double seconds) {
  char key[64];
  snprintf(key, sizeof key, "%s_%s_ms", what, name);
  return nf_json_put(doc, key, json_real(1e3 * seconds));
}

bool cli_series_put(json_t *doc, const char *name, cli_series *s, const double *percent, size_t n) {
  cli_sort(s);
  bool ok = !s->failed && put(doc, "mean", name, cli_mean(s)) &&
            put(doc, "median", name, cli_percentile(s, 50)) && put(doc, "std", name, cli_deviation(s));
  for (size_t i = 0; i < n && ok; i++) {
    char what[32];
    snprintf(what, sizeof what, "p%g", percent[i]);
    ok = put(doc, what, name, cli_percentile(s, percent[i]));
  }
  return ok;
}

// SPDX-License-Identifier: Apache-2.0
#include "tune/rounds.h"
#include "base/clock.h"
#include "tune/measure.h"
#include <math.h>

static const double most_s = 0.25, slow = 2; // of all rounds; times the fastest

static bool stands(const nf_rounds *r, int i) { return *r->e->of[i].why == '\0'; }

void nf_rounds_add(nf_rounds *r, int i, double took) {
  double *us = r->us[i];
  int n = r->runs[i]++;
  for (; n > 0 && us[n - 1] > took; n--) us[n] = us[n - 1];
  us[n] = took;
  const int last = r->runs[i] - 1;
  r->e->of[i].us = us[last / 2];
  r->e->of[i].spread = (us[last - last / 4] - us[last / 4]) / 2;
}

static nf_status time_once(nf_rounds *r, int i) {
  double us = 0;
  NF_TRY(r->time(r->user, i, &us));
  nf_rounds_add(r, i, us);
  return nf_ok();
}

static double fastest(const nf_rounds *r) {
  double us = INFINITY;
  for (int i = 0; i < r->e->n; i++)
    if (stands(r, i) && r->runs[i] > 0 && r->us[i][0] < us) us = r->us[i][0];
  return us;
}

// Two runs, or a long one, say that a kernel is too slow to win.
static bool is_out(const nf_rounds *r, int i) {
  const bool known = r->runs[i] >= 2 || (r->runs[i] == 1 && r->us[i][0] >= NF_LONG_US);
  return !stands(r, i) || (known && r->us[i][0] > slow * fastest(r));
}

// Whether more rounds may decide otherwise.
static bool is_open(const nf_rounds *r) {
  nf_tune_entry e = *r->e;
  int near_by;
  nf_tune_decide(&e, &near_by);
  return near_by >= 0;
}

static nf_status time_all(nf_rounds *r) {
  const double start = nf_now();
  for (int round = 0;
       round < NF_ROUNDS_OF_ALL && (round < NF_LEAST_ROUNDS || (is_open(r) && nf_now() - start < most_s));
       round++)
    for (int i = 0; i < r->e->n; i++)
      if (!is_out(r, i)) NF_TRY(time_once(r, i));
  return nf_ok();
}

static nf_status time_near(nf_rounds *r) {
  const double start = nf_now();
  const int first = r->e->by_default;
  int other;
  nf_tune_decide(r->e, &other);
  for (int round = 0; other >= 0 && round < NF_ROUNDS_OF_TWO && nf_now() - start < most_s; round++) {
    NF_TRY(time_once(r, round % 2 ? other : first));
    NF_TRY(time_once(r, round % 2 ? first : other));
  }
  return nf_ok();
}

nf_status nf_rounds_run(nf_rounds *r) {
  NF_TRY(time_all(r));
  return time_near(r);
}

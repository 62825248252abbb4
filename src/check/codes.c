// SPDX-License-Identifier: Apache-2.0
// Comparison of FP8 results: what lies close to the middle of two codes may become either.
#include "base/checked.h"
#include "check/internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEW = 2, ONE_IN = 1000 }; // neighbours that are allowed: a few, and one in so many codes

typedef struct codes {
  const nf_case *c;
  int64_t all, others; // codes under the same scale, and those of them that are neighbours
  double error, bound; // of the worst scale
} codes;

// E4M3 codes in the order of their values; both zeros are one.
static int place_of(uint8_t code) { return code & 0x80 ? -(code & 0x7f) : code & 0x7f; }

static bool scales_near(codes *s, float want, float got) {
  const double most = 448.0 * (double)want, error = 448.0 * fabs((double)got - (double)want);
  nf_expected e = nf_expected_of(s->c);
  e.want = e.sum = e.row = most;
  const double bound = nf_bound_of(s->c, s->c->d.in[0].dtype, &e);
  if (error > s->error) s->error = error, s->bound = bound;
  return error <= bound;
}

// Why the n codes under one scale do not match, or NULL.
static const char *group_near(codes *s, const uint8_t *want, float want_scale, const uint8_t *got,
                              float got_scale, int64_t n) {
  const bool same = fabs((double)got_scale - (double)want_scale) <= 0x1p-20 * (double)want_scale;
  if (!scales_near(s, want_scale, got_scale)) return "its scale is another";
  for (int64_t i = 0; i < n; i++) {
    const int apart = abs(place_of(want[i]) - place_of(got[i]));
    if (apart > 1) return "a code is no neighbour";
    s->all += same;
    s->others += same && apart;
  }
  return NULL;
}

static const char *row_near(codes *s, const nf_tensor *w, const nf_tensor *g, int64_t r) {
  const int64_t cols = nf_tensor_cols(w), group = nf_dtype_of(w->dtype)->group_cols;
  const float *want = nf_tensor_scales(w, r), *got = nf_tensor_scales(g, r);
  const uint8_t *w_code = nf_tensor_row(w, r), *g_code = nf_tensor_row(g, r);
  const char *why = NULL;
  for (int64_t k = 0; k < cols && !why; k += group)
    why = group_near(s, w_code + k, *want++, g_code + k, *got++, nf_min(group, cols - k));
  return why;
}

bool nf_codes_near(const nf_instance *want, const nf_instance *got, int n, nf_check_row *row) {
  const nf_tensor *w = nf_instance_result(want, n), *g = nf_instance_result(got, n);
  const char *name = nf_op_of(want->c->d.op)->out[n].name, *why = NULL;
  codes s = {.c = want->c};
  int64_t r = 0;
  for (; r < nf_tensor_rows(w) && !why; r++) why = row_near(&s, w, g, r);
  nf_check_note(row, want->c->d.in[0].dtype, s.error, s.bound);
  if (why) {
    snprintf(row->why, sizeof row->why, "%s row %lld: %s", name, (long long)r - 1, why);
  } else if (s.others > FEW + s.all / ONE_IN) {
    snprintf(row->why, sizeof row->why, "%s: %lld of %lld codes are neighbours", name, (long long)s.others,
             (long long)s.all);
    return false;
  }
  return !why;
}

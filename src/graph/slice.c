// SPDX-License-Identifier: Apache-2.0
// Cuts of weights over ranks.
#include "graph/slice.h"
#include "base/checked.h"
#include <inttypes.h>

nf_share nf_slice_share(const nf_slice *c, int segment, int rank) {
  const struct nf_segment *s = &c->segment[segment];
  const int64_t units = nf_ceil_div(s->size, s->unit), ranks = c->world / c->copies, r = rank / c->copies;
  const int64_t each = units / ranks, more = units % ranks; // the first `more` ranks have one unit more
  const int64_t first = r * each + nf_min(r, more), last = first + each + (r < more);
  const int64_t from = nf_min(first * s->unit, s->size);
  return (nf_share){from, nf_min(last * s->unit, s->size) - from};
}

int64_t nf_slice_longest(const nf_slice *c, int segment) { return nf_slice_share(c, segment, 0).n; }

static nf_type with_extent(nf_type t, int dim, int64_t extent) {
  t.padded[dim] += extent - t.dim[dim].c;
  t.dim[dim].c = extent;
  return t;
}

static int64_t longest_of_all(const nf_slice *c) {
  int64_t extent = 0;
  for (int i = 0; i < c->n; i++) extent += nf_slice_longest(c, i);
  return extent;
}

nf_type nf_slice_type(const nf_slice *c, nf_type whole) {
  return c->world ? with_extent(whole, c->dim, longest_of_all(c)) : whole;
}

nf_type nf_slice_whole(const nf_slice *c, nf_type local) {
  int64_t extent = 0;
  for (int i = 0; i < c->n; i++) extent += c->segment[i].size;
  return c->world ? with_extent(local, c->dim, extent) : local;
}

bool nf_slice_equal(const nf_slice *a, const nf_slice *b) {
  bool same = a->world == b->world && a->copies == b->copies && a->dim == b->dim && a->n == b->n;
  for (int i = 0; same && i < a->n; i++)
    same = a->segment[i].size == b->segment[i].size && a->segment[i].unit == b->segment[i].unit;
  return same;
}

// ---- checks ----

static nf_status check_numbers(const nf_slice *c, const nf_type *t) {
  if (c->world < 2 || c->world > NF_MAX_RANKS || c->copies < 1 || c->world % c->copies)
    return nf_error(NF_BAD_INPUT,
                    "a slice is over 2 to %d ranks, in whole groups of copies; this one is over %d and %d",
                    NF_MAX_RANKS, c->world, c->copies);
  if (c->dim < 0 || c->dim >= t->rank || c->n < 1 || c->n > NF_MAX_SEGMENTS)
    return nf_error(NF_BAD_INPUT, "a slice is of one of the %d dimensions and has 1 to %d segments", t->rank,
                    NF_MAX_SEGMENTS);
  for (int i = 0; i < c->n; i++)
    if (c->segment[i].size < 1 || c->segment[i].unit < 1 || c->segment[i].size > INT64_MAX / 8 ||
        c->segment[i].unit > INT64_MAX / 8 / NF_MAX_RANKS)
      return nf_error(NF_BAD_INPUT, "segments and units of a slice must be above 0 and below 2^49");
  return nf_ok();
}

// Columns [at, at + n) of a rank are [from, from + n) of the weight: do groups of `group` stay what they are?
// They do where they begin alike, and where all columns are in one group on either side.
static bool keeps_groups(int64_t at, int64_t from, int64_t n, int64_t group) {
  const bool one = n == 0 || (at / group == (at + n - 1) / group && from / group == (from + n - 1) / group);
  return one || at % group == from % group;
}

static nf_status check_groups(const nf_slice *c, int64_t group) {
  for (int rank = 0; rank < c->world; rank++) {
    int64_t at = 0, base = 0;
    for (int i = 0; i < c->n; i++) {
      const nf_share s = nf_slice_share(c, i, rank);
      if (!keeps_groups(at, base + s.from, s.n, group) || (i && at % group))
        return nf_error(NF_BAD_INPUT,
                        "a slice in units of %" PRId64 " parts the %" PRId64 " that share a scale",
                        c->segment[i].unit, group);
      at += nf_slice_longest(c, i);
      base += c->segment[i].size;
    }
  }
  return nf_ok();
}

nf_status nf_slice_check(const nf_slice *c, const nf_type *local) {
  if (c->world == 0) return nf_ok();
  NF_TRY(check_numbers(c, local));
  const int64_t extent = longest_of_all(c);
  if (extent != local->dim[c->dim].c)
    return nf_error(NF_BAD_INPUT, "the largest share of the slice has %" PRId64 " columns, the type %" PRId64,
                    extent, local->dim[c->dim].c);
  const nf_dtype_info *info = nf_dtype_of(local->dtype);
  const bool last = c->dim == local->rank - 1, rows = c->dim == local->rank - 2;
  const int64_t group = last ? info->group_cols : rows ? info->group_rows : 0;
  if (group > 1 && group != NF_WHOLE_ROW) NF_TRY(check_groups(c, group));
  return nf_ok();
}

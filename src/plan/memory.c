// SPDX-License-Identifier: Apache-2.0
// Greedy-by-size offset assignment (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
// Inference", 2020): within a few per cent of the lower bound on transformer graphs, and quick.
#include "base/memory.h"
#include "base/checked.h"
#include "plan/state.h"
#include <stdlib.h>
#include <string.h>

static int larger_first(const void *a, const void *b) {
  const nf_lifetime *x = *(nf_lifetime *const *)a, *y = *(nf_lifetime *const *)b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x < y ? -1 : x > y; // index order: the same plan every time
}

static bool meet(const nf_lifetime *a, const nf_lifetime *b) {
  return a->first <= b->last && b->first <= a->last;
}

// The offset of the smallest gap among `placed` (sorted by offset) that holds v, or behind them all.
static size_t find_gap(const nf_lifetime *v, nf_lifetime *const *placed, size_t n) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  for (size_t i = 0; i < n; i++) {
    const nf_lifetime *p = placed[i];
    if (!meet(v, p)) continue;
    if (p->offset > end && p->offset - end >= v->bytes && p->offset - end < best_gap)
      best = end, best_gap = p->offset - end;
    if (p->offset + p->bytes > end) end = p->offset + p->bytes;
  }
  return best != SIZE_MAX ? best : end;
}

static void insert_sorted(nf_lifetime **placed, size_t n, nf_lifetime *v) {
  size_t at = n;
  while (at > 0 && placed[at - 1]->offset > v->offset) at--;
  memmove(placed + at + 1, placed + at, (n - at) * sizeof *placed);
  placed[at] = v;
}

nf_status nf_memory_plan(nf_lifetime *value, size_t n, size_t *out_total) {
  nf_lifetime **order = nf_alloc(2 * n, sizeof *order), **placed = order + n;
  if (order == NULL) return nf_error(NF_NO_MEMORY, "no memory to plan %zu values", n);
  for (size_t i = 0; i < n; i++) {
    value[i].bytes = (size_t)nf_round_up((int64_t)value[i].bytes, NF_CACHE_LINE);
    order[i] = &value[i];
  }
  qsort(order, n, sizeof *order, larger_first);
  size_t total = 0;
  for (size_t i = 0; i < n; i++) {
    nf_lifetime *v = order[i];
    v->offset = find_gap(v, placed, i);
    insert_sorted(placed, i, v);
    if (v->offset + v->bytes > total) total = v->offset + v->bytes;
  }
  nf_free(order);
  *out_total = total;
  return nf_ok();
}

// SPDX-License-Identifier: Apache-2.0
// Global memory, and what earlier kernels may still do there.
#include "kernels/gpu/lane/grid.h"

void nf_lane_wait(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  if (me->waited)
    nf_lane_fail(site, "for the second time, after %s:%d", nf_lane_file(me->waited), me->waited->line);
  me->waited = site;
}

// The range that p lies in, of those in the order of their addresses; NULL: none.
static const nf_emulated_range *range_of(const nf_emulated_range *r, size_t n, const void *p) {
  while (n > 0) {
    const nf_emulated_range *middle = &r[n / 2];
    const bool behind = (uintptr_t)p >= (uintptr_t)middle->at;
    if (behind && (uintptr_t)p - (uintptr_t)middle->at < middle->bytes) return middle;
    r = behind ? middle + 1 : r;
    n = behind ? n - n / 2 - 1 : n / 2;
  }
  return NULL;
}

static void check_place(const nf_lane_site *site, const void *p) {
  const nf_emulation *how = &nf_lane_now()->grid->how;
  if ((uintptr_t)p % 16) nf_lane_fail(site, "%p is no multiple of 16", p);
  if (!how->legal) return;
  const nf_emulated_range *r = range_of(how->legal, how->legals, p);
  if (!r || (uintptr_t)p - (uintptr_t)r->at + 16 > r->bytes)
    nf_lane_fail(site, "16 bytes at %p are in no memory that the kernel was given", p);
}

const void *nf_lane_loaded(const nf_lane_site *site, const void *p) {
  const nf_lane *me = nf_lane_now();
  check_place(site, p);
  if (!me->waited && range_of(me->grid->how.late, me->grid->how.lates, p))
    nf_lane_fail(site, "before lane_wait(): an earlier kernel may still write there");
  return p;
}

void nf_lane_prefetch(const nf_lane_site *site, const void *p) { check_place(site, p); }

static void check_waited(const nf_lane_site *site) {
  if (!nf_lane_now()->waited)
    nf_lane_fail(site, "before lane_wait(): an earlier kernel may still read there");
}

void *nf_lane_stored(const nf_lane_site *site, void *p) {
  check_waited(site);
  check_place(site, p);
  return p;
}

uint32_t nf_lane_atomic_add(const nf_lane_site *site, uint32_t *p, uint32_t v) {
  check_waited(site);
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}

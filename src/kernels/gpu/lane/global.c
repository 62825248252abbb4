// SPDX-License-Identifier: Apache-2.0
// Global memory, and what earlier kernels may still do there.
#include "kernels/gpu/lane/grid.h"
#include <sanitizer/asan_interface.h> // says nothing in builds without

// ---- before lane_wait ----

void nf_late_hide(nf_lane_grid *g) {
  for (size_t i = 0; i < g->how.lates; i++)
    ASAN_POISON_MEMORY_REGION(g->how.late[i].at, g->how.late[i].bytes);
  g->hidden = true;
}

void nf_late_show(nf_lane_grid *g) {
  for (size_t i = 0; i < g->how.lates && g->hidden; i++)
    ASAN_UNPOISON_MEMORY_REGION(g->how.late[i].at, g->how.late[i].bytes);
  g->hidden = false;
}

void nf_lane_wait(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  if (me->waited)
    nf_lane_fail(site, "for the second time, after %s:%d", nf_lane_file(me->waited), me->waited->line);
  me->waited = site;
  nf_late_show(me->grid);
}

// ---- accesses ----

// Whether some of the 16 bytes, or all of them, are in the range.
static bool meets(const nf_emulated_range *r, uintptr_t at) {
  return at + 16 > (uintptr_t)r->at && at < (uintptr_t)r->at + r->bytes;
}
static bool holds(const nf_emulated_range *r, uintptr_t at) {
  return at >= (uintptr_t)r->at && at + 16 <= (uintptr_t)r->at + r->bytes;
}

static void check_place(const nf_lane_site *site, const void *p) {
  const nf_emulation *how = &nf_lane_now()->grid->how;
  bool legal = !how->legal;
  if ((uintptr_t)p % 16) nf_lane_fail(site, "%p is no multiple of 16", p);
  for (size_t i = 0; i < how->legals && !legal; i++) legal = holds(&how->legal[i], (uintptr_t)p);
  if (!legal) nf_lane_fail(site, "16 bytes at %p are in no memory that the kernel was given", p);
}

const void *nf_lane_loaded(const nf_lane_site *site, const void *p) {
  const nf_lane *me = nf_lane_now();
  const nf_emulation *how = &me->grid->how;
  check_place(site, p);
  for (size_t i = 0; i < how->lates && !me->waited; i++)
    if (meets(&how->late[i], (uintptr_t)p))
      nf_lane_fail(site, "before lane_wait(): an earlier kernel may still write there");
  return p;
}

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

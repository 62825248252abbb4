// SPDX-License-Identifier: Apache-2.0
// Shared memory: who wrote and who read each piece of it, and when.
#include "kernels/gpu/lane/grid.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_OF(site) nf_lane_file(site), (site)->line

bool nf_shared_init(nf_lane_grid *g, size_t bytes) {
  if ((bytes >> g->granule) >= g->cell_count || g->now > UINT32_MAX / 2 || g->writes > UINT32_MAX / 2) {
    free(g->cells);
    g->granule = 2, g->now = g->writes = 0, g->cell_count = bytes / 4 + 1;
    g->cells = calloc(g->cell_count, sizeof *g->cells);
    if (!g->cells) return g->cell_count = 0, g->shared = NULL, false;
  }
  g->shared_bytes = bytes;
  g->shared = aligned_alloc(1024, (bytes + 16 + 1023) / 1024 * 1024);
  return g->shared != NULL;
}

void nf_shared_deinit(nf_lane_grid *g) {
  free(g->shared);
  g->shared = NULL;
}

void *nf_block_shared(void) { return nf_lane_now()->grid->shared; }

// Smaller cells for smaller numbers: every cell becomes several that know the same. They stay small.
static void refine(nf_lane_grid *g, const nf_lane_site *site, int granule) {
  const int ratio = 1 << (g->granule - granule);
  nf_shared_cell *cells = calloc(g->cell_count * (size_t)ratio, sizeof *cells);
  if (!cells) nf_lane_fail(site, "no memory for what is known of shared memory");
  for (size_t i = 0; i < g->cell_count * (size_t)ratio; i++) cells[i] = g->cells[i / (size_t)ratio];
  free(g->cells);
  g->cells = cells, g->cell_count *= (size_t)ratio, g->granule = granule;
}

typedef struct span {
  nf_lane *me;
  const nf_lane_site *site;
  size_t begin, end; // cells
} span;

static span span_of(const nf_lane_site *site, const void *p, size_t bytes) {
  nf_lane *me = nf_lane_now();
  nf_lane_grid *g = me->grid;
  if (me->outer) site = me->outer;
  const uintptr_t base = (uintptr_t)g->shared, at = (uintptr_t)p;
  if (at < base || at - base > g->shared_bytes || g->shared_bytes - (at - base) < bytes)
    nf_lane_fail(site, "%zu bytes at %td are outside of the block's %zu bytes of shared memory", bytes,
                 (ptrdiff_t)(at - base), g->shared_bytes);
  const size_t offset = at - base, part = bytes & -bytes, align = part < 16 ? part : 16;
  if (offset % align) nf_lane_fail(site, "%zu bytes at %zu are not aligned", bytes, offset);
  if (align < (1u << g->granule)) refine(g, site, align == 2 ? 1 : 0);
  return (span){me, site, offset >> g->granule, (offset + bytes) >> g->granule};
}

// Whether what lane or lanes `who` did at a time may still go on, or not be seen yet, for this lane.
static bool unordered(const nf_lane *me, unsigned who, uint32_t time) {
  const nf_lane_grid *g = me->grid;
  if (who == (unsigned)me->who.thread || time < g->barrier) return false;
  if (who == NF_READERS_ALL) return true;
  const unsigned wave = who & NF_READERS_WAVE ? who & ~NF_READERS_WAVE : who / (unsigned)g->kernel->lanes;
  return &g->wave[wave] != me->wave || time >= me->wave->barrier;
}

_Noreturn static void fail_race(const span *s, size_t cell, const char *did, unsigned who,
                                const nf_lane_site *where) {
  const int bytes = 1 << s->me->grid->granule;
  char by[32] = "other lanes";
  if (!(who & NF_READERS_WAVE)) snprintf(by, sizeof by, "lane %u", who);
  nf_lane_fail(s->site, "shared byte %zu: %s %s it at %s:%d, with no barrier since", cell * (size_t)bytes, by,
               did, PLACE_OF(where));
}

static void check_write_is_over(const span *s, size_t i) {
  const nf_shared_cell *c = &s->me->grid->cells[i];
  if (c->on_its_way)
    nf_lane_fail(s->site, "shared byte %zu: lane %d's lane_copy_async16 at %s:%d was not waited for",
                 i << s->me->grid->granule, c->writer, PLACE_OF(c->write));
  if (unordered(s->me, c->writer, c->written)) fail_race(s, i, "wrote", c->writer, c->write);
}

// What the cell's readers are when this lane is one of them.
static unsigned readers(const nf_lane *me, const nf_shared_cell *c) {
  const unsigned mine = (unsigned)me->who.thread;
  if (!unordered(me, c->reader, c->was_read)) return mine;
  const unsigned lanes = (unsigned)me->grid->kernel->lanes;
  const unsigned wave = c->reader & NF_READERS_WAVE ? c->reader & ~NF_READERS_WAVE : c->reader / lanes;
  return wave == mine / lanes ? NF_READERS_WAVE | wave : NF_READERS_ALL;
}

// Of four waves' products: what they read was shown to them, and stays until they are done.
void nf_shared_read_wide(const nf_lane_site *site, const void *p) {
  nf_shared_read(site, p, 16);
  const span s = span_of(site, p, 16);
  const nf_lane_grid *g = s.me->grid;
  for (size_t i = s.begin; i < s.end; i++) {
    const nf_shared_cell *c = &g->cells[i];
    if (c->writer == NF_READERS_ALL)
      nf_lane_fail(s.site, "shared byte %zu: put there by another block at %s:%d, which products don't see",
                   i << g->granule, PLACE_OF(c->write));
    if (c->sequence > g->lane[c->writer].published)
      nf_lane_fail(s.site,
                   "shared byte %zu: lane %d wrote it at %s:%d, and has not called wide_publish since",
                   i << g->granule, c->writer, PLACE_OF(c->write));
  }
  nf_lane_held *h = nf_lane_hold(s.me, s.site);
  h->offset = (uint32_t)((const char *)p - g->shared), h->write = g->writes;
}

void nf_shared_unchanged(const nf_lane *me, const nf_lane_site *site, const nf_lane_held *h) {
  const nf_lane_grid *g = me->grid;
  for (size_t i = h->offset >> g->granule; i < (h->offset + 16u) >> g->granule; i++) {
    const nf_shared_cell *c = &g->cells[i];
    if (c->sequence > h->write)
      nf_lane_fail(site,
                   "shared byte %zu: lane %d wrote it at %s:%d, when the product of line %d was on its way",
                   i << g->granule, c->writer, PLACE_OF(c->write), h->site->line);
  }
}

void nf_shared_read(const nf_lane_site *site, const void *p, size_t bytes) {
  const span s = span_of(site, p, bytes);
  nf_lane_grid *g = s.me->grid;
  for (size_t i = s.begin; i < s.end; i++) {
    nf_shared_cell *c = &g->cells[i];
    if (c->written < g->begun)
      nf_lane_fail(s.site, "shared byte %zu was not written before in this block", i << g->granule);
    check_write_is_over(&s, i);
    c->reader = (uint16_t)readers(s.me, c), c->was_read = g->now, c->read = s.site;
  }
}

static span write_span(const nf_lane_site *site, const void *p, size_t bytes, bool on_its_way) {
  const span s = span_of(site, p, bytes);
  nf_lane_grid *g = s.me->grid;
  for (size_t i = s.begin; i < s.end; i++) {
    nf_shared_cell *c = &g->cells[i];
    if (c->written >= g->begun) {
      check_write_is_over(&s, i);
      if (unordered(s.me, c->reader, c->was_read)) fail_race(&s, i, "read", c->reader, c->read);
    }
    c->writer = (uint16_t)s.me->who.thread, c->written = g->now, c->write = s.site,
    c->sequence = g->writes + 1, c->on_its_way = on_its_way;
  }
  g->writes++;
  return s;
}

void nf_shared_write(const nf_lane_site *site, const void *p, size_t bytes) {
  write_span(site, p, bytes, false);
}

// ---- copies that are on their way ----

void nf_lane_copy_async16(const nf_lane_site *site, void *to, const void *from, bool valid) {
  const span s = write_span(site, to, 16, true);
  nf_lane *me = s.me;
  if (me->copy_end - me->copy_begin == NF_COPIES_MOST)
    nf_lane_fail(s.site, "%d copies of one lane are on their way", NF_COPIES_MOST);
  me->grid->copies[me->who.thread][me->copy_end++ % NF_COPIES_MOST] =
      (nf_lane_copy){(uint32_t)((char *)to - me->grid->shared), me->committed};
  *(u32x4 *)to = valid ? *(const u32x4 *)nf_lane_loaded(s.site, from) : (u32x4){0};
}

void nf_lane_copy_commit(void) { nf_lane_now()->committed++; }

// Now they are as if the lane had written them itself.
void nf_lane_copy_wait(const nf_lane_site *site, int n) {
  nf_lane *me = nf_lane_now();
  if (n < 0) nf_lane_fail(site, "for %d groups", n);
  nf_lane_grid *g = me->grid;
  g->writes++;
  for (; me->copy_begin != me->copy_end; me->copy_begin++) {
    const nf_lane_copy *c = &g->copies[me->who.thread][me->copy_begin % NF_COPIES_MOST];
    if ((int64_t)c->group >= (int64_t)me->committed - n) return;
    for (size_t i = c->offset >> g->granule; i < (c->offset + 16u) >> g->granule; i++)
      g->cells[i].written = g->now, g->cells[i].sequence = g->writes, g->cells[i].on_its_way = false;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Clusters: each of its blocks has a grid of its own. The lane that is the last of its block to come to
// cluster_wait gives the processor back to the thread, which goes on with the other blocks and comes back
// when all have come.
#include "kernels/gpu/lane/grid.h"

void nf_cluster_arrive(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  if (me->cluster)
    nf_lane_fail(site, "for the second time, after %s:%d, with no cluster_wait", nf_lane_file(me->cluster),
                 me->cluster->line);
  me->cluster = site;
}

void nf_cluster_wait(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  nf_lane_grid *g = me->grid;
  if (!me->cluster) nf_lane_fail(site, "without cluster_arrive()");
  me->cluster = NULL, me->put = false;
  const bool last = g->arrived == g->block.threads - 1;
  nf_block_sync(site);
  if (!last) return;
  g->suspended = me;
  nf_fiber_switch(&me->fiber, &g->thread);
  if (g->over) nf_fiber_leave(&me->fiber, &g->thread);
  g->met++;
}

// What another block of the cluster may have read, with no barrier since.
static void check_read_is_over(const nf_lane_site *site, const nf_lane_grid *to, size_t cell) {
  const nf_shared_cell *c = &to->cells[cell];
  if (c->written < to->begun || c->was_read < to->barrier) return;
  nf_lane_fail(site, "shared byte %zu of another block: it was read at %s:%d, with no barrier since",
               cell << to->granule, nf_lane_file(c->read), c->read->line);
}

void *nf_cluster_place(const nf_lane_site *site, const void *p, int rank) {
  nf_lane *me = nf_lane_now();
  nf_lane_grid *g = me->grid;
  const uintptr_t offset = (uintptr_t)p - (uintptr_t)g->shared;
  if (rank < 0 || rank >= g->clusters) nf_lane_fail(site, "block %d of a cluster of %d", rank, g->clusters);
  if (offset + 16 > g->shared_bytes || offset % 16)
    nf_lane_fail(site, "16 bytes at %td of the block's %zu bytes of shared memory", (ptrdiff_t)offset,
                 g->shared_bytes);
  if (g->met == 0) nf_lane_fail(site, "before a cluster_wait: block %d may not have begun", rank);
  nf_lane_grid *to = g->cluster[rank];
  for (size_t i = offset >> to->granule; i < (offset + 16) >> to->granule; i++) {
    check_read_is_over(site, to, i);
    nf_shared_cell *c = &to->cells[i];
    c->writer = NF_READERS_ALL, c->written = to->now, c->write = site, c->sequence = ++to->writes;
    c->on_its_way = false;
  }
  me->put = true;
  return to->shared + offset;
}

// SPDX-License-Identifier: Apache-2.0
// Grids, clusters, blocks, and whose turn it is. Collectives: meet.c, cluster.c; memory: shadow.c (shared)
// and global.c.
#include "kernels/gpu/lane/emulator.h"
#include "kernels/gpu/lane/grid.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

thread_local const nf_lane_who *nf_lane_me;

extern const nf_emulated_kernel *const __start_nf_emulated[] __attribute__((weak, visibility("hidden")));
extern const nf_emulated_kernel *const __stop_nf_emulated[] __attribute__((weak, visibility("hidden")));

const nf_emulated_kernel *nf_emulated_find(const char *symbol, int lanes) {
  for (const nf_emulated_kernel *const *k = __start_nf_emulated; k < __stop_nf_emulated; k++)
    if ((*k)->lanes == lanes && strcmp((*k)->symbol, symbol) == 0) return *k;
  return NULL;
}

// ---- whose turn it is ----

static nf_lane *next_of_wave(const nf_lane_wave *w, int id) {
  const nf_lane_grid *g = w->lane->grid;
  do id = (id + (int)g->step) & (g->kernel->lanes - 1);
  while (w->lane[id].state != NF_LANE_READY);
  return &w->lane[id];
}

// The wave's own lanes first: their stacks are in the cache.
static nf_lane *next_lane(nf_lane *me) {
  nf_lane_grid *g = me->grid;
  if (me->wave->ready > 0) return next_of_wave(me->wave, me->id);
  for (int i = 1, w = (int)(me->wave - g->wave); i < g->waves; i++) {
    w = w + 1 == g->waves ? 0 : w + 1;
    if (g->wave[w].ready > 0) return next_of_wave(&g->wave[w], me->id);
  }
  return NULL;
}

static void switch_to(nf_fiber *from, nf_lane *to) {
  nf_lane_me = &to->who;
  nf_fiber_switch(from, &to->fiber);
}

void nf_lane_yield(nf_lane *me) {
  switch_to(&me->fiber, next_lane(me)); // there is one: whoever would wait in vain has failed
  if (me->grid->over) nf_fiber_leave(&me->fiber, &me->grid->thread);
}

const char *nf_lane_file(const nf_lane_site *site) {
  const char *from = site->file;
  for (const char *at = from; (at = strstr(at, "/src/")) != NULL;) from = ++at;
  return from;
}

void nf_lane_fail(const nf_lane_site *site, const char *fmt, ...) {
  nf_lane *me = nf_lane_now();
  nf_lane_grid *g = me->grid;
  char text[512];
  va_list list;
  va_start(list, fmt);
  vsnprintf(text, sizeof text, fmt, list);
  va_end(list);
  const int *at = g->block.at;
  g->status = nf_error(NF_CHECK_FAILED, "kernel %s, waves of %d, block %d,%d,%d, lane %d, %s at %s:%d: %s",
                       g->kernel->symbol, g->kernel->lanes, at[0], at[1], at[2], me->who.thread, site->what,
                       nf_lane_file(site), site->line, text);
  me->state = NF_LANE_ENDED;
  nf_fiber_leave(&me->fiber, &g->thread);
}

static const nf_lane_site end_of_kernel = {"the end of the kernel", "its source", 0};

static void end_lane(nf_lane *me) {
  nf_lane_grid *g = me->grid;
  if (!me->waited) nf_lane_fail(&end_of_kernel, "without lane_wait()");
  if (me->put) nf_lane_fail(&end_of_kernel, "with no cluster_wait since cluster_put16");
  if (me->held > 0)
    nf_lane_fail(&end_of_kernel, "the product at %s:%d was not waited for",
                 nf_lane_file(g->held[me->who.thread][0].site), g->held[me->who.thread][0].site->line);
  const nf_lane *of_group = nf_lane_group_of(me)->first;
  const nf_lane *waits = me->wave->first ? me->wave->first : of_group ? of_group : g->first;
  if (waits)
    nf_lane_fail(&end_of_kernel, "lane %d waits in %s at %s:%d, to which all must come", waits->who.thread,
                 waits->site->what, nf_lane_file(waits->site), waits->site->line);
  me->state = NF_LANE_ENDED;
  me->wave->ended++, me->wave->ready--, g->ended++;
}

// A fiber is the same lane of one block after another.
static void run_lane(void) {
  nf_lane *me = nf_lane_now();
  for (;;) {
    me->grid->kernel->run(me->grid->args);
    end_lane(me);
    nf_lane *next = next_lane(me);
    if (next)
      switch_to(&me->fiber, next);
    else
      nf_fiber_switch(&me->fiber, &me->grid->thread);
    if (me->grid->over) nf_fiber_leave(&me->fiber, &me->grid->thread);
  }
}

// ---- grids ----

static void begin_block(nf_lane_grid *g, uint64_t block) {
  for (int i = 0; i < 3; i++) {
    g->block.at[i] = (int)(block % (uint64_t)g->block.blocks[i]);
    block /= (uint64_t)g->block.blocks[i];
  }
  g->arrived = g->ended = g->met = 0, g->first = NULL, g->suspended = NULL;
  g->begun = g->barrier = ++g->now;
  for (int i = 0; i < g->waves; i++) {
    nf_lane_wave *w = &g->wave[i];
    w->arrived = w->in_block = w->ended = 0, w->ready = g->kernel->lanes;
    w->first = NULL, w->barrier = g->now, w->lane = &g->lane[i * g->kernel->lanes];
  }
  for (int i = 0; i * NF_GROUP_LANES < g->block.threads; i++)
    g->group[i].arrived = 0, g->group[i].first = NULL;
  for (int i = 0; i < g->block.threads; i++) {
    nf_lane *l = &g->lane[i];
    l->state = NF_LANE_READY;
    l->site = l->outer = l->waited = NULL;
    l->committed = l->copy_begin = l->copy_end = l->sets = l->published = 0;
    l->held = 0, l->fenced = l->put = false, l->cluster = NULL;
  }
}

// Lanes leave from where they stand, for AddressSanitizer to free what it keeps of their frames.
static void leave_all(nf_lane_grid *g) {
  g->over = true;
  for (int i = 0; i < g->block.threads; i++) {
    if (g->lane[i].fiber.fake) switch_to(&g->thread, &g->lane[i]);
    nf_fiber_end(&g->lane[i].fiber);
  }
}

static uint64_t gcd(uint64_t a, uint64_t b) { return b ? gcd(b, a % b) : a; }

static void all_have_met(nf_lane_grid *g) {
  g->barrier = ++g->now;
  for (int i = 0; i < g->waves; i++) g->wave[i].barrier = g->now;
}

// The blocks of a cluster, each in its grid, in turn until all have ended; `first` is block 0.
static nf_status run_cluster(nf_lane_grid *g, uint64_t first, uint64_t lane) {
  for (int i = 0; i < g->clusters; i++)
    begin_block(g->cluster[i], first + (uint64_t)i * (uint64_t)g->block.blocks[0]);
  for (int waiting = g->clusters, turn = 0; waiting > 0; turn++) {
    waiting = 0;
    for (int i = 0; i < g->clusters; i++) {
      nf_lane_grid *of = g->cluster[(lane + (uint64_t)i) % (uint64_t)g->clusters];
      nf_lane *next = turn == 0 ? &of->lane[lane % (uint64_t)g->block.threads] : of->suspended;
      if (!next) continue;
      of->suspended = NULL;
      switch_to(&of->thread, next);
      if (!nf_is_ok(of->status)) return of->status;
      waiting += of->suspended != NULL;
    }
    for (int i = 0; i < g->clusters; i++) all_have_met(g->cluster[i]);
    if (waiting > 0 && waiting < g->clusters)
      return nf_error(NF_CHECK_FAILED,
                      "kernel %s, waves of %d: some blocks of a cluster have ended while others wait for "
                      "them in cluster_wait",
                      g->kernel->symbol, g->kernel->lanes);
  }
  return nf_ok();
}

// Block 0 of cluster i.
static uint64_t first_block(const nf_lane_grid *g, uint64_t i) {
  const uint64_t x = (uint64_t)g->block.blocks[0], of = (uint64_t)g->clusters;
  return i % x + i / x * x * of;
}

static nf_status run_blocks(nf_lane_grid *g) {
  const uint64_t count = (uint64_t)g->block.blocks[0] * (uint64_t)(g->block.blocks[1] / g->clusters) *
                         (uint64_t)g->block.blocks[2];
  const uint64_t mixed = g->how.seed * 0x9e3779b97f4a7c15u >> 32, first = count ? mixed % count : 0;
  uint64_t step = g->how.seed ? count / 3 + mixed % 64 : 1;
  nf_status st = nf_ok();
  while (count && gcd(step, count) != 1) step++;
  for (int i = 0; i < g->clusters; i++) g->cluster[i]->step = (uint32_t)(g->how.seed ? mixed | 1 : 1);
  for (uint64_t i = 0; i < count && nf_is_ok(st); i++)
    st = run_cluster(g, first_block(g, (uint64_t)(((unsigned __int128)i * step + first) % count)), mixed);
  for (int i = 0; i < g->clusters; i++) leave_all(g->cluster[i]);
  return st;
}

// Stacks and states are kept for the next grid.
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static nf_lane_grid *idle;

static nf_lane_grid *take_grid(void) {
  pthread_mutex_lock(&idle_lock);
  nf_lane_grid *g = idle;
  if (g) idle = g->next;
  pthread_mutex_unlock(&idle_lock);
  if (g || !(g = calloc(1, sizeof *g))) return g;
  g->stacks = nf_stacks_create(NF_LANES_MOST);
  if (!g->stacks) free(g), g = NULL;
  return g;
}

static void give_grid(nf_lane_grid *g) {
  pthread_mutex_lock(&idle_lock);
  g->next = idle, idle = g;
  pthread_mutex_unlock(&idle_lock);
}

static void set_up(nf_lane_grid *g, const nf_emulated_kernel *k, const nf_grid *grid, const void *args,
                   const nf_emulation *how) {
  g->kernel = k, g->args = args, g->how = how ? *how : (nf_emulation){0}, g->status = nf_ok(),
  g->over = false;
  g->block.threads = (int)grid->threads[0], g->waves = g->block.threads / k->lanes;
  nf_fiber_of_thread(&g->thread);
  for (int i = 0; i < 3; i++) g->block.blocks[i] = (int)grid->blocks[i];
  for (int i = 0; i < g->block.threads; i++) {
    nf_lane *l = &g->lane[i];
    l->who = (nf_lane_who){i, &g->block};
    l->grid = g, l->wave = &g->wave[i / k->lanes], l->id = i % k->lanes;
    nf_fiber_start(&l->fiber, g->stacks, i, run_lane);
  }
}

static nf_status check_cluster(const nf_emulated_kernel *k, const nf_grid *grid) {
  if (grid->cluster == 0) return nf_ok();
  if (k->lanes == 32 && grid->cluster <= NF_CLUSTER_MOST && grid->blocks[1] % grid->cluster == 0)
    return nf_ok();
  return nf_error(NF_USAGE, "kernel %s: clusters of %u of %u blocks; NVIDIA has such of up to %d", k->symbol,
                  grid->cluster, grid->blocks[1], NF_CLUSTER_MOST);
}

static nf_status check_launch(const nf_emulated_kernel *k, const nf_grid *grid, size_t args_bytes) {
  const uint32_t threads = grid->threads[0];
  if (args_bytes != k->args_bytes)
    return nf_error(NF_USAGE, "kernel %s: %zu bytes of arguments, it takes %zu", k->symbol, args_bytes,
                    k->args_bytes);
  if (threads == 0 || threads % (uint32_t)k->lanes || threads > (uint32_t)k->threads ||
      grid->threads[1] != 1 || grid->threads[2] != 1)
    return nf_error(NF_USAGE, "kernel %s: blocks of %u,%u,%u lanes; whole waves of %d, at most %d lanes, run",
                    k->symbol, threads, grid->threads[1], grid->threads[2], k->lanes, k->threads);
  for (int i = 0; i < 3; i++)
    if (grid->blocks[i] > INT32_MAX)
      return nf_error(NF_USAGE, "kernel %s: %u blocks", k->symbol, grid->blocks[i]);
  return check_cluster(k, grid);
}

static nf_status set_up_all(nf_lane_grid **g, int n, const nf_emulated_kernel *k, const nf_grid *grid,
                            const void *args, const nf_emulation *how) {
  for (int i = 0; i < n; i++) {
    if (!nf_shared_init(g[i], grid->shared))
      return nf_error(NF_NO_MEMORY, "kernel %s: no memory for %zu bytes of shared memory", k->symbol,
                      grid->shared);
    set_up(g[i], k, grid, args, how);
    g[i]->cluster = g, g[i]->clusters = n;
  }
  return nf_ok();
}

nf_status nf_emulate(const nf_emulated_kernel *k, const nf_grid *grid, const void *args, size_t args_bytes,
                     const nf_emulation *how) {
  NF_TRY(check_launch(k, grid, args_bytes));
  nf_lane_grid *g[NF_CLUSTER_MOST];
  const int n = grid->cluster > 1 ? (int)grid->cluster : 1;
  int taken = 0;
  while (taken < n && (g[taken] = take_grid()) != NULL) taken++;
  nf_status st = nf_error(NF_NO_MEMORY, "kernel %s: no memory for the stacks of its lanes", k->symbol);
  const nf_lane_who *outside = nf_lane_me;
  if (taken == n) {
    nf_status_free(st);
    st = set_up_all(g, n, k, grid, args, how);
    if (nf_is_ok(st)) st = run_blocks(g[0]);
  }
  nf_lane_me = outside;
  for (int i = 0; i < taken; i++) {
    nf_shared_deinit(g[i]);
    give_grid(g[i]);
  }
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// Collectives: lanes wait until all of their wave, or block, stand at the same place.
#include "kernels/gpu/lane/grid.h"

#define PLACE "%s at %s:%d"
#define PLACE_OF(site) (site)->what, nf_lane_file(site), (site)->line

static const nf_lane *with_state(const nf_lane *me, nf_lane_state state, bool of_wave) {
  const nf_lane *l = me->grid->lane;
  for (int i = 0; i < me->grid->block.threads; i++)
    if (l[i].state == state && (!of_wave || l[i].wave == me->wave)) return &l[i];
  return me;
}

static void must_not_have_ended(const nf_lane *me, int ended, bool of_wave) {
  if (ended == 0) return;
  nf_lane_fail(me->site, "lane %d has ended, and can't come to it",
               with_state(me, NF_LANE_ENDED, of_wave)->who.thread);
}

static void must_be_there(const nf_lane *me, const nf_lane *other) {
  if (!other || other->site == me->site) return;
  nf_lane_fail(me->site, "lane %d waits in " PLACE ": all must come to the same", other->who.thread,
               PLACE_OF(other->site));
}

static void wake(nf_lane_wave *w, int lanes) {
  for (int i = 0; i < lanes; i++) w->lane[i].state = NF_LANE_READY;
  w->ready = lanes;
}

// Returns when all lanes of the wave have come.
static void meet_wave(nf_lane *me, const nf_lane_site *site, bool barrier) {
  nf_lane_wave *w = me->wave;
  me->site = me->outer ? me->outer : site;
  must_be_there(me, w->first);
  if (w->in_block) must_be_there(me, with_state(me, NF_LANE_IN_BLOCK, true));
  must_not_have_ended(me, w->ended, true);
  const int lanes = me->grid->kernel->lanes;
  if (++w->arrived < lanes) {
    if (!w->first) w->first = me;
    me->state = NF_LANE_IN_WAVE;
    w->ready--;
    nf_lane_yield(me);
    return;
  }
  w->arrived = 0, w->first = NULL, w->turn ^= 1;
  if (barrier) w->barrier = ++me->grid->now;
  wake(w, lanes);
}

static uint32_t exchange(const nf_lane_site *site, uint32_t v, int from, bool *outside) {
  nf_lane *me = nf_lane_now();
  uint32_t *value = me->wave->value[me->wave->turn];
  const int lanes = me->grid->kernel->lanes;
  *outside = from < 0 || from >= lanes;
  value[me->id] = v;
  meet_wave(me, site, false);
  return value[from & (lanes - 1)];
}

uint32_t nf_lane_shuffle(const nf_lane_site *site, uint32_t v, int from) {
  bool outside;
  return exchange(site, v, from, &outside);
}

uint32_t nf_lane_shuffle_xor(const nf_lane_site *site, uint32_t v, int mask) {
  bool outside;
  const uint32_t r = exchange(site, v, nf_lane_now()->id ^ mask, &outside);
  if (outside) nf_lane_fail(site, "a mask of %d reaches out of the wave", mask);
  return r;
}

// Folds groups of n values onto the first of each, halves on halves as xor shuffles do.
static void fold(float *v, int lanes, int n, bool largest) {
  for (float *end = v + lanes; v < end; v += n)
    for (int half = n / 2; half > 0; half /= 2)
      for (int i = 0; i < half; i++) v[i] = largest ? fmaxf(v[i], v[i + half]) : v[i] + v[i + half];
}

// The last that comes folds for all.
static float reduce(const nf_lane_site *site, float v, int n, bool largest) {
  nf_lane *me = nf_lane_now();
  nf_lane_wave *w = me->wave;
  float *value = w->number[w->turn];
  const int lanes = me->grid->kernel->lanes;
  if (n < 1 || n > lanes || (n & (n - 1))) nf_lane_fail(site, "over groups of %d lanes", n);
  value[me->id] = v;
  const bool last = w->arrived == lanes - 1;
  meet_wave(me, site, false);
  if (last) fold(value, lanes, n, largest);
  return value[me->id & -n];
}

float nf_lane_sum_of(const nf_lane_site *site, float v, int n) { return reduce(site, v, n, false); }
float nf_lane_max_of(const nf_lane_site *site, float v, int n) { return reduce(site, v, n, true); }

uint64_t nf_lane_ballot(const nf_lane_site *site, bool b) {
  nf_lane *me = nf_lane_now();
  const uint32_t *value = me->wave->value[me->wave->turn];
  bool outside;
  exchange(site, b, 0, &outside);
  uint64_t all = 0;
  for (int i = 0; i < me->grid->kernel->lanes; i++) all |= (uint64_t)value[i] << i;
  return all;
}

void nf_lane_sync(const nf_lane_site *site) { meet_wave(nf_lane_now(), site, true); }

nf_lane_tiles *nf_lane_tiles_mine(void) {
  nf_lane_wave *w = nf_lane_now()->wave;
  return &w->tiles[w->turn];
}
void nf_lane_tiles_meet(const nf_lane_site *site) { meet_wave(nf_lane_now(), site, false); }

// Whether a lane of the group stands in block_sync, which it must not while others stand elsewhere.
static const nf_lane *of_group_in_block(const nf_lane *me) {
  const nf_lane *l = &me->grid->lane[me->who.thread / NF_GROUP_LANES * NF_GROUP_LANES];
  for (int i = 0; i < NF_GROUP_LANES; i++)
    if (l[i].state == NF_LANE_IN_BLOCK) return &l[i];
  return NULL;
}

static void stand_in_block(nf_lane *me) {
  me->state = NF_LANE_IN_BLOCK;
  me->wave->in_block++, me->wave->ready--;
  nf_lane_yield(me);
}

nf_lane_wide *nf_lane_wide_mine(void) {
  nf_lane_group *g = nf_lane_group_of(nf_lane_now());
  return &g->wide[g->turn];
}

void nf_lane_wide_meet(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  nf_lane_group *group = nf_lane_group_of(me);
  me->site = me->outer ? me->outer : site;
  must_be_there(me, me->wave->first);
  must_be_there(me, of_group_in_block(me));
  must_not_have_ended(me, me->wave->ended, true);
  if (++group->arrived < NF_GROUP_LANES) {
    if (!group->first) group->first = me;
    stand_in_block(me);
    return;
  }
  group->arrived = 0, group->first = NULL, group->turn ^= 1;
  nf_lane_wave *w = &me->grid->wave[me->who.thread / NF_GROUP_LANES * (NF_GROUP_LANES / 32)];
  for (int i = 0; i < NF_GROUP_LANES / 32; i++) w[i].in_block = 0, wake(&w[i], 32);
}

void nf_block_sync(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  nf_lane_grid *g = me->grid;
  me->site = me->outer ? me->outer : site;
  must_be_there(me, me->wave->first);
  must_be_there(me, g->first);
  must_be_there(me, nf_lane_group_of(me)->first);
  must_not_have_ended(me, g->ended, false);
  if (++g->arrived < g->block.threads) {
    if (!g->first) g->first = me;
    stand_in_block(me);
    return;
  }
  g->arrived = 0, g->first = NULL;
  g->barrier = ++g->now;
  for (int i = 0; i < g->waves; i++) {
    g->wave[i].barrier = g->now, g->wave[i].in_block = 0;
    wake(&g->wave[i], g->kernel->lanes);
  }
}

const nf_lane_site *nf_lane_enter(const nf_lane_site *site) {
  nf_lane *me = nf_lane_now();
  const nf_lane_site *outer = me->outer;
  if (!outer) me->outer = site;
  return outer;
}
void nf_lane_return(const nf_lane_site *outer) { nf_lane_now()->outer = outer; }

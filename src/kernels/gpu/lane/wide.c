// SPDX-License-Identifier: Apache-2.0
// Products of four waves that are on their way (tile/wide.h): what they have of each lane until it waited.
#include "kernels/gpu/lane/grid.h"

nf_lane_held *nf_lane_hold(nf_lane *me, const nf_lane_site *site) {
  if (me->held == NF_HELD_MOST) nf_lane_fail(site, "too many products of one lane are on their way");
  nf_lane_held *h = &me->grid->held[me->who.thread][me->held++];
  *h = (nf_lane_held){.site = site, .set = me->sets};
  return h;
}

static void invert(float *d, int n) {
  for (int i = 0; i < n / 2; i++) d[i] = nf_inverted(d[i]);
}

// The entry of sums d, which are inverted from now on.
static nf_lane_held *sums_of(nf_lane *me, const nf_lane_site *site, float *d, int n) {
  nf_lane_held *h = me->grid->held[me->who.thread];
  for (int i = 0; i < me->held; i++)
    if (h[i].sums == d) return &h[i];
  invert(d, n);
  h = nf_lane_hold(me, site);
  h->sums = d, h->n = n;
  return h;
}

void nf_lane_wide_begin(const nf_lane_site *site, int n, float *d, bool add) {
  nf_lane *me = nf_lane_now();
  if (me->grid->block.threads % NF_GROUP_LANES)
    nf_lane_fail(site, "blocks of %d lanes are not made of groups of %d", me->grid->block.threads,
                 NF_GROUP_LANES);
  if (n <= 0 || n % 16 || (n > 128 && n != 256)) nf_lane_fail(site, "of %d columns", n);
  if (!me->fenced) nf_lane_fail(site, "without wide_begin() since the last wide_wait()");
  nf_lane_held *h = sums_of(me, site, d, n);
  if (h->n != n) nf_lane_fail(site, "of %d columns, when the sums on their way have %d", n, h->n);
  h->set = me->sets;
  for (int i = 0; !add && i < n / 2; i++) d[i] = nf_inverted(0);
}

void nf_lane_wide_fence(void) { nf_lane_now()->fenced = true; }
void nf_lane_wide_publish(void) {
  nf_lane *me = nf_lane_now();
  me->published = me->grid->writes;
}
void nf_lane_wide_commit(void) { nf_lane_now()->sets++; }

void nf_lane_wide_wait(const nf_lane_site *site, int sets) {
  nf_lane *me = nf_lane_now();
  if (sets < 0) nf_lane_fail(site, "for %d sets", sets);
  nf_lane_held *h = me->grid->held[me->who.thread];
  int kept = 0;
  for (int i = 0; i < me->held; i++)
    if ((int64_t)h[i].set >= (int64_t)me->sets - sets)
      h[kept++] = h[i];
    else if (h[i].sums)
      invert(h[i].sums, h[i].n);
    else
      nf_shared_unchanged(me, site, &h[i]);
  me->held = kept, me->fenced = false;
}

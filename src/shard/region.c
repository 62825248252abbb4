// SPDX-License-Identifier: Apache-2.0
// Regions: dimensions that are split alike, and in what units.
#include "base/checked.h"
#include "shard/state.h"
#include <inttypes.h>

nf_node_id nf_region_open(nf_sharding *s, nf_node_id n, int64_t extent) {
  s->region[n] = (nf_region){.parent = n, .extent = extent, .unit = 1, .rows = 1, .copies = 1};
  return n;
}

static nf_node_id root(const nf_sharding *s, nf_node_id n) {
  while (s->region[n].parent != n) n = s->region[n].parent;
  return n;
}

nf_region *nf_region_of(const nf_sharding *s, const nf_piece *p) { return &s->region[root(s, p->region)]; }

// unit * size / extent becomes a multiple of `multiple`.
bool nf_region_require(nf_region *r, int64_t size, int64_t multiple) {
  int64_t whole, unit;
  if (size < 1 || !nf_mul_i64(r->extent, multiple, &whole)) return false;
  const int64_t need = whole / nf_gcd(size, whole);
  if (!nf_mul_i64(r->unit / nf_gcd(r->unit, need), need, &unit)) return false;
  r->unit = nf_min(unit, r->extent);
  return true;
}

bool nf_region_merge(nf_sharding *s, const nf_piece *a, const nf_piece *b) {
  const nf_node_id x = root(s, a->region), y = root(s, b->region);
  if (x == y) return true;
  nf_region *to = &s->region[x < y ? x : y], *from = &s->region[x < y ? y : x];
  if (to->even && from->even && to->copies != from->copies) return false;
  if (!nf_region_require(to, from->extent, from->unit)) return false;
  if (from->rows > 1) { // in the other's columns
    nf_region rows = {.extent = to->extent, .unit = to->rows};
    if (!nf_region_require(&rows, from->extent, from->rows)) return false;
    to->rows = rows.unit;
  }
  if (!to->even) to->copies = from->copies;
  to->even |= from->even;
  from->parent = x < y ? x : y;
  return true;
}

nf_slice nf_region_slice(const nf_sharding *s, const nf_piece *p) {
  const nf_region *r = nf_region_of(s, p);
  nf_slice c = {.world = s->world, .copies = r->copies, .dim = p->dim, .n = p->n};
  for (int i = 0; i < p->n; i++) {
    const __int128 unit = (__int128)r->unit * p->size[i] / r->extent; // whole: every size was required to be
    c.segment[i] = (struct nf_segment){p->size[i], (int64_t)unit};
  }
  return c;
}

// ---- enough for all ----

static const char *name_of(const nf_sharding *s, nf_node_id n) {
  return s->g->value[s->g->node[n].out[0]].name;
}

static bool is_even(const nf_sharding *s, const nf_region *r) {
  return r->extent % r->unit == 0 && r->extent / r->unit % (s->world / r->copies) == 0;
}

nf_status nf_region_check(const nf_sharding *s, nf_node_id n) {
  const nf_region *r = &s->region[n];
  if (r->parent != n || !r->even || is_even(s, r)) return nf_ok();
  return nf_error(NF_BAD_INPUT,
                  "world %d: the %" PRId64 " columns of %s can't be split evenly in units of %" PRId64
                  ", which whole heads and groups of columns that share a scale ask for",
                  s->world, r->extent, name_of(s, n), r->unit);
}

nf_status nf_region_heads(nf_sharding *s, nf_node_id n, const nf_piece *p, int64_t count, const char *what,
                          bool may_repeat) {
  nf_region *r = nf_region_of(s, p);
  const bool repeat = may_repeat && count < s->world;
  if (count < 1 || (repeat ? s->world % count : count % s->world) || !nf_region_require(r, count, 1))
    return nf_error(NF_BAD_INPUT, "world %d: %" PRId64 " %s can't be split%s evenly (%s)", s->world, count,
                    what, may_repeat ? " or repeated" : "", name_of(s, n));
  r->even = true;
  r->copies = repeat ? s->world / (int)count : 1;
  return nf_ok();
}

// Does the result go, perhaps scaled, into a sum with a partial one? Then ranks without a share have other
// work.
static bool joins(const nf_sharding *s, nf_val v) {
  for (;;) {
    const nf_node_id reader = s->last[v];
    if (s->readers[v] != 1) return false;
    const nf_node *n = &s->g->node[reader];
    if (n->op == NF_OP_add) {
      const nf_val other = n->in[n->in[0] == v];
      return other < v && s->piece[other].spread == NF_PARTIAL;
    }
    if (n->op != NF_OP_mul && n->op != NF_OP_reshape) return false;
    v = n->out[0];
  }
}

// All linears of the region.
static void set_modes(nf_sharding *s, nf_node_id first, nf_node_id now, nf_mode mode) {
  for (nf_node_id n = first; n < now; n++)
    if (s->region[n].extent && root(s, n) == first) s->mode[n] = mode;
  nf_shard_back(s, first);
}

// The region's linears, if all of them have experts, deal these whole.
static bool deal_experts(nf_sharding *s, nf_node_id first, nf_node_id now) {
  for (nf_node_id n = first; n < now; n++)
    if (s->g->node[n].op != NF_OP_grouped_linear && s->region[n].extent && root(s, n) == first) return false;
  set_modes(s, first, now, NF_MODE_DEALT);
  return true;
}

nf_status nf_region_end(nf_sharding *s, nf_node_id n, const nf_piece *x, nf_val w) {
  nf_region *r = nf_region_of(s, x);
  const nf_node_id first = root(s, x->region);
  if (r->even) return nf_region_check(s, first);
  if (r->rows > 1 && !nf_region_require(r, r->extent, r->rows))
    return nf_error(NF_BAD_INPUT, "%s: too large", name_of(s, n));
  const int64_t units = nf_ceil_div(r->extent, r->unit);
  if (units >= s->world || joins(s, s->g->node[n].out[0]) || deal_experts(s, first, n)) return nf_ok();
  return nf_error(NF_BAD_INPUT,
                  "world %d: the %" PRId64 " columns of %s are %" PRId64 " units of %" PRId64
                  ", fewer than the ranks",
                  s->world, x->size[0], s->g->value[w].name, units,
                  (int64_t)((__int128)r->unit * x->size[0] / r->extent));
}

// ---- going back ----

void nf_shard_back(nf_sharding *s, nf_node_id to) {
  s->from = s->again && s->from < to ? s->from : to;
  s->again = true;
}

void nf_shard_keep(nf_sharding *s, const nf_piece *p, nf_node_id now) {
  set_modes(s, root(s, p->region), now, NF_MODE_KEPT);
}

bool nf_shard_whole(nf_sharding *s, nf_val v, nf_node_id now) {
  const nf_piece *p = &s->piece[v];
  if (p->spread == NF_REPLICATED) return true;
  if (p->spread == NF_SPLIT) {
    nf_shard_keep(s, p, now);
  } else {
    s->due[v] = true;
    nf_shard_back(s, s->g->value[v].node);
  }
  return false;
}

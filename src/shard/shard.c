// SPDX-License-Identifier: Apache-2.0
// Sharding: deciding for each value how the ranks have it, node after node.
#include "shard/shard.h"
#include "base/checked.h"
#include "shard/state.h"

void nf_shard_result(nf_sharding *s, nf_node_id n, int i, nf_piece p) {
  const nf_val v = s->g->node[n].out[i];
  const bool addend = p.spread == NF_PARTIAL || p.spread == NF_EXPERT_PARALLEL;
  s->due[v] &= addend;
  s->piece[v] = s->due[v] ? (nf_piece){0} : p;
}

nf_status nf_shard_pass(nf_sharding *s, nf_node_id n, nf_piece p) {
  nf_shard_result(s, n, 0, p);
  return nf_ok();
}

bool nf_shard_sliceable(const nf_sharding *s, nf_val v) {
  const nf_value *value = &s->g->value[v];
  bool plain = value->kind == NF_VALUE_WEIGHT && nf_pack_is_plain(value->type.pack);
  for (int i = 0; i < value->type.rank; i++)
    plain &= value->type.padded[i] == value->type.dim[i].c && value->type.dim[i].c > 0;
  return v == 0 || plain;
}

// ---- outputs ----

// A linear whose columns nobody reads: each rank computes some, and then they are put together.
static bool stands_alone(const nf_sharding *s, nf_val v) {
  const nf_piece *p = &s->piece[v];
  const nf_node_id n = s->g->value[v].node;
  bool alone = s->readers[v] == 0 && p->region == n && p->n == 1 && p->dim == s->g->value[v].type.rank - 1;
  for (nf_node_id i = 0; alone && i < s->g->n_nodes; i++) alone = i == n || s->region[i].parent != n;
  return alone && s->g->node[n].op == NF_OP_linear;
}

static void settle_output(nf_sharding *s, nf_val v) {
  nf_piece *p = &s->piece[v];
  if (s->g->value[v].type.cache != NF_NO_CACHE) return; // a pool stays where it is
  if (p->spread != NF_SPLIT || !stands_alone(s, v)) {
    nf_shard_whole(s, v, (nf_node_id)s->g->n_nodes);
    return;
  }
  nf_region *r = nf_region_of(s, p);
  // So that no rank but the last ones has less, and what is missing stands at the end.
  r->unit = nf_round_up(nf_ceil_div(r->extent, s->world), r->rows);
  s->gathered[v] = true;
}

// ---- all nodes ----

static nf_status visit_from(nf_sharding *s, nf_node_id n) {
  while (n < s->g->n_nodes) {
    s->region[n] = (nf_region){0};
    s->own[n] = 0;
    for (int i = 0; i < NF_MAX_IN; i++) s->want[n][i] = (nf_piece){0};
    s->again = false;
    NF_TRY(nf_shard_visit(s, n));
    n = s->again ? s->from : n + 1;
  }
  return nf_ok();
}

static nf_status decide(nf_sharding *s) {
  s->from = 0;
  do {
    NF_TRY(visit_from(s, s->from));
    s->again = false;
    for (size_t i = 0; i < s->g->n_outputs; i++) settle_output(s, s->g->output[i]);
  } while (s->again);
  for (nf_node_id n = 0; n < s->g->n_nodes; n++)
    if (s->region[n].extent) NF_TRY(nf_region_check(s, n));
  return nf_ok();
}

static void count_readers(nf_sharding *s) {
  for (nf_node_id n = 0; n < s->g->n_nodes; n++)
    for (int i = 0; i < NF_MAX_IN; i++) {
      const nf_val v = s->g->node[n].in[i];
      s->readers[v]++;
      s->last[v] = n;
    }
}

static nf_status check(const nf_graph *g, int world) {
  nf_val ranks = 0; // a value that says that the graph is one of several ranks already
  if (world < 1 || world > NF_MAX_RANKS)
    return nf_error(NF_USAGE, "world %d: must be 1 to %d ranks", world, NF_MAX_RANKS);
  for (nf_node_id n = 0; n < g->n_nodes && !ranks; n++)
    if (nf_op_is_comm(g->node[n].op, &g->node[n].attr) || g->node[n].op == NF_OP_rank_ids)
      ranks = g->node[n].out[0];
  for (nf_val v = 1; v < g->n_values && !ranks; v++)
    if (g->value[v].recipe.slice.world || g->value[v].recipe.zero_but_rank0) ranks = v;
  if (world == 1 || !ranks) return nf_ok();
  return nf_error(NF_BAD_INPUT, "graph %s: is for several ranks already, by %s", g->name,
                  g->value[ranks].name);
}

static nf_status make_room(nf_sharding *s) {
  const struct {
    void *at;
    size_t n, size;
  } all[] = {
      {&s->piece, s->g->n_values, sizeof *s->piece},       {&s->due, s->g->n_values, sizeof *s->due},
      {&s->gathered, s->g->n_values, sizeof *s->gathered}, {&s->readers, s->g->n_values, sizeof *s->readers},
      {&s->last, s->g->n_values, sizeof *s->last},         {&s->region, s->g->n_nodes, sizeof *s->region},
      {&s->mode, s->g->n_nodes, sizeof *s->mode},          {&s->own, s->g->n_nodes, sizeof *s->own},
      {&s->want, s->g->n_nodes, sizeof *s->want},          {&s->user, s->g->n_values, sizeof *s->user},
      {&s->own_size, s->g->n_values, sizeof *s->own_size}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!(*(void **)all[i].at = nf_arena_alloc(&s->arena, all[i].n, all[i].size)))
      return nf_error(NF_NO_MEMORY, "no memory to shard graph %s", s->g->name);
  return nf_ok();
}

nf_status nf_shard(const nf_graph *g, int world, nf_graph **out) {
  nf_sharding s = {.g = g, .world = world};
  nf_status st;
  NF_GOTO(check(g, world));
  NF_GOTO(make_room(&s));
  count_readers(&s);
  if (world > 1) NF_GOTO(decide(&s));
  st = nf_shard_build(&s, out);
  if (world > 1) st = nf_status_note(st, "world %d", world);
fail:
  nf_edit_deinit(&s.edit);
  nf_arena_deinit(&s.arena);
  return st;
}

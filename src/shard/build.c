// SPDX-License-Identifier: Apache-2.0
// The graph of all ranks from what was decided: local types, recipes with splits, sums and columns of all
// ranks.
#include "graph/edit.h"
#include "shard/state.h"

typedef struct building {
  nf_sharding *s;
  nf_edit e;
  nf_node_id *user;  // [n_values] 1 + the node that said how a weight or pool is taken
  int64_t *own_size; // [n_values] of indices as the rank counts them: the first of the sizes
} building;

static nf_type local_type(const building *b, const nf_type *t, const nf_piece *p) {
  if (p->spread != NF_SPLIT) return *t;
  const nf_slice c = nf_region_slice(b->s, p);
  return nf_slice_type(&c, *t);
}

// ---- weights and pools ----

static nf_status take(building *b, nf_node_id n, nf_val v, const nf_piece *p) {
  const nf_graph *g = b->s->g;
  const nf_value *value = &g->value[v];
  if (v == 0 || (value->kind != NF_VALUE_WEIGHT && value->kind != NF_VALUE_POOL)) return nf_ok();
  nf_recipe *r = &b->e.value[v].v.recipe;
  const nf_slice slice = p->spread == NF_SPLIT ? nf_region_slice(b->s, p) : value->recipe.slice;
  const bool zero = value->recipe.zero_but_rank0 || p->zero;
  if (b->user[v] && (!nf_slice_equal(&r->slice, &slice) || r->zero_but_rank0 != zero))
    return nf_error(NF_BAD_INPUT, "%s is split in one way for %s and in another for %s", value->name,
                    g->value[g->node[b->user[v] - 1].out[0]].name, g->value[g->node[n].out[0]].name);
  b->e.value[v].v.type = local_type(b, &value->type, p);
  r->slice = slice;
  r->zero_but_rank0 = zero;
  b->user[v] = n + 1;
  return nf_ok();
}

static nf_status take_leaves(building *b) {
  const nf_graph *g = b->s->g;
  for (nf_node_id n = 0; n < g->n_nodes; n++)
    for (int i = 0; i < NF_MAX_IN; i++) NF_TRY(take(b, n, g->node[n].in[i], &b->s->want[n][i]));
  return nf_ok();
}

// ---- nodes ----

// Which operand of a node with an own range has the indices.
static int ids_of(nf_op op) {
  const nf_op_info *info = nf_op_of(op);
  int i = 0;
  while (i < info->n_in - 1 && info->in[i].role != NF_ROLE_IDS) i++;
  return i;
}

// The node's indices become those of the `size` things that the rank has.
static nf_status own_ids(building *b, nf_node_id id, int64_t size) {
  nf_edit *e = &b->e;
  const int k = ids_of(e->node[id].n.op);
  nf_val v = e->node[id].n.in[k];
  const nf_node ids = {.op = NF_OP_rank_ids, .attr.rank_ids = {.size = size}, .in = {v}};
  const char *name = e->value[v].v.name;
  if (b->own_size[v] == 0) b->own_size[v] = size;
  name = b->own_size[v] == size ? nf_arena_printf(&e->arena, "%s.own", name)
                                : nf_arena_printf(&e->arena, "%s.own.%ld", name, (long)size);
  NF_TRY(nf_edit_insert(e, e->node[id].order, &ids, name, &v));
  nf_edit_set(e, id, k, v);
  return nf_ok();
}

// What follows on result v: the sum over ranks, or their columns side by side, without the zeros that may be
// behind the last.
static nf_status complete(building *b, nf_val v) {
  const nf_sharding *s = b->s;
  if (s->due[v]) return nf_edit_behind(&b->e, v, &(nf_node){.op = NF_OP_all_reduce}, "partial");
  if (!s->gathered[v]) return nf_ok();
  const nf_type *t = &s->g->value[v].type;
  const nf_slice c = nf_region_slice(s, &s->piece[v]);
  const int64_t drop = nf_slice_longest(&c, 0) * c.world - t->dim[t->rank - 1].c;
  const nf_node gather = {.op = NF_OP_all_gather, .attr.all_gather = {.world = s->world, .drop = drop}};
  return nf_edit_behind(&b->e, v, &gather, "local");
}

static nf_status check_results(const building *b, const nf_node *n) {
  for (int i = 0; i < nf_node_results(n); i++) {
    const nf_value *old = &b->s->g->value[n->out[i]];
    const nf_type want = local_type(b, &old->type, &b->s->piece[n->out[i]]);
    if (n->out[i] != 0 && !nf_type_equal(&want, &b->e.value[n->out[i]].v.type))
      return nf_error(NF_INTERNAL, "sharding %s: the ranks have another type than was decided", old->name);
  }
  return nf_ok();
}

static nf_status build_node(building *b, nf_node_id id) {
  const nf_sharding *s = b->s;
  const nf_node *n = &s->g->node[id];
  const nf_piece *y = &s->piece[n->out[0]];
  if (s->own[id]) NF_TRY(own_ids(b, id, s->own[id]));
  if (n->op == NF_OP_reshape && y->spread == NF_SPLIT)
    b->e.node[id].n.attr.reshape.to.dim[y->dim] = local_type(b, &s->g->value[n->out[0]].type, y).dim[y->dim];
  NF_TRY(nf_edit_infer(&b->e, id));
  NF_TRY(check_results(b, n));
  return complete(b, n->out[0]);
}

static nf_status make_room(building *b) {
  const size_t n = b->s->g->n_values;
  nf_arena *a = &b->s->arena;
  b->user = nf_arena_alloc(a, n, sizeof *b->user);
  b->own_size = nf_arena_alloc(a, n, sizeof *b->own_size);
  if (b->user && b->own_size) return nf_ok();
  return nf_error(NF_NO_MEMORY, "no memory to shard graph %s", b->s->g->name);
}

static nf_status build(building *b, nf_graph **out) {
  NF_TRY(make_room(b));
  NF_TRY(nf_edit_init(&b->e, b->s->g));
  NF_TRY(take_leaves(b));
  for (nf_node_id n = 0; n < b->s->g->n_nodes; n++) NF_TRY(build_node(b, n));
  return nf_edit_finish(&b->e, out, NULL);
}

nf_status nf_shard_build(nf_sharding *s, nf_graph **out) {
  building b = {.s = s};
  const nf_status st = build(&b, out);
  nf_edit_deinit(&b.e);
  return s->world > 1 ? nf_status_note(st, "world %d", s->world) : st;
}

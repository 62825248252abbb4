// SPDX-License-Identifier: Apache-2.0
// The graph of all ranks from what was decided: local types, recipes with splits, sums and columns of all
// ranks.
#include "base/checked.h"
#include "shard/state.h"
#include <string.h>

typedef struct building {
  nf_sharding *s;
  nf_builder b;
  nf_val *now;      // [n_values] each value in the new graph
  nf_piece *leaf;   // [n_values] how weights and pools are taken
  nf_node_id *user; // [n_values] 1 + the node that said so
  nf_val *own;      // [n_values] indices as the rank counts them, of own_size
  int64_t *own_size;
} building;

static nf_type local_type(const building *b, const nf_type *t, const nf_piece *p) {
  if (p->spread != NF_SPLIT) return *t;
  const nf_slice c = nf_region_slice(b->s, p);
  return nf_slice_type(&c, *t);
}

// ---- weights and pools ----

static bool same_leaf(const building *b, const nf_piece *x, const nf_piece *y) {
  if (x->spread != y->spread || x->zero != y->zero) return false;
  if (x->spread != NF_SPLIT) return true;
  const nf_slice p = nf_region_slice(b->s, x), q = nf_region_slice(b->s, y);
  return nf_slice_equal(&p, &q);
}

static nf_status take(building *b, nf_node_id n, nf_val v, const nf_piece *p) {
  const nf_graph *g = b->s->g;
  const nf_value *value = &g->value[v];
  if (v == 0 || (value->kind != NF_VALUE_WEIGHT && value->kind != NF_VALUE_POOL)) return nf_ok();
  if (b->user[v] && !same_leaf(b, &b->leaf[v], p))
    return nf_error(NF_BAD_INPUT, "world %d: %s is split in one way for %s and in another for %s",
                    b->s->world, value->name, g->value[g->node[b->user[v] - 1].out[0]].name,
                    g->value[g->node[n].out[0]].name);
  b->leaf[v] = *p;
  b->user[v] = n + 1;
  return nf_ok();
}

static nf_status take_leaves(building *b) {
  const nf_graph *g = b->s->g;
  for (nf_node_id n = 0; n < g->n_nodes; n++)
    for (int i = 0; i < NF_MAX_IN; i++) NF_TRY(take(b, n, g->node[n].in[i], &b->s->want[n][i]));
  return nf_ok();
}

static void build_leaf(building *b, nf_val v) {
  nf_value leaf = b->s->g->value[v];
  const nf_piece *p = &b->leaf[v];
  leaf.type = local_type(b, &leaf.type, p);
  if (p->spread == NF_SPLIT) leaf.recipe.slice = nf_region_slice(b->s, p);
  leaf.recipe.zero_but_rank0 |= p->zero;
  b->now[v] = nf_build_leaf(&b->b, &leaf);
}

// ---- nodes ----

// Indices v as the rank counts them.
static nf_val own_ids(building *b, nf_val v, int64_t size) {
  if (b->own_size[v] == size) return b->own[v];
  const char *name = b->s->g->value[v].name;
  name = b->own_size[v] == 0 ? nf_build_name(&b->b, "%s.own", name)
                             : nf_build_name(&b->b, "%s.own.%ld", name, (long)size);
  b->own_size[v] = size;
  b->own[v] = NF_BUILD(&b->b, name, rank_ids, (b->now[v]), .size = size);
  return b->own[v];
}

// Which operand of a node with an own range has the indices.
static int ids_of(nf_op op) {
  const nf_op_info *info = nf_op_of(op);
  int i = 0;
  while (i < info->n_in - 1 && info->in[i].role != NF_ROLE_IDS) i++;
  return i;
}

// The rank's columns, side by side, without the zeros that may be behind the last.
static nf_val gather(building *b, const nf_value *v, nf_val part) {
  const int64_t columns = v->type.dim[v->type.rank - 1].c;
  const nf_slice c = nf_region_slice(b->s, &b->s->piece[b->s->g->node[v->node].out[0]]);
  return NF_BUILD(&b->b, v->name, all_gather, (part), .world = b->s->world,
                  .drop = nf_slice_longest(&c, 0) * c.world - columns);
}

// What follows on result v, whose part is `part`.
static nf_val complete(building *b, nf_val v, nf_val part) {
  const nf_value *value = &b->s->g->value[v];
  if (b->s->due[v]) return NF_BUILD(&b->b, value->name, all_reduce, (part), );
  return b->s->gathered[v] ? gather(b, value, part) : part;
}

static nf_status check_results(const building *b, const nf_node *n, nf_val first) {
  const nf_graph *g = b->b.graph;
  for (int i = 0; nf_is_ok(b->b.failed) && i < nf_node_results(n); i++) {
    if (n->out[i] == 0) continue;
    const nf_value *old = &b->s->g->value[n->out[i]], *made = &g->value[g->node[g->value[first].node].out[i]];
    const nf_type want = local_type(b, &old->type, &b->s->piece[n->out[i]]);
    if (!nf_type_equal(&want, &made->type))
      return nf_error(NF_INTERNAL, "sharding %s: the ranks have another type than was decided", old->name);
  }
  return nf_ok();
}

static nf_status build_node(building *b, nf_node_id id) {
  nf_sharding *s = b->s;
  const nf_node *n = &s->g->node[id];
  const nf_piece *y = &s->piece[n->out[0]];
  const char *name[NF_MAX_OUT] = {0};
  nf_val in[NF_MAX_IN];
  nf_attrs attr = n->attr;
  for (int i = 0; i < NF_MAX_IN; i++) in[i] = b->now[n->in[i]];
  for (int i = 0, k = 0; i < nf_node_results(n); i++)
    if (n->out[i] != 0) name[k++] = s->g->value[n->out[i]].name;
  if (s->own[id]) in[ids_of(n->op)] = own_ids(b, n->in[ids_of(n->op)], s->own[id]);
  if (n->op == NF_OP_reshape && y->spread == NF_SPLIT)
    attr.reshape.to.dim[y->dim] = local_type(b, &s->g->value[n->out[0]].type, y).dim[y->dim];
  if (s->due[n->out[0]]) name[0] = nf_build_name(&b->b, "%s.partial", name[0]);
  if (s->gathered[n->out[0]]) name[0] = nf_build_name(&b->b, "%s.local", name[0]);
  const nf_val first = nf_build_named(&b->b, name, n->op, in, &attr);
  NF_TRY(check_results(b, n, first));
  for (int i = 0; i < nf_node_results(n); i++)
    if (n->out[i] != 0) b->now[n->out[i]] = nf_build_result(&b->b, first, i);
  b->now[n->out[0]] = complete(b, n->out[0], first);
  return nf_ok();
}

static nf_status build_values(building *b) {
  const nf_graph *g = b->s->g;
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind != NF_VALUE_RESULT)
      build_leaf(b, v);
    else if (g->value[v].result == 0)
      NF_TRY(build_node(b, g->value[v].node));
  for (size_t i = 0; i < g->n_outputs; i++) nf_build_output(&b->b, b->now[g->output[i]]);
  return nf_ok();
}

static nf_status make_room(building *b) {
  const size_t n = b->s->g->n_values;
  nf_arena *a = &b->s->arena;
  b->now = nf_arena_alloc(a, n, sizeof *b->now);
  b->leaf = nf_arena_alloc(a, n, sizeof *b->leaf);
  b->user = nf_arena_alloc(a, n, sizeof *b->user);
  b->own = nf_arena_alloc(a, n, sizeof *b->own);
  b->own_size = nf_arena_alloc(a, n, sizeof *b->own_size);
  if (b->now && b->leaf && b->user && b->own && b->own_size) return nf_ok();
  return nf_error(NF_NO_MEMORY, "no memory to shard graph %s", b->s->g->name);
}

nf_status nf_shard_build(nf_sharding *s, nf_graph **out) {
  building b = {.s = s};
  NF_TRY(make_room(&b));
  NF_TRY(take_leaves(&b));
  NF_TRY(nf_builder_init(&b.b, s->g->name));
  nf_builder_fail(&b.b, build_values(&b));
  nf_status st = nf_builder_finish(&b.b, out);
  return s->world > 1 ? nf_status_note(st, "world %d", s->world) : st;
}

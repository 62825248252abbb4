// SPDX-License-Identifier: Apache-2.0
// The graph of all ranks from what was decided: local types, recipes with splits, sums and columns of all
// ranks.
#include "graph/edit.h"
#include "shard/state.h"

static nf_type local_type(const nf_sharding *s, const nf_type *t, const nf_piece *p) {
  if (p->spread != NF_SPLIT) return *t;
  const nf_slice c = nf_region_slice(s, p);
  return nf_slice_type(&c, *t);
}

// ---- weights and pools ----

static nf_status take(nf_sharding *s, nf_node_id n, nf_val v, const nf_piece *p) {
  const nf_graph *g = s->g;
  const nf_value *value = &g->value[v];
  if (v == 0 || (value->kind != NF_VALUE_WEIGHT && value->kind != NF_VALUE_POOL)) return nf_ok();
  nf_recipe *r = &s->edit.value[v].v.recipe;
  const nf_slice slice = p->spread == NF_SPLIT ? nf_region_slice(s, p) : value->recipe.slice;
  const bool zero = value->recipe.zero_but_rank0 || p->zero;
  if (s->user[v] && (!nf_slice_equal(&r->slice, &slice) || r->zero_but_rank0 != zero))
    return nf_error(NF_BAD_INPUT, "%s is split in one way for %s and in another for %s", value->name,
                    g->value[g->node[s->user[v] - 1].out[0]].name, g->value[g->node[n].out[0]].name);
  s->edit.value[v].v.type = local_type(s, &value->type, p);
  r->slice = slice;
  r->zero_but_rank0 = zero;
  s->user[v] = n + 1;
  return nf_ok();
}

static nf_status take_leaves(nf_sharding *s) {
  const nf_graph *g = s->g;
  for (nf_node_id n = 0; n < g->n_nodes; n++)
    for (int i = 0; i < NF_MAX_IN; i++) NF_TRY(take(s, n, g->node[n].in[i], &s->want[n][i]));
  return nf_ok();
}

// ---- nodes ----

// The node's indices become those of the `size` things that the rank has.
static nf_status own_ids(nf_sharding *s, nf_node_id id, int64_t size) {
  nf_edit *e = &s->edit;
  const nf_op_desc d = nf_edit_describe(e, id);
  const int k = nf_operand_of(&d, NF_ROLE_IDS, 0);
  nf_val v = e->node[id].n.in[k];
  const nf_node ids = {.op = NF_OP_rank_ids, .attr.rank_ids = {.size = size}, .in = {v}};
  const char *name = e->value[v].v.name;
  if (s->own_size[v] == 0) s->own_size[v] = size;
  name = s->own_size[v] == size ? nf_arena_printf(&e->arena, "%s.own", name)
                                : nf_arena_printf(&e->arena, "%s.own.%ld", name, (long)size);
  NF_TRY(nf_edit_insert(e, e->node[id].order, &ids, name, &v));
  nf_edit_set(e, id, k, v);
  return nf_ok();
}

// What follows on result v: the sum over ranks, or their columns side by side, without the zeros that may be
// behind the last.
static nf_status complete(nf_sharding *s, nf_val v) {
  if (s->due[v]) return nf_edit_behind(&s->edit, v, &(nf_node){.op = NF_OP_all_reduce}, "partial");
  if (!s->gathered[v]) return nf_ok();
  const nf_type *t = &s->g->value[v].type;
  const nf_slice c = nf_region_slice(s, &s->piece[v]);
  const int64_t drop = nf_slice_longest(&c, 0) * c.world - t->dim[t->rank - 1].c;
  const nf_node gather = {.op = NF_OP_all_gather, .attr.all_gather = {.world = s->world, .drop = drop}};
  return nf_edit_behind(&s->edit, v, &gather, "local");
}

static nf_status check_results(const nf_sharding *s, const nf_node *n) {
  for (int i = 0; i < nf_node_results(n); i++) {
    const nf_value *old = &s->g->value[n->out[i]];
    const nf_type want = local_type(s, &old->type, &s->piece[n->out[i]]);
    if (n->out[i] != 0 && !nf_type_equal(&want, &s->edit.value[n->out[i]].v.type))
      return nf_error(NF_INTERNAL, "sharding %s: the ranks have another type than was decided", old->name);
  }
  return nf_ok();
}

// What of the rank's columns narrow takes: whole segments.
static void narrow_local(nf_sharding *s, nf_node_id id, const nf_piece *x) {
  const nf_narrow_attrs *whole = &s->g->node[id].attr.narrow;
  nf_narrow_attrs *a = &s->edit.node[id].n.attr.narrow;
  const nf_slice c = nf_region_slice(s, x);
  int64_t at = 0;
  a->start = a->size = 0;
  for (int i = 0; i < x->n; at += x->size[i++])
    *(at < whole->start ? &a->start : &a->size) +=
        at < whole->start + whole->size ? nf_slice_longest(&c, i) : 0;
}

static nf_status build_node(nf_sharding *s, nf_node_id id) {
  const nf_node *n = &s->g->node[id];
  const nf_piece *y = &s->piece[n->out[0]];
  if (s->own[id]) NF_TRY(own_ids(s, id, s->own[id]));
  if (n->op == NF_OP_reshape && y->spread == NF_SPLIT)
    s->edit.node[id].n.attr.reshape.to.dim[y->dim] =
        local_type(s, &s->g->value[n->out[0]].type, y).dim[y->dim];
  if (n->op == NF_OP_narrow && y->spread == NF_SPLIT && y->dim == s->g->value[n->out[0]].type.rank - 1)
    narrow_local(s, id, &s->piece[n->in[0]]);
  NF_TRY(nf_edit_infer(&s->edit, id));
  NF_TRY(check_results(s, n));
  return complete(s, n->out[0]);
}

nf_status nf_shard_build(nf_sharding *s, nf_graph **out) {
  NF_TRY(nf_edit_init(&s->edit, s->g));
  NF_TRY(take_leaves(s));
  for (nf_node_id n = 0; n < s->g->n_nodes; n++) NF_TRY(build_node(s, n));
  return nf_edit_finish(&s->edit, out, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Changing a graph: chains of users, nodes that go, values that others stand for, and parts that replace
// nodes.
#include "graph/edit.h"
#include <stdio.h>
#include <string.h>

// ---- users ----

static void link_use(nf_edit *e, nf_node_id id, int k) {
  nf_edit_node *n = &e->node[id];
  nf_edit_value *v = &e->value[n->n.in[k]];
  const nf_use u = id * NF_MAX_IN + (nf_use)k + 1;
  n->previous[k] = 0;
  n->next[k] = v->uses;
  if (v->uses) e->node[nf_use_node(v->uses)].previous[(v->uses - 1) % NF_MAX_IN] = u;
  v->uses = u;
  v->n_uses++;
}

static void unlink_use(nf_edit *e, nf_node_id id, int k) {
  const nf_edit_node *n = &e->node[id];
  const nf_use next = n->next[k], previous = n->previous[k];
  nf_edit_value *v = &e->value[n->n.in[k]];
  if (next) e->node[nf_use_node(next)].previous[(next - 1) % NF_MAX_IN] = previous;
  if (previous)
    e->node[nf_use_node(previous)].next[(previous - 1) % NF_MAX_IN] = next;
  else
    v->uses = next;
  v->n_uses--;
}

void nf_edit_set(nf_edit *e, nf_node_id id, int k, nf_val v) {
  if (e->node[id].n.in[k]) unlink_use(e, id, k);
  e->node[id].n.in[k] = v;
  if (v) link_use(e, id, k);
}

// ---- from a graph ----

static nf_status append_node(nf_edit *e, const nf_node *n, uint32_t order) {
  if (!nf_grow(&e->node, &e->cap_nodes, e->n_nodes + 1, sizeof *e->node)) return nf_graph_no_memory();
  const nf_node_id id = (nf_node_id)e->n_nodes++;
  e->node[id] = (nf_edit_node){.n = *n, .order = order};
  for (int k = 0; k < NF_MAX_IN; k++)
    if (n->in[k]) link_use(e, id, k);
  return nf_ok();
}

static nf_status copy_graph(nf_edit *e) {
  const nf_graph *g = e->from;
  if (!nf_grow(&e->value, &e->cap_values, g->n_values, sizeof *e->value)) return nf_graph_no_memory();
  for (nf_val v = 0; v < g->n_values; v++) e->value[v] = (nf_edit_value){.v = g->value[v]};
  e->n_values = g->n_values;
  for (size_t i = 0; i < g->n_outputs; i++) e->value[g->output[i]].output = true;
  for (size_t i = 0; i < g->n_nodes; i++) NF_TRY(append_node(e, &g->node[i], g->node[i].out[0]));
  return nf_ok();
}

nf_status nf_edit_init(nf_edit *e, const nf_graph *g) {
  *e = (nf_edit){.from = g};
  nf_status st = copy_graph(e);
  if (!nf_is_ok(st)) nf_edit_deinit(e);
  return st;
}

void nf_edit_deinit(nf_edit *e) {
  nf_map_deinit(&e->names);
  nf_arena_deinit(&e->arena);
  nf_free(e->value);
  nf_free(e->node);
  nf_free(e->mark);
  *e = (nf_edit){0};
}

// ---- looking ----

nf_val nf_edit_now(const nf_edit *e, nf_val v) {
  while (e->value[v].instead) v = e->value[v].instead;
  return v;
}

nf_op_desc nf_edit_describe(const nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  const nf_op_info *info = nf_op_of(n->op);
  nf_op_desc d = {.op = n->op, .attr = n->attr};
  for (int k = 0; k < info->n_in; k++)
    if (n->in[k]) d.in[k] = e->value[n->in[k]].v.type;
  for (int r = 0; r < nf_node_results(n); r++) d.out[r] = e->value[n->out[r]].v.type;
  return d;
}

const char *nf_edit_name(const nf_edit *e, nf_node_id id) { return e->value[e->node[id].n.out[0]].v.name; }

// ---- taking away ----

void nf_edit_kill(nf_edit *e, nf_node_id id) {
  for (int k = 0; k < NF_MAX_IN; k++) nf_edit_set(e, id, k, 0);
  e->node[id].dead = true;
}

void nf_edit_move_users(nf_edit *e, nf_val v, nf_val to) {
  while (e->value[v].uses) {
    const nf_use u = e->value[v].uses;
    nf_edit_set(e, nf_use_node(u), (int)((u - 1) % NF_MAX_IN), to);
  }
}

void nf_edit_instead(nf_edit *e, nf_val v, nf_val with) {
  e->value[v].instead = with;
  nf_edit_move_users(e, v, with);
}

nf_status nf_edit_infer(nf_edit *e, nf_node_id id) {
  nf_op_desc d = nf_edit_describe(e, id);
  NF_TRY(nf_op_infer(&d), "%s", nf_edit_name(e, id));
  for (int r = 0; r < NF_MAX_OUT; r++)
    if (e->node[id].n.out[r]) e->value[e->node[id].n.out[r]].v.type = d.out[r];
  return nf_ok();
}

void nf_edit_rename(nf_edit *e, nf_val v, nf_val w) {
  const nf_value *from = &e->value[v].v;
  e->node[from->node].n.out[from->result] = w;
  e->value[w].v.node = from->node;
  e->value[w].v.result = from->result;
  nf_edit_instead(e, v, w);
}

static bool needed(const nf_edit *e, const nf_node *n) {
  const nf_op_info *info = nf_op_of(n->op);
  for (int r = 0; r < nf_node_results(n); r++) {
    const nf_edit_value *v = &e->value[n->out[r]];
    if (v->n_uses || v->output || info->out[r].alias >= 0) return true;
  }
  return false;
}

// Users stand behind what they use, but for parts that were put in: so rounds until nothing goes any more.
void nf_edit_sweep(nf_edit *e) {
  for (size_t before = 1, gone = 0; before != gone;) {
    before = gone;
    gone = 0;
    for (size_t i = e->n_nodes; i-- > 0;) {
      if (!e->node[i].dead && !needed(e, &e->node[i].n)) nf_edit_kill(e, (nf_node_id)i);
      gone += e->node[i].dead;
    }
  }
}

// ---- putting in ----

static bool name_taken(const nf_edit *e, const char *name) {
  uint32_t other;
  const size_t n = strlen(name);
  return nf_map_find(&e->from->names, name, n, &other) || nf_map_find(&e->names, name, n, &other);
}

// "near.local", with a number behind it where that is taken.
static nf_status new_name(nf_edit *e, const char *near, const char *local, const char **out) {
  char text[256];
  for (int n = 1; n < 1000; n++) {
    const int length = n == 1 ? snprintf(text, sizeof text, "%s.%s", near, local)
                              : snprintf(text, sizeof text, "%s.%s.%d", near, local, n);
    if (length >= (int)sizeof text)
      return nf_error(NF_BAD_INPUT, "%s: the name is too long for a fused one", near);
    if (name_taken(e, text)) continue;
    *out = nf_arena_copy(&e->arena, text, (size_t)length);
    return *out ? nf_map_add(&e->names, *out, (size_t)length, (nf_val)e->n_values, NULL)
                : nf_graph_no_memory();
  }
  return nf_error(NF_BAD_INPUT, "%s: no name is left beside it", near);
}

static nf_status append_value(nf_edit *e, const nf_value *v, nf_val *out) {
  if (!nf_grow(&e->value, &e->cap_values, e->n_values + 1, sizeof *e->value)) return nf_graph_no_memory();
  *out = (nf_val)e->n_values++;
  e->value[*out] = (nf_edit_value){.v = *v};
  return nf_ok();
}

static nf_status add_value(nf_edit *e, const nf_value *like, const char *near, nf_val *out) {
  nf_value v = *like;
  NF_TRY(new_name(e, near, like->name, &v.name));
  NF_TRY(nf_recipe_copy(&e->arena, &like->recipe, &v.recipe));
  return append_value(e, &v, out);
}

nf_status nf_edit_insert(nf_edit *e, uint32_t order, const nf_node *like, const char *name, nf_val *out) {
  const nf_value v = {.name = name, .kind = NF_VALUE_RESULT, .node = (nf_node_id)e->n_nodes};
  nf_node n = *like;
  if (!name) return nf_graph_no_memory();
  if (nf_map_find(&e->names, name, strlen(name), out)) return nf_ok();
  NF_TRY(nf_map_add(&e->names, name, strlen(name), (nf_val)e->n_values, NULL));
  NF_TRY(append_value(e, &v, &n.out[0]));
  *out = n.out[0];
  NF_TRY(append_node(e, &n, order));
  return nf_edit_infer(e, v.node);
}

nf_status nf_edit_behind(nf_edit *e, nf_val v, const nf_node *like, const char *suffix) {
  nf_value was = e->value[v].v;
  nf_node n = *like;
  was.name = nf_arena_printf(&e->arena, "%s.%s", was.name, suffix);
  if (!was.name) return nf_graph_no_memory();
  NF_TRY(append_value(e, &was, &n.in[0]));
  e->node[was.node].n.out[was.result] = n.in[0];
  e->value[v].v.node = (nf_node_id)e->n_nodes;
  e->value[v].v.result = 0;
  n.out[0] = v;
  NF_TRY(append_node(e, &n, e->node[was.node].order));
  return nf_edit_infer(e, e->value[v].v.node);
}

// What a value of the part is in the graph: map[v].
static nf_status add_part_node(nf_edit *e, const nf_splice *s, const nf_node *n, uint32_t order,
                               nf_val *map) {
  const nf_op_info *info = nf_op_of(n->op);
  const char *near = e->value[s->inside[0]].v.name;
  nf_node copy = *n;
  for (int k = 0; k < info->n_in; k++) copy.in[k] = n->in[k] ? map[n->in[k]] : 0;
  for (int r = 0; r < nf_node_results(n); r++) {
    const nf_val v = n->out[r];
    if (v == 0) continue;
    if (!map[v]) NF_TRY(add_value(e, &s->part->value[v], near, &map[v]));
    e->value[map[v]].v.node = (nf_node_id)e->n_nodes;
    e->value[map[v]].v.result = r;
    copy.out[r] = map[v];
  }
  return append_node(e, &copy, order);
}

// Weights of the part's own.
static nf_status add_part_weights(nf_edit *e, const nf_splice *s, nf_val *map) {
  const char *near = e->value[s->inside[0]].v.name;
  for (nf_val v = 1; v < s->part->n_values; v++)
    if (s->part->value[v].kind == NF_VALUE_WEIGHT && !map[v])
      NF_TRY(add_value(e, &s->part->value[v], near, &map[v]));
  return nf_ok();
}

static nf_status splice(nf_edit *e, const nf_splice *s, nf_val *map) {
  uint32_t order = 0;
  for (size_t i = 0; i < s->n_nodes; i++) {
    if (e->node[s->node[i]].order > order) order = e->node[s->node[i]].order;
    nf_edit_kill(e, s->node[i]);
  }
  for (size_t i = 0; i < s->n_leaves; i++) map[s->leaf[i]] = nf_edit_now(e, s->outside[i]);
  for (size_t i = 0; i < s->n_yields; i++)
    if (!map[s->yield[i]]) map[s->yield[i]] = s->inside[i];
  NF_TRY(add_part_weights(e, s, map));
  for (size_t i = 0; i < s->part->n_nodes; i++) NF_TRY(add_part_node(e, s, &s->part->node[i], order, map));
  for (size_t i = 0; i < s->n_yields; i++)
    if (map[s->yield[i]] != s->inside[i]) nf_edit_instead(e, s->inside[i], map[s->yield[i]]);
  return nf_ok();
}

nf_status nf_edit_splice(nf_edit *e, const nf_splice *s) {
  nf_val *map = nf_alloc(s->part->n_values, sizeof *map);
  if (!map) return nf_graph_no_memory();
  nf_status st = splice(e, s, map);
  nf_free(map);
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// Making a plan: its kernels (kernels.c), then its storage (storage.c); and what its owner binds.
#include "plan/plan.h"
#include "plan/state.h"
#include <string.h>

nf_status nf_plan_no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a plan"); }

nf_status nf_plan_create(const nf_graph *g, const nf_plan_options *o, nf_plan **out) {
  nf_plan *p = nf_alloc(1, sizeof *p);
  if (p == NULL) return nf_plan_no_memory();
  p->graph = g;
  p->options = *o;
  if (o->select.at.of[NF_T] == 0) p->options.select.at = o->max;
  if (o->select.most.of[NF_T] == 0)
    p->options.select.least = nf_sizes_of(1, 1, 1), p->options.select.most = o->max;
  nf_status st;
  NF_GOTO(nf_plan_set_types(p));
  NF_GOTO(nf_plan_find_roots(p));
  NF_GOTO(nf_plan_select_kernels(p));
  NF_GOTO(nf_plan_place_values(p));
  NF_GOTO(nf_plan_list_patches(p));
  NF_GOTO(nf_plan_list_launches(p));
  *out = p;
  return nf_ok();
fail:
  nf_plan_destroy(p);
  return st;
}

void nf_plan_destroy(nf_plan *p) {
  if (p == NULL) return;
  for (int s = 0; s < NF_SYM_COUNT; s++) nf_free(p->patches[s].patch);
  nf_layout_deinit(&p->own);
  nf_plan_forget(p);
  nf_free(p->captured);
  nf_arena_deinit(&p->arena);
  nf_free(p);
}

const nf_type *nf_plan_type(const nf_plan *p, nf_val v) { return &p->type[v]; }
size_t nf_plan_arena_bytes(const nf_plan *p) { return p->arena_bytes; }

void nf_plan_place(nf_plan *p, void *arena) {
  p->placed = arena;
  nf_plan_forget(p);
  for (size_t i = 0; i < p->n_lifetimes; i++)
    p->storage[p->lifetime_of[i]].data = (char *)arena + p->lifetime[i].offset;
}

void nf_plan_bind(nf_plan *p, nf_val v, void *data, int64_t slots) {
  nf_storage *storage = &p->storage[v];
  const nf_value *value = &p->graph->value[v];
  storage->data = data;
  storage->slots = slots;
  nf_plan_forget(p);
  if (value->kind != NF_VALUE_WEIGHT) return;
  const nf_place place = nf_layout_find(p->options.layout, value);
  const nf_tensor whole =
      nf_tensor_of(&p->options.layout->stored[place.stored].type, &p->options.max, 0, data);
  const nf_tensor part = nf_tensor_rows_from(&whole, place.first);
  storage->data = part.data;
  storage->scale = part.scale;
}

static bool same_node(const nf_graph *a, const nf_graph *b, nf_node_id id) {
  const nf_node *x = &a->node[id], *y = &b->node[id];
  bool same = x->op == y->op && nf_attrs_equal(x->op, &x->attr, &y->attr);
  for (int r = 0; same && r < nf_node_results(x); r++)
    same = y->out[r] != 0 && strcmp(a->value[x->out[r]].name, b->value[y->out[r]].name) == 0;
  return same;
}

bool nf_plan_equal(const nf_plan *a, const nf_plan *b) {
  bool same = a->n_steps == b->n_steps && a->graph->n_nodes == b->graph->n_nodes;
  for (size_t i = 0; same && i < a->n_steps; i++)
    same = a->step[i].node == b->step[i].node && a->step[i].selection.chosen == b->step[i].selection.chosen;
  for (nf_node_id i = 0; same && i < a->graph->n_nodes; i++) same = same_node(a->graph, b->graph, i);
  return same;
}

void nf_plan_set_batch(nf_plan *p, const nf_batch *batch) {
  nf_plan_forget(p);
  for (size_t i = 0; i < p->n_steps; i++) *(const nf_batch **)p->step[i].args = batch;
}

// SPDX-License-Identifier: Apache-2.0
// Making a plan: the kernel of every node, then its storage (storage.c); and what its owner binds.
#include "plan/state.h"
#include <string.h>

nf_status nf_plan_no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a plan"); }

// ---- kernels ----

static nf_status no_kernel(const nf_plan *p, const nf_node *n, const nf_op_desc *d, const nf_selection *s) {
  nf_text why = {0};
  nf_selection_explain(s, &p->options.hw, d, &p->options.select, &why);
  nf_status st = nf_text_status(&why);
  if (nf_is_ok(st))
    st = nf_error(NF_UNAVAILABLE, "no kernel of %s runs '%s' = %s: %s", p->options.hw.name,
                  p->graph->value[n->out[0]].name, nf_op_of(n->op)->name, why.at);
  nf_text_deinit(&why);
  return st;
}

nf_op_desc nf_plan_describe(const nf_plan *p, const nf_node *n) {
  nf_op_desc d = nf_graph_describe(p->graph, n);
  for (int k = 0; k < NF_MAX_IN; k++)
    if (n->in[k] != 0) d.in[k] = p->type[n->in[k]];
  d.order = nf_layout_order(p->options.layout, &d);
  return d;
}

// As the layout says; of a plan that has none, as is best for it alone.
static nf_status set_types(nf_plan *p) {
  const nf_graph *g = p->graph;
  const nf_layout_user alone = {g, &p->options.select, 1};
  bool shared;
  if (p->options.layout == NULL) {
    NF_TRY(nf_layout_create(&p->options.hw, &alone, 1, &p->own, &shared));
    if (!shared) return nf_error(NF_BAD_INPUT, "graph %s joins one weight in two ways", g->name);
    p->options.layout = &p->own;
  }
  p->type = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->type);
  if (p->type == NULL) return nf_plan_no_memory();
  for (nf_val v = 1; v < g->n_values; v++)
    p->type[v] = g->value[v].kind == NF_VALUE_WEIGHT ? nf_layout_type(p->options.layout, &g->value[v])
                                                     : g->value[v].type;
  return nf_ok();
}

static nf_status select_kernel(nf_plan *p, nf_memo *m, nf_node_id id) {
  const nf_node *n = &p->graph->node[id];
  nf_step *s = &p->step[p->n_steps];
  const nf_op_desc d = nf_plan_describe(p, n);
  s->node = id;
  NF_TRY(nf_memo_select(m, &d, &s->selection));
  if (s->selection.chosen == NULL) return no_kernel(p, n, &d, &s->selection);
  const nf_entry_kind kind = s->selection.chosen->entry.kind;
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  s->args = nf_arena_alloc(&p->arena, 1, layout->size);
  if (s->args == NULL) return nf_plan_no_memory();
  memcpy((char *)s->args + layout->attrs, &n->attr, layout->attrs_size);
  if (kind == NF_ENTRY_NONE || (kind == NF_ENTRY_MODULE && p->options.module == NULL))
    p->declared = s->selection.chosen;
  p->n_steps++;
  return nf_ok();
}

static nf_status select_kernels(nf_plan *p) {
  const nf_graph *g = p->graph;
  nf_memo m = {.hw = &p->options.hw, .options = &p->options.select};
  nf_status st = nf_ok();
  p->step = nf_arena_alloc(&p->arena, g->n_nodes, sizeof *p->step);
  if (p->step == NULL) return nf_plan_no_memory();
  for (nf_node_id i = 0; i < g->n_nodes && nf_is_ok(st); i++)
    if (nf_plan_view(p, g->node[i].out[0]) == NULL) st = select_kernel(p, &m, i);
  nf_memo_deinit(&m);
  return st;
}

const nf_variant *nf_plan_kernel(const nf_plan *p, nf_node_id n) {
  for (size_t i = 0; i < p->n_steps; i++)
    if (p->step[i].node == n) return p->step[i].selection.chosen;
  return NULL;
}

nf_status nf_plan_create(const nf_graph *g, const nf_plan_options *o, nf_plan **out) {
  nf_plan *p = nf_alloc(1, sizeof *p);
  if (p == NULL) return nf_plan_no_memory();
  p->graph = g;
  p->options = *o;
  if (o->select.at.of[NF_T] == 0) p->options.select.at = o->max;
  if (o->select.most.of[NF_T] == 0)
    p->options.select.least = nf_sizes_of(1, 1, 1), p->options.select.most = o->max;
  nf_status st;
  NF_GOTO(set_types(p));
  NF_GOTO(nf_plan_find_roots(p));
  NF_GOTO(select_kernels(p));
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
    if (p->storage[p->lifetime_of[i]].in_arena >= 0)
      p->storage[p->lifetime_of[i]].data = (char *)arena + p->lifetime[i].offset;
}

void nf_plan_bind(nf_plan *p, nf_val v, void *data, int64_t slots) {
  nf_storage *storage = &p->storage[v];
  const nf_value *value = &p->graph->value[v];
  storage->data = data;
  storage->slots = slots;
  storage->in_arena = -1;
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

void nf_plan_set_batch_of_device(nf_plan *p, const nf_batch *batch, const nf_batch *contents) {
  nf_plan_forget(p);
  p->batch = *contents;
  for (size_t i = 0; i < p->n_steps; i++) *(const nf_batch **)p->step[i].args = batch;
}

void nf_plan_set_batch(nf_plan *p, const nf_batch *batch) { nf_plan_set_batch_of_device(p, batch, batch); }

// SPDX-License-Identifier: Apache-2.0
// The kernel of every node.
#include "plan/state.h"
#include <string.h>

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
  return d;
}

// As the layout says; of a plan that has none, as is best for it alone.
nf_status nf_plan_set_types(nf_plan *p) {
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
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  s->args = nf_arena_alloc(&p->arena, 1, layout->size);
  if (s->args == NULL) return nf_plan_no_memory();
  memcpy((char *)s->args + layout->attrs, &n->attr, layout->attrs_size);
  if (nf_variant_is_declared(s->selection.chosen)) p->declared = s->selection.chosen;
  p->n_steps++;
  return nf_ok();
}

nf_status nf_plan_select_kernels(nf_plan *p) {
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

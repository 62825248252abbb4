// SPDX-License-Identifier: Apache-2.0
// The kernel of every node, and the packing orders of weights.
#include "plan/state.h"
#include "tensor/pack.h"
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

// A weight lies as its first user's best kernel reads it; its other users choose among those that read it so.
// A reference reads every order, so it leaves the choice to the next user.
static void choose_pack(nf_plan *p, const nf_node *n) {
  nf_op_desc d = nf_plan_describe(p, n);
  bool undecided = false;
  NF_FOR_PACKED(w, &d) undecided |= nf_pack_is_any(d.in[w].pack);
  if (!undecided) return;
  nf_selection s;
  nf_select(&p->options.hw, &d, &p->options.select, &s);
  if (s.chosen == NULL || s.chosen->backend == NF_BACKEND_REF) return;
  NF_FOR_PACKED(w, &d)
  if (nf_pack_is_any(d.in[w].pack))
    p->type[n->in[w]] = nf_type_packed(p->graph->value[n->in[w]].type, s.chosen->pack);
}

nf_status nf_plan_choose_packs(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->type = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->type);
  if (p->type == NULL) return nf_plan_no_memory();
  for (nf_val v = 1; v < g->n_values; v++) {
    p->type[v] = g->value[v].type;
    if (g->value[v].kind == NF_VALUE_WEIGHT && p->type[v].rank >= 2) p->type[v].pack = NF_PACK_ANY;
  }
  for (size_t i = 0; i < g->n_nodes; i++) choose_pack(p, &g->node[i]);
  for (nf_val v = 1; v < g->n_values; v++) // no kernel asked
    if (nf_pack_is_any(p->type[v].pack)) p->type[v].pack = NF_PACK_PLAIN;
  return nf_ok();
}

static nf_status select_kernel(nf_plan *p, nf_node_id id) {
  const nf_node *n = &p->graph->node[id];
  nf_step *s = &p->step[p->n_steps];
  const nf_op_desc d = nf_plan_describe(p, n);
  s->node = id;
  nf_select(&p->options.hw, &d, &p->options.select, &s->selection);
  if (s->selection.chosen == NULL) return no_kernel(p, n, &d, &s->selection);
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  s->args = nf_arena_alloc(&p->arena, 1, layout->size);
  if (s->args == NULL) return nf_plan_no_memory();
  memcpy((char *)s->args + layout->attrs, &n->attr, layout->attrs_size);
  if (s->selection.chosen->declared) p->declared = s->selection.chosen;
  p->launch[p->n_steps++] = (nf_launch){s->selection.chosen->blocks, s->selection.chosen->run, s->args};
  return nf_ok();
}

nf_status nf_plan_select_kernels(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->step = nf_arena_alloc(&p->arena, g->n_nodes, sizeof *p->step);
  p->launch = nf_arena_alloc(&p->arena, g->n_nodes, sizeof *p->launch);
  if (p->step == NULL || p->launch == NULL) return nf_plan_no_memory();
  for (nf_node_id i = 0; i < g->n_nodes; i++)
    if (!nf_plan_is_view(&g->node[i])) NF_TRY(select_kernel(p, i));
  return nf_ok();
}

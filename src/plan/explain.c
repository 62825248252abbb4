// SPDX-License-Identifier: Apache-2.0
// A plan as JSON: what runs each node and why the others do not, and where each value lies. docs/explain.md.
#include "base/json.h"
#include "plan/state.h"

// A string from a text, which it takes.
static json_t *take_text(nf_text *t) {
  json_t *s = t->failed ? NULL : json_stringn(t->n != 0 ? t->at : "", t->n);
  nf_text_deinit(t);
  return s;
}

static json_t *candidates(const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  json_t *list = json_array();
  bool ok = true;
  nf_candidate c;
  for (size_t i = 0; nf_selection_next(&s->selection, &i, &p->options.hw, d, &p->options.select, &c);) {
    nf_text why = {0};
    nf_candidate_explain(&c, &s->selection, &p->options.hw, d, &p->options.select, &why);
    ok &= nf_json_push(list, json_pack("{s:s, s:o, s:b}", "kernel", c.variant->name, "verdict",
                                       take_text(&why), "here", c.refusal != NF_REFUSED_BACKEND));
  }
  return nf_json_whole(list, ok);
}

json_t *nf_explain_names(const nf_graph *g, const nf_val *value, int n) {
  json_t *list = json_array();
  bool ok = true;
  for (int i = 0; i < n; i++)
    if (value[i] != 0) ok &= nf_json_push(list, json_string(g->value[value[i]].name));
  return nf_json_whole(list, ok);
}

static json_t *results(const nf_plan *p, const nf_node *n) {
  json_t *list = json_array();
  bool ok = true;
  for (int r = 0; r < nf_node_results(n); r++) {
    const nf_value *v = &p->graph->value[n->out[r]];
    if (n->out[r] != 0)
      ok &=
          nf_json_push(list, json_pack("{s:s, s:s}", "name", v->name, "type", nf_type_text_of(&v->type).at));
  }
  return nf_json_whole(list, ok);
}

// Extents that the node's kernels want padded beyond what they are, by name; NULL when memory is out.
static json_t *wants(const nf_plan *p, const nf_op_desc *d) {
  static const nf_quantity asked[] = {NF_Q_K, NF_Q_N};
  json_t *object = json_object();
  bool ok = true;
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    int64_t n = 0;
    const int64_t padded = nf_select_padded(&p->options.hw, &p->options.select, d, asked[i]);
    if (padded != 0 && nf_quantity_of(d, asked[i], &n) && padded > n)
      ok &= nf_json_put(object, nf_quantity_name(asked[i]), json_integer((json_int_t)padded));
  }
  return nf_json_whole(object, ok);
}

// What runs the node; `s` NULL: nothing does, it is a view.
static json_t *explain_kernel(const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  const nf_sizes *at = &p->options.select.at;
  if (s == NULL)
    return json_pack("{s:n, s:f, s:n, s:f, s:[]}", "kernel", "us", 0., "bound", "bytes", 0., "candidates");
  const nf_variant *v = s->selection.chosen;
  json_t *o = json_pack("{s:s, s:b, s:f, s:s, s:f, s:o, s:o}", "kernel", v->name, "declared",
                        nf_variant_is_declared(v), "us", nf_cost_us(&p->options.hw, d, at, v), "bound",
                        nf_bound_name(nf_cost_bound(&p->options.hw, d, at, v)), "bytes",
                        nf_work_of(d, at, 1).bytes, "wants", wants(p, d), "candidates", candidates(p, s, d));
  const bool ok = !s->selection.measured || nf_json_put(o, "measured_us", json_real(s->selection.us));
  return nf_json_whole(o, ok);
}

static json_t *explain_node(const nf_plan *p, const nf_node *n, const nf_step *s) {
  const nf_op_desc d = nf_plan_describe(p, n);
  nf_text text = {0};
  nf_graph_print_node(p->graph, n, &text);
  json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", p->graph->value[n->out[0]].name, "op",
                          nf_op_of(n->op)->name, "text", take_text(&text), "operands",
                          nf_explain_names(p->graph, n->in, NF_MAX_IN), "results", results(p, n));
  return nf_json_whole(row, json_object_update_new(row, explain_kernel(p, s, &d)) == 0);
}

static json_t *explain_nodes(const nf_plan *p) {
  json_t *list = json_array();
  bool ok = true;
  size_t step = 0;
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++) {
    const bool runs = step < p->n_steps && p->step[step].node == i;
    ok &= nf_json_push(list, explain_node(p, &p->graph->node[i], runs ? &p->step[step++] : NULL));
  }
  return nf_json_whole(list, ok);
}

static json_t *explain_memory(const nf_plan *p) {
  json_t *values = json_array();
  bool ok = true;
  for (size_t i = 0; i < p->n_lifetimes; i++) {
    const nf_lifetime *l = &p->lifetime[i];
    ok &=
        nf_json_push(values, json_pack("{s:s, s:I, s:I, s:i, s:i}", "name",
                                       p->graph->value[p->lifetime_of[i]].name, "bytes", (json_int_t)l->bytes,
                                       "offset", (json_int_t)l->offset, "first", l->first, "last", l->last));
  }
  return json_pack("{s:o, s:I, s:I}", "values", nf_json_whole(values, ok), "arena",
                   (json_int_t)p->arena_bytes, "unshared", (json_int_t)p->unshared_bytes);
}

// Launches, how often a step waits, launches whose kernels have no code yet, and the estimate of all.
static json_t *totals(const nf_plan *p) {
  json_int_t declared = 0, barriers = 0;
  double us = 0;
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_step *s = &p->step[i];
    const nf_op_desc d = nf_plan_describe(p, &p->graph->node[s->node]);
    declared += nf_variant_is_declared(s->selection.chosen);
    barriers += s->barrier_before + s->barrier_after;
    us += nf_cost_us(&p->options.hw, &d, &p->options.select.at, s->selection.chosen);
  }
  return json_pack("{s:I, s:I, s:I, s:f}", "launches", (json_int_t)p->n_steps, "barriers", barriers,
                   "declared", declared, "us", us);
}

json_t *nf_plan_explain(const nf_plan *p) {
  json_t *doc = totals(p);
  const bool ok = nf_json_put(doc, "nodes", explain_nodes(p));
  return nf_json_whole(doc, nf_json_put(doc, "memory", explain_memory(p)) && ok);
}

static json_t *kernels(const nf_plan *p) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_node *n = &p->graph->node[p->step[i].node];
    ok &= nf_json_push(list, json_pack("{s:s, s:s, s:s}", "name", p->graph->value[n->out[0]].name, "op",
                                       nf_op_of(n->op)->name, "kernel", p->step[i].selection.chosen->name));
  }
  return nf_json_whole(list, ok);
}

json_t *nf_plan_explain_kernels(const nf_plan *p) {
  json_t *doc = totals(p);
  const bool ok = nf_json_put(doc, "arena", json_integer((json_int_t)p->arena_bytes));
  return nf_json_whole(doc, nf_json_put(doc, "nodes", kernels(p)) && ok);
}

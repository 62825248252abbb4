// SPDX-License-Identifier: Apache-2.0
// A plan as JSON: what runs each node and why the others do not, and where each value lies. docs/explain.md.
#include "base/json.h"
#include "plan/plan.h"
#include "plan/state.h"

// A string from a text, which is emptied.
static json_t *take_text(nf_text *t) {
  json_t *s = t->failed ? NULL : json_stringn(t->n != 0 ? t->at : "", t->n);
  nf_text_deinit(t);
  *t = (nf_text){0};
  return s;
}

static json_t *candidates(const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  json_t *list = json_array();
  bool ok = list != NULL;
  nf_candidate c;
  for (size_t i = 0; nf_selection_next(&s->selection, &i, &p->options.hw, d, &p->options.select, &c);) {
    nf_text why = {0};
    nf_candidate_explain(&c, &s->selection, &p->options.hw, d, &p->options.select, &why);
    json_t *row = json_object();
    ok &= nf_json_put(row, "kernel", json_string(c.variant->name));
    ok &= nf_json_put(row, "verdict", take_text(&why));
    ok &= nf_json_put(row, "here", json_boolean(c.refusal != NF_REFUSED_BACKEND));
    ok &= nf_json_push(list, row);
  }
  return nf_json_whole(list, ok);
}

json_t *nf_explain_names(const nf_graph *g, const nf_val *value, int n) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (int i = 0; i < n; i++)
    if (value[i] != 0) ok &= nf_json_push(list, json_string(g->value[value[i]].name));
  return nf_json_whole(list, ok);
}

static json_t *results(const nf_plan *p, const nf_node *n) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (int r = 0; r < nf_node_results(n); r++) {
    const nf_value *v = &p->graph->value[n->out[r]];
    if (n->out[r] == 0) continue;
    json_t *row = json_object();
    ok &= nf_json_put(row, "name", json_string(v->name));
    ok &= nf_json_put(row, "type", json_string(nf_type_text_of(&v->type).at));
    ok &= nf_json_push(list, row);
  }
  return nf_json_whole(list, ok);
}

// Extents that the node's kernels want padded beyond what they are, by name; NULL when memory is out.
static json_t *wants(const nf_plan *p, const nf_op_desc *d) {
  static const nf_quantity asked[] = {NF_Q_K, NF_Q_N};
  json_t *object = json_object();
  bool ok = object != NULL;
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    int64_t n = 0;
    const int64_t padded = nf_select_padded(&p->options.hw, &p->options.select, d, asked[i]);
    if (padded != 0 && nf_quantity_of(d, asked[i], &n) && padded > n)
      ok &= nf_json_put(object, nf_quantity_name(asked[i]), json_integer((json_int_t)padded));
  }
  return nf_json_whole(object, ok);
}

static bool put_kernel(json_t *row, const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  const nf_variant *v = s->selection.chosen;
  return nf_json_put(row, "kernel", json_string(v->name)) &&
         nf_json_put(row, "declared", json_boolean(nf_variant_is_declared(v))) &&
         nf_json_put(row, "us", json_real(nf_cost_us(&p->options.hw, d, &p->options.select.at, v))) &&
         nf_json_put(
             row, "bound",
             json_string(nf_bound_name(nf_cost_bound(&p->options.hw, d, &p->options.select.at, v)))) &&
         nf_json_put(row, "wants", wants(p, d)) && nf_json_put(row, "candidates", candidates(p, s, d));
}

static bool put_no_kernel(json_t *row) {
  return nf_json_put(row, "kernel", json_null()) && nf_json_put(row, "us", json_real(0)) &&
         nf_json_put(row, "bound", json_null()) && nf_json_put(row, "candidates", json_array());
}

// `s` NULL: a view, which no kernel runs.
static json_t *explain_node(const nf_plan *p, const nf_node *n, const nf_step *s) {
  const nf_op_desc d = nf_plan_describe(p, n);
  nf_text text = {0};
  nf_graph_print_node(p->graph, n, &text);
  json_t *row = json_object();
  bool ok = nf_json_put(row, "name", json_string(p->graph->value[n->out[0]].name));
  ok &= nf_json_put(row, "op", json_string(nf_op_of(n->op)->name));
  ok &= nf_json_put(row, "text", take_text(&text));
  ok &= nf_json_put(row, "operands", nf_explain_names(p->graph, n->in, NF_MAX_IN));
  ok &= nf_json_put(row, "results", results(p, n));
  ok &= nf_json_put(row, "bytes", json_real(s != NULL ? nf_cost_bytes(&d, &p->options.select.at) : 0));
  ok &= s != NULL ? put_kernel(row, p, s, &d) : put_no_kernel(row);
  return nf_json_whole(row, ok);
}

static json_t *explain_nodes(const nf_plan *p) {
  json_t *list = json_array();
  bool ok = list != NULL;
  size_t step = 0;
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++) {
    const bool runs = step < p->n_steps && p->step[step].node == i;
    ok &= nf_json_push(list, explain_node(p, &p->graph->node[i], runs ? &p->step[step++] : NULL));
  }
  return nf_json_whole(list, ok);
}

static json_t *explain_memory(const nf_plan *p) {
  json_t *values = json_array(), *memory = json_object();
  bool ok = values != NULL;
  for (size_t i = 0; i < p->n_lifetimes; i++) {
    const nf_lifetime *l = &p->lifetime[i];
    json_t *row = json_object();
    ok &= nf_json_put(row, "name", json_string(p->graph->value[p->lifetime_of[i]].name));
    ok &= nf_json_put(row, "bytes", json_integer((json_int_t)l->bytes));
    ok &= nf_json_put(row, "offset", json_integer((json_int_t)l->offset));
    ok &= nf_json_put(row, "first", json_integer(l->first));
    ok &= nf_json_put(row, "last", json_integer(l->last));
    ok &= nf_json_push(values, row);
  }
  ok &= nf_json_put(memory, "values", values);
  ok &= nf_json_put(memory, "arena", json_integer((json_int_t)p->arena_bytes));
  ok &= nf_json_put(memory, "unshared", json_integer((json_int_t)p->unshared_bytes));
  return nf_json_whole(memory, ok);
}

static json_t *barriers(const nf_plan *p) { // a step
  json_int_t n = 0;
  for (size_t i = 0; i < p->n_steps; i++) n += p->step[i].barrier_before + p->step[i].barrier_after;
  return json_integer(n);
}

// Launches whose kernels have no code yet, and the estimate of all.
static bool put_totals(json_t *doc, const nf_plan *p) {
  size_t declared = 0;
  double us = 0;
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_variant *v = p->step[i].selection.chosen;
    const nf_op_desc d = nf_plan_describe(p, &p->graph->node[p->step[i].node]);
    declared += nf_variant_is_declared(v);
    us += nf_cost_us(&p->options.hw, &d, &p->options.select.at, v);
  }
  return nf_json_put(doc, "launches", json_integer((json_int_t)p->n_steps)) &&
         nf_json_put(doc, "barriers", barriers(p)) &&
         nf_json_put(doc, "declared", json_integer((json_int_t)declared)) &&
         nf_json_put(doc, "us", json_real(us));
}

nf_status nf_plan_explain(const nf_plan *p, json_t **out) {
  json_t *doc = json_object();
  bool ok = nf_json_put(doc, "nodes", explain_nodes(p));
  ok &= nf_json_put(doc, "memory", explain_memory(p));
  ok &= put_totals(doc, p);
  if (!ok) {
    json_decref(doc);
    return nf_error(NF_NO_MEMORY, "no memory to explain the plan");
  }
  *out = doc;
  return nf_ok();
}

static json_t *kernels(const nf_plan *p) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < p->n_steps; i++) {
    const nf_node *n = &p->graph->node[p->step[i].node];
    ok = nf_json_push(list, json_pack("{s:s, s:s, s:s}", "name", p->graph->value[n->out[0]].name, "op",
                                      nf_op_of(n->op)->name, "kernel", p->step[i].selection.chosen->name));
  }
  return nf_json_whole(list, ok);
}

json_t *nf_plan_explain_kernels(const nf_plan *p) {
  json_t *doc = json_object();
  bool ok = put_totals(doc, p);
  ok &= nf_json_put(doc, "arena", json_integer((json_int_t)p->arena_bytes));
  ok &= nf_json_put(doc, "nodes", kernels(p));
  return nf_json_whole(doc, ok);
}

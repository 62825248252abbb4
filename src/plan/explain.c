// SPDX-License-Identifier: Apache-2.0
// A plan as JSON: what runs each node and why the others do not, and where each value lies. docs/explain.md.
#include "plan/plan.h"
#include "plan/state.h"

// jansson's setters steal the value and fail on NULL, so a chain of them needs one check at the end.
static int put(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value);
}
static int push(json_t *array, json_t *value) { return json_array_append_new(array, value); }

// A string from a text, which is emptied.
static json_t *take_text(nf_text *t) {
  json_t *s = t->failed ? NULL : json_stringn(t->n != 0 ? t->at : "", t->n);
  nf_text_deinit(t);
  *t = (nf_text){0};
  return s;
}

static json_t *type_text(const nf_type *type) {
  nf_text t = {0};
  nf_type_print(type, &t);
  return take_text(&t);
}

static json_t *candidates(const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  json_t *list = json_array();
  int bad = list == NULL;
  for (int i = 0; i < s->selection.n; i++) {
    const nf_candidate *c = &s->selection.candidate[i];
    nf_text why = {0};
    nf_candidate_explain(c, &p->options.hw, d, &p->options.select, &why);
    json_t *row = json_object();
    bad |= put(row, "kernel", json_string(c->variant->name)) | put(row, "verdict", take_text(&why));
    bad |= put(row, "here", json_boolean(c->refusal != NF_REFUSED_BACKEND));
    bad |= push(list, row);
  }
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

static json_t *operands(const nf_plan *p, const nf_node *n) {
  json_t *list = json_array();
  int bad = list == NULL;
  for (int k = 0; k < nf_op_of(n->op)->n_in; k++)
    if (n->in[k] != 0) bad |= push(list, json_string(p->graph->value[n->in[k]].name));
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

static json_t *results(const nf_plan *p, const nf_node *n) {
  json_t *list = json_array();
  int bad = list == NULL;
  for (int r = 0; r < NF_MAX_OUT && n->out[r] != 0; r++) {
    const nf_value *v = &p->graph->value[n->out[r]];
    json_t *row = json_object();
    bad |= put(row, "name", json_string(v->name)) | put(row, "type", type_text(&v->type)) | push(list, row);
  }
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

// Extents that the node's kernels want padded beyond what they are, by name; NULL when memory is out.
static json_t *wants(const nf_plan *p, const nf_op_desc *d) {
  static const nf_quantity asked[] = {NF_Q_K, NF_Q_N};
  json_t *object = json_object();
  int bad = object == NULL;
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    int64_t n = 0;
    const int64_t padded = nf_select_padded(&p->options.hw, &p->options.select, d, asked[i]);
    if (padded != 0 && nf_quantity_of(d, asked[i], &n) && padded > n)
      bad |= put(object, nf_quantity_name(asked[i]), json_integer((json_int_t)padded));
  }
  if (bad == 0) return object;
  json_decref(object);
  return NULL;
}

static int put_kernel(json_t *row, const nf_plan *p, const nf_step *s, const nf_op_desc *d) {
  const nf_variant *v = s->selection.chosen;
  return put(row, "kernel", json_string(v->name)) | put(row, "declared", json_boolean(v->declared)) |
         put(row, "us", json_real(nf_cost_us(&p->options.hw, d, &p->options.at, v))) |
         put(row, "wants", wants(p, d)) | put(row, "candidates", candidates(p, s, d));
}

// `s` NULL: a view, which no kernel runs.
static json_t *explain_node(const nf_plan *p, const nf_node *n, const nf_step *s) {
  const nf_op_desc d = nf_plan_describe(p, n);
  nf_text text = {0};
  nf_graph_print_node(p->graph, n, &text);
  json_t *row = json_object();
  int bad = put(row, "name", json_string(p->graph->value[n->out[0]].name));
  bad |= put(row, "op", json_string(nf_op_of(n->op)->name)) | put(row, "text", take_text(&text));
  bad |= put(row, "operands", operands(p, n)) | put(row, "results", results(p, n));
  bad |= put(row, "bytes", json_real(nf_cost_bytes(&d, &p->options.at)));
  if (s != NULL)
    bad |= put_kernel(row, p, s, &d);
  else
    bad |=
        put(row, "kernel", json_null()) | put(row, "us", json_real(0)) | put(row, "candidates", json_array());
  if (bad == 0) return row;
  json_decref(row);
  return NULL;
}

static json_t *explain_nodes(const nf_plan *p) {
  json_t *list = json_array();
  int bad = list == NULL;
  size_t step = 0;
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++) {
    const bool runs = step < p->n_steps && p->step[step].node == i;
    bad |= push(list, explain_node(p, &p->graph->node[i], runs ? &p->step[step++] : NULL));
  }
  if (bad == 0) return list;
  json_decref(list);
  return NULL;
}

static json_t *explain_memory(const nf_plan *p) {
  json_t *values = json_array(), *memory = json_object();
  int bad = values == NULL;
  for (size_t i = 0; i < p->n_lifetimes; i++) {
    const nf_lifetime *l = &p->lifetime[i];
    json_t *row = json_object();
    bad |= put(row, "name", json_string(p->graph->value[p->lifetime_of[i]].name));
    bad |= put(row, "bytes", json_integer((json_int_t)l->bytes));
    bad |= put(row, "offset", json_integer((json_int_t)l->offset));
    bad |= put(row, "first", json_integer(l->first)) | put(row, "last", json_integer(l->last));
    bad |= push(values, row);
  }
  bad |= put(memory, "values", values);
  bad |= put(memory, "arena", json_integer((json_int_t)p->arena_bytes));
  bad |= put(memory, "unshared", json_integer((json_int_t)p->unshared_bytes));
  if (bad == 0) return memory;
  json_decref(memory);
  return NULL;
}

static json_t *barriers(const nf_plan *p) { // a step
  json_int_t n = 0;
  for (size_t i = 0; i < p->n_steps; i++) n += p->step[i].meets_before + p->step[i].meets_after;
  return json_integer(n);
}

// Launches whose kernels have no code yet, and the estimate of all.
static int put_totals(json_t *doc, const nf_plan *p) {
  size_t declared = 0;
  double us = 0;
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_variant *v = p->step[i].selection.chosen;
    const nf_op_desc d = nf_plan_describe(p, &p->graph->node[p->step[i].node]);
    declared += v->declared;
    us += nf_cost_us(&p->options.hw, &d, &p->options.at, v);
  }
  return put(doc, "launches", json_integer((json_int_t)p->n_steps)) | put(doc, "barriers", barriers(p)) |
         put(doc, "declared", json_integer((json_int_t)declared)) | put(doc, "us", json_real(us));
}

nf_status nf_plan_explain(const nf_plan *p, json_t **out) {
  json_t *doc = json_object();
  int bad = put(doc, "nodes", explain_nodes(p)) | put(doc, "memory", explain_memory(p));
  bad |= put_totals(doc, p);
  if (bad != 0) {
    json_decref(doc);
    return nf_error(NF_NO_MEMORY, "no memory to explain the plan");
  }
  *out = doc;
  return nf_ok();
}

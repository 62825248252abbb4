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
    nf_candidate_explain(c, &p->options.hw, d, &why);
    json_t *row = json_object();
    bad |= put(row, "kernel", json_string(c->variant->name)) | put(row, "verdict", take_text(&why));
    bad |= push(list, row);
  }
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

// `s` NULL: a view, which no kernel runs.
static json_t *explain_node(const nf_plan *p, const nf_node *n, const nf_step *s) {
  const nf_op_desc d = nf_plan_describe(p, n);
  nf_text text = {0};
  nf_graph_print_node(p->graph, n, &text);
  json_t *row = json_object();
  int bad = put(row, "name", json_string(p->graph->value[n->out[0]].name));
  bad |= put(row, "op", json_string(nf_op_of(n->op)->name)) | put(row, "text", take_text(&text));
  bad |= put(row, "results", results(p, n));
  bad |= put(row, "kernel", s != NULL ? json_string(s->selection.chosen->name) : json_null());
  bad |= put(row, "candidates", s != NULL ? candidates(p, s, &d) : json_array());
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

nf_status nf_plan_explain(const nf_plan *p, json_t **out) {
  json_t *doc = json_object();
  int bad = put(doc, "nodes", explain_nodes(p)) | put(doc, "memory", explain_memory(p));
  bad |= put(doc, "launches", json_integer((json_int_t)p->n_steps)) | put(doc, "barriers", barriers(p));
  if (bad != 0) {
    json_decref(doc);
    return nf_error(NF_NO_MEMORY, "no memory to explain the plan");
  }
  *out = doc;
  return nf_ok();
}

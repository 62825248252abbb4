// SPDX-License-Identifier: Apache-2.0
// Building graphs: every statement is checked where it stands, and the first error sticks.
#include "graph/graph.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void nf_builder_fail(nf_builder *b, nf_status s) { b->failed = nf_status_join(b->failed, s); }

// True when s is OK; an error becomes the builder's.
static bool keep(nf_builder *b, nf_status s) {
  bool ok = nf_is_ok(s);
  if (!ok) nf_builder_fail(b, s);
  return ok;
}

static nf_status graph_init(nf_graph *g, const char *name) {
  if (!nf_name_valid(name))
    return nf_error(NF_BAD_INPUT, "graph name '%.100s' must be letters, digits, '.', '_' or '-'", name);
  g->name = nf_arena_copy(&g->arena, name, strlen(name));
  if (!g->name || !nf_grow(&g->value, &g->cap_values, 1, sizeof *g->value)) return nf_graph_no_memory();
  g->value[0] = (nf_value){0};
  g->n_values = 1;
  return nf_ok();
}

nf_status nf_builder_init(nf_builder *b, const char *graph_name) {
  nf_graph *g = nf_alloc(1, sizeof *g);
  *b = (nf_builder){0};
  if (!g) return nf_graph_no_memory();
  nf_status st = graph_init(g, graph_name);
  if (nf_is_ok(st)) {
    b->graph = g;
  } else {
    nf_graph_destroy(g);
  }
  return st;
}

// False, and the builder fails, where the text is too long.
__attribute__((format(printf, 5, 0))) static bool print_name(nf_builder *b, const char *what, char *out,
                                                             size_t size, const char *fmt, va_list args) {
  const int n = vsnprintf(out, size, fmt, args);
  if (n >= 0 && (size_t)n < size) return true;
  nf_builder_fail(b, nf_error(NF_BAD_INPUT, "%s '%.40s…' is longer than %zu bytes", what, out, size - 1));
  return false;
}

void nf_builder_scope(nf_builder *b, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  if (nf_is_ok(b->failed)) print_name(b, "scope", b->scope, sizeof b->scope, fmt, args);
  va_end(args);
}

const char *nf_build_name(nf_builder *b, const char *fmt, ...) {
  char text[256];
  const char *name = NULL;
  va_list args;
  va_start(args, fmt);
  if (nf_is_ok(b->failed) && print_name(b, "name", text, sizeof text, fmt, args)) {
    name = nf_arena_copy(&b->graph->arena, text, strlen(text));
    if (!name) nf_builder_fail(b, nf_graph_no_memory());
  }
  va_end(args);
  return name ? name : "";
}

// Appends v, whose name is in the arena.
static nf_status append_value(nf_graph *g, const nf_value *v, nf_val *out) {
  bool added;
  NF_TRY(nf_value_check(v), "%s", v->name);
  if (g->n_values >= UINT32_MAX) return nf_error(NF_BAD_INPUT, "%s: too many values", v->name);
  NF_TRY(nf_map_add(&g->names, v->name, strlen(v->name), (nf_val)g->n_values, &added));
  if (!added) return nf_error(NF_BAD_INPUT, "%s: the name is taken", v->name);
  if (!nf_grow(&g->value, &g->cap_values, g->n_values + 1, sizeof *g->value)) return nf_graph_no_memory();
  g->value[g->n_values] = *v;
  *out = (nf_val)g->n_values++;
  return nf_ok();
}

// Scope + name + [ "." + part ] in the arena.
static nf_status full_name(nf_builder *b, const char *name, const char *part, const char **out) {
  *out = b->scope[0] || part ? nf_arena_printf(&b->graph->arena, "%s%s%s%s", b->scope, name, part ? "." : "",
                                               part ? part : "")
                             : nf_arena_copy(&b->graph->arena, name, strlen(name));
  return *out ? nf_ok() : nf_graph_no_memory();
}

static nf_status add_leaf(nf_builder *b, const char *name, nf_value v, nf_val *out) {
  NF_TRY(full_name(b, name, NULL, &v.name));
  if (v.recipe.n_joined < 0 || v.recipe.n_joined > NF_MAX_JOINED) // before any is looked at
    return nf_error(NF_BAD_INPUT, "%s: a weight joins at most %d others", v.name, NF_MAX_JOINED);
  NF_TRY(nf_recipe_copy(&b->graph->arena, &v.recipe, &v.recipe));
  return append_value(b->graph, &v, out);
}

nf_val nf_build_leaf(nf_builder *b, const nf_value *v) {
  nf_value leaf = {.type = v->type, .kind = v->kind};
  nf_val out = 0;
  if (v->kind == NF_VALUE_WEIGHT) leaf.recipe = v->recipe;
  return nf_is_ok(b->failed) && keep(b, add_leaf(b, v->name, leaf, &out)) ? out : 0;
}

nf_val nf_build_input(nf_builder *b, const char *name, nf_type type) {
  return nf_build_leaf(b, &(nf_value){name, type, NF_VALUE_INPUT});
}

nf_val nf_build_pool(nf_builder *b, const char *name, nf_type type) {
  return nf_build_leaf(b, &(nf_value){name, type, NF_VALUE_POOL});
}

nf_val nf_build_weight(nf_builder *b, const char *name, nf_type type, nf_recipe recipe) {
  return nf_build_leaf(b, &(nf_value){name, type, NF_VALUE_WEIGHT, recipe});
}

static nf_status check_value(const nf_graph *g, nf_val v) {
  if (v && v < g->n_values) return nf_ok();
  return nf_error(NF_BAD_INPUT, "value %u does not exist in graph %s", (unsigned)v, g->name);
}

static nf_status add_output(nf_graph *g, nf_val v) {
  NF_TRY(check_value(g, v), "output");
  for (size_t i = 0; i < g->n_outputs; i++)
    if (g->output[i] == v) return nf_error(NF_BAD_INPUT, "%s is an output already", g->value[v].name);
  if (!nf_grow(&g->output, &g->cap_outputs, g->n_outputs + 1, sizeof *g->output)) return nf_graph_no_memory();
  g->output[g->n_outputs++] = v;
  return nf_ok();
}

void nf_build_output(nf_builder *b, nf_val v) {
  if (nf_is_ok(b->failed)) keep(b, add_output(b->graph, v));
}

static nf_status find_result(const nf_graph *g, nf_val v, int i, nf_val *out) {
  NF_TRY(check_value(g, v), "result");
  const nf_value *value = &g->value[v];
  if (value->kind != NF_VALUE_RESULT) return nf_error(NF_BAD_INPUT, "%s is no node's result", value->name);
  const nf_node *n = &g->node[value->node];
  if (i < 0 || i >= nf_node_results(n))
    return nf_error(NF_BAD_INPUT, "%s: %s has no result %d", value->name, nf_op_of(n->op)->name, i);
  *out = n->out[i];
  return nf_ok();
}

nf_val nf_build_result(nf_builder *b, nf_val v, int i) {
  nf_val out = 0;
  return nf_is_ok(b->failed) && keep(b, find_result(b->graph, v, i, &out)) ? out : 0;
}

static const size_t attrs_size[NF_OP_COUNT] = {
#define NF_OP(name, ...) [NF_OP_##name] = sizeof(nf_##name##_attrs),
#include "op/ops.def"
};

static nf_status infer_node(const nf_graph *g, const nf_node *n, nf_op_desc *d) {
  for (int i = 0; i < nf_op_of(n->op)->n_in; i++)
    if (n->in[i]) NF_TRY(check_value(g, n->in[i]));
  *d = nf_graph_describe(g, n);
  return nf_op_infer(d);
}

// The results that are there are called name[k], one after the other; those without a name, such as the later
// ones of n_names 1, name[0] + "." + the result's own name.
static nf_status add_node(nf_builder *b, const char *const *name, int n_names, nf_op op, const nf_val *in,
                          const void *attrs, nf_val *out) {
  nf_graph *g = b->graph;
  if ((unsigned)op >= NF_OP_COUNT)
    return nf_error(NF_BAD_INPUT, "%s%s: op %d does not exist", b->scope, name[0], (int)op);
  const nf_op_info *info = nf_op_of(op);
  nf_node n = {.op = op};
  nf_op_desc d;
  memcpy(n.in, in, (size_t)info->n_in * sizeof *in);
  memcpy(&n.attr, attrs, attrs_size[op]);
  NF_TRY(infer_node(g, &n, &d), "%s%s", b->scope, name[0]);
  for (int i = 0, k = 0; i < info->n_out; i++) {
    if (d.out[i].dtype == NF_NONE) continue;
    nf_value v = {.type = d.out[i], .kind = NF_VALUE_RESULT, .node = (nf_node_id)g->n_nodes, .result = i};
    const bool own = k < n_names && name[k] != NULL;
    NF_TRY(full_name(b, name[own ? k : 0], own ? NULL : info->out[i].name, &v.name));
    NF_TRY(append_value(g, &v, &n.out[i]));
    k++;
  }
  if (!nf_grow(&g->node, &g->cap_nodes, g->n_nodes + 1, sizeof *g->node)) return nf_graph_no_memory();
  g->node[g->n_nodes++] = n;
  *out = n.out[0];
  return nf_ok();
}

nf_val nf_build_node(nf_builder *b, const char *name, nf_op op, const nf_val *in, const void *attrs) {
  nf_val out = 0;
  return nf_is_ok(b->failed) && keep(b, add_node(b, &name, 1, op, in, attrs, &out)) ? out : 0;
}

nf_val nf_build_named(nf_builder *b, const char *const *name, nf_op op, const nf_val *in, const void *attrs) {
  nf_val out = 0;
  return nf_is_ok(b->failed) && keep(b, add_node(b, name, NF_MAX_OUT, op, in, attrs, &out)) ? out : 0;
}

nf_status nf_builder_finish(nf_builder *b, nf_graph **out) {
  nf_status st = nf_is_ok(b->failed) ? nf_graph_verify(b->graph) : b->failed;
  if (nf_is_ok(st)) {
    *out = b->graph;
  } else {
    nf_graph_destroy(b->graph);
  }
  *b = (nf_builder){0};
  return st;
}

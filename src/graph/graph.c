// SPDX-License-Identifier: Apache-2.0
// The graph as storage: its end, lookup by name, a node as an op description, recipes and their copies.
#include "graph/graph.h"
#include <string.h>

void nf_graph_destroy(nf_graph *g) {
  if (!g) return;
  nf_map_deinit(&g->names);
  nf_free(g->value);
  nf_free(g->node);
  nf_free(g->output);
  nf_arena_deinit(&g->arena);
  nf_free(g);
}

nf_val nf_graph_find(const nf_graph *g, const char *name) {
  nf_val v;
  return nf_map_find(&g->names, name, strlen(name), &v) ? v : 0;
}

nf_op_desc nf_graph_describe(const nf_graph *g, const nf_node *n) {
  const nf_op_info *info = nf_op_of(n->op);
  nf_op_desc d = {.op = n->op, .attr = n->attr};
  for (int i = 0; i < info->n_in; i++)
    if (n->in[i]) d.in[i] = g->value[n->in[i]].type;
  for (int i = 0; i < nf_node_results(n); i++) d.out[i] = g->value[n->out[i]].type;
  return d;
}

// ---- recipes ----

static nf_status copy_string(nf_arena *a, const char **s) {
  if (!*s) return nf_ok();
  *s = nf_arena_copy(a, *s, strlen(*s));
  return *s ? nf_ok() : nf_graph_no_memory();
}

nf_status nf_recipe_copy(nf_arena *a, const nf_recipe *r, nf_recipe *out) {
  const nf_joined *from = r->joined;
  *out = *r;
  NF_TRY(copy_string(a, &out->tensor));
  NF_TRY(copy_string(a, &out->scales));
  if (!out->n_joined) return nf_ok();
  nf_joined *joined = nf_arena_alloc(a, (size_t)out->n_joined, sizeof *joined);
  if (!joined) return nf_graph_no_memory();
  out->joined = joined;
  for (int i = 0; i < out->n_joined; i++) {
    joined[i] = from[i];
    NF_TRY(copy_string(a, &joined[i].name));
    NF_TRY(nf_recipe_copy(a, &from[i].recipe, &joined[i].recipe));
  }
  return nf_ok();
}

int nf_weight_joins(const nf_value *v) { return v->recipe.n_joined ? v->recipe.n_joined : 1; }

nf_value nf_weight_joined(const nf_value *v, int i, int64_t *first) {
  nf_value one = *v;
  *first = 0;
  if (!v->recipe.n_joined) return one;
  for (int k = 0; k < i; k++) *first += v->recipe.joined[k].rows;
  one.name = v->recipe.joined[i].name;
  one.recipe = v->recipe.joined[i].recipe;
  one.type.dim[0].c = one.type.padded[0] = v->recipe.joined[i].rows;
  return one;
}

// SPDX-License-Identifier: Apache-2.0
// The graph as storage: its end, lookup by name, a node as an op description.
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

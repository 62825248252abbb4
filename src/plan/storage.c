// SPDX-License-Identifier: Apache-2.0
// Where values lie: whose storage each one has, how long it is needed, and its place in the arena.
#include "plan/state.h"

static void find_roots(nf_plan *p) {
  const nf_graph *g = p->graph;
  for (nf_val v = 1; v < g->n_values; v++) p->home[v] = (nf_home){.root = v, .in_arena = -1};
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    const nf_op_info *info = nf_op_of(n->op);
    for (int r = 0; r < nf_node_results(n); r++) {
      const int alias = nf_plan_is_view(n) ? 0 : info->out[r].alias;
      if (alias >= 0) p->home[n->out[r]].root = p->home[n->in[alias]].root;
    }
  }
}

static nf_status add_lifetime(nf_plan *p, nf_val v, int32_t step) {
  size_t bytes;
  NF_TRY(nf_type_bytes(&p->graph->value[v].type, &p->options.max, &bytes), "value '%s'",
         p->graph->value[v].name);
  p->home[v].in_arena = (int32_t)p->n_lifetimes;
  p->lifetime[p->n_lifetimes] = (nf_lifetime){.bytes = bytes, .first = step, .last = step};
  p->lifetime_of[p->n_lifetimes++] = v;
  p->unshared_bytes += bytes;
  return nf_ok();
}

static void extend_lifetime(nf_plan *p, nf_val v, int32_t step) {
  const nf_home *root = &p->home[p->home[v].root];
  if (v != 0 && root->in_arena >= 0) p->lifetime[root->in_arena].last = step;
}

nf_status nf_plan_place_values(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->home = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->home);
  p->lifetime = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime);
  p->lifetime_of = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime_of);
  if (p->home == NULL || p->lifetime == NULL || p->lifetime_of == NULL) return nf_plan_no_memory();
  find_roots(p);
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    for (int r = 0; r < NF_MAX_OUT; r++)
      if (n->out[r] != 0 && p->home[n->out[r]].root == n->out[r])
        NF_TRY(add_lifetime(p, n->out[r], (int32_t)i));
    for (int k = 0; k < NF_MAX_IN; k++) extend_lifetime(p, n->in[k], (int32_t)i);
  }
  for (size_t i = 0; i < g->n_outputs; i++) extend_lifetime(p, g->output[i], (int32_t)g->n_nodes);
  NF_TRY(nf_plan_place_barriers(p));
  for (size_t i = 0; p->options.keep_all && i < p->n_lifetimes; i++)
    p->lifetime[i].last = (int32_t)g->n_nodes;
  return nf_memory_plan(p->lifetime, p->n_lifetimes, &p->arena_bytes);
}

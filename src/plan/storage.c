// SPDX-License-Identifier: Apache-2.0
// Where values lie: whose storage each one has, how long it is needed, and its place in the arena.
#include "plan/state.h"

static bool has_root(const nf_plan *p, nf_val v) { return p->storage[v].root != v; }

const nf_node *nf_plan_view(const nf_plan *p, nf_val v) {
  const nf_value *value = &p->graph->value[v];
  const nf_node *n = value->kind == NF_VALUE_RESULT ? &p->graph->node[value->node] : NULL;
  return n != NULL && nf_op_of(n->op)->flags & NF_OP_VIEW && has_root(p, v) ? n : NULL;
}

// Which operand's storage result r of n is, or -1: of its own. What is a view where every size is 2 is one
// at all sizes.
static int storage_of(const nf_plan *p, const nf_node *n, int r) {
  const nf_sizes twos = nf_sizes_of(2, 2, 2), *at = &twos;
  if (!(nf_op_of(n->op)->flags & NF_OP_VIEW)) return nf_op_of(n->op)->out[r].alias;
  const nf_tensor x = nf_plan_tensor_at(p, n->in[0], at);
  nf_tensor y;
  return nf_tensor_of_view(n->op, &n->attr, &x, &p->type[n->out[0]], at, &y) ? 0 : -1;
}

nf_status nf_plan_find_roots(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->storage = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->storage);
  if (p->storage == NULL) return nf_plan_no_memory();
  for (nf_val v = 1; v < g->n_values; v++) p->storage[v] = (nf_storage){.root = v, .in_arena = -1};
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    for (int r = 0; r < nf_node_results(n); r++) {
      const int of = storage_of(p, n, r);
      if (of >= 0) p->storage[n->out[r]].root = p->storage[n->in[of]].root;
    }
  }
  return nf_ok();
}

static nf_status add_lifetime(nf_plan *p, nf_val v, int32_t step) {
  size_t bytes;
  NF_TRY(nf_type_bytes(&p->graph->value[v].type, &p->options.max, &bytes), "value '%s'",
         p->graph->value[v].name);
  p->storage[v].in_arena = (int32_t)p->n_lifetimes;
  p->lifetime[p->n_lifetimes] = (nf_lifetime){.bytes = bytes, .first = step, .last = step};
  p->lifetime_of[p->n_lifetimes++] = v;
  p->unshared_bytes += bytes;
  return nf_ok();
}

static void extend_lifetime(nf_plan *p, nf_val v, int32_t step) {
  const nf_storage *root = &p->storage[p->storage[v].root];
  if (v != 0 && root->in_arena >= 0) p->lifetime[root->in_arena].last = step;
}

// ---- where a plan waits for the other ranks ----
//
// A COMM op reads its first operand from all of them: all must have written it before the launch, and none
// may use its storage again before all have finished. Storage that lives on until the ranks meet for the next
// COMM op saves the second wait; only the last such op of a step needs it.

static bool is_comm(const nf_plan *p, const nf_step *s) {
  const nf_node *n = &p->graph->node[s->node];
  return nf_op_is_comm(n->op, &n->attr);
}

bool nf_plan_has_peers(const nf_plan *p) {
  return p->options.ranks != NULL && nf_ranks_world(p->options.ranks) > 1;
}

// The operand of COMM step s, alive until the node before `end`.
static nf_status keep_operand(nf_plan *p, const nf_step *s, nf_node_id end) {
  const nf_node *n = &p->graph->node[s->node];
  const nf_storage *root = &p->storage[p->storage[n->in[0]].root];
  if (root->in_arena < 0 && !nf_plan_has_peers(p)) return nf_ok();
  if (root->in_arena < 0)
    return nf_error(NF_BAD_INPUT, "'%s' = %s reads '%s' from all ranks, which no node has made",
                    p->graph->value[n->out[0]].name, nf_op_of(n->op)->name, p->graph->value[n->in[0]].name);
  int32_t *last = &p->lifetime[root->in_arena].last;
  if (*last < (int32_t)end - 1) *last = (int32_t)end - 1;
  return nf_ok();
}

static nf_status place_barriers(nf_plan *p) {
  nf_step *comm = NULL; // the last one seen
  for (size_t i = 0; i < p->n_steps; i++) {
    nf_step *s = &p->step[i];
    if (!is_comm(p, s)) continue;
    if (comm != NULL) NF_TRY(keep_operand(p, comm, s->node));
    s->barrier_before = true;
    comm = s;
  }
  if (comm == NULL) return nf_ok();
  comm->barrier_after = true;
  return keep_operand(p, comm, comm->node);
}

nf_status nf_plan_place_values(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->lifetime = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime);
  p->lifetime_of = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime_of);
  if (p->lifetime == NULL || p->lifetime_of == NULL) return nf_plan_no_memory();
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    for (int r = 0; r < NF_MAX_OUT; r++)
      if (n->out[r] != 0 && !has_root(p, n->out[r])) NF_TRY(add_lifetime(p, n->out[r], (int32_t)i));
    for (int k = 0; k < NF_MAX_IN; k++) extend_lifetime(p, n->in[k], (int32_t)i);
  }
  for (size_t i = 0; i < g->n_outputs; i++) extend_lifetime(p, g->output[i], (int32_t)g->n_nodes);
  NF_TRY(place_barriers(p));
  for (size_t i = 0; p->options.keep_all && i < p->n_lifetimes; i++)
    p->lifetime[i].last = (int32_t)g->n_nodes;
  return nf_memory_plan(p->lifetime, p->n_lifetimes, &p->arena_bytes);
}

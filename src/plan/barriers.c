// SPDX-License-Identifier: Apache-2.0
// Where a plan waits for the other ranks. A COMM op reads its first operand from all of them: all must have
// written it before the launch, and none may use its storage again before all have finished. Storage that
// lives on until the ranks meet for the next COMM op saves the second wait; only the last such op of a step
// needs it. And the launches that come of it.
#include "plan/state.h"

static bool is_comm(const nf_plan *p, const nf_step *s) {
  const nf_node *n = &p->graph->node[s->node];
  return nf_op_is_comm(n->op, &n->attr);
}

static bool has_peers(const nf_plan *p) {
  return p->options.ranks != NULL && nf_ranks_world(p->options.ranks) > 1;
}

// The operand of COMM step s, alive until the node before `end`.
static nf_status keep_operand(nf_plan *p, const nf_step *s, nf_node_id end) {
  const nf_node *n = &p->graph->node[s->node];
  const nf_storage *root = &p->storage[p->storage[n->in[0]].root];
  if (root->in_arena < 0 && !has_peers(p)) return nf_ok();
  if (root->in_arena < 0)
    return nf_error(NF_BAD_INPUT, "'%s' = %s reads '%s' from all ranks, which no node has made",
                    p->graph->value[n->out[0]].name, nf_op_of(n->op)->name, p->graph->value[n->in[0]].name);
  int32_t *last = &p->lifetime[root->in_arena].last;
  if (*last < (int32_t)end - 1) *last = (int32_t)end - 1;
  return nf_ok();
}

nf_status nf_plan_place_barriers(nf_plan *p) {
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

// A module's function comes from the device, at the first run.
static nf_launch launch_of(const nf_plan *p, const nf_step *s) {
  const nf_entry *e = &s->selection.chosen->entry;
  return (nf_launch){.function = e->kind == NF_ENTRY_HOST ? &e->host : NULL,
                     .args = s->args,
                     .args_bytes = nf_args_layout_of(p->graph->node[s->node].op)->size};
}

nf_status nf_plan_list_launches(nf_plan *p) {
  const nf_launch barrier = {.barrier = &p->barrier};
  p->launch = nf_arena_alloc(&p->arena, 3 * p->n_steps, sizeof *p->launch);
  if (p->launch == NULL) return nf_plan_no_memory();
  if (has_peers(p)) p->barrier = nf_ranks_barrier_of(p->options.ranks, p->options.rank);
  for (size_t i = 0; i < p->n_steps; i++) {
    nf_step *s = &p->step[i];
    s->launch = &p->launch[p->n_launches];
    if (s->barrier_before && has_peers(p)) p->launch[p->n_launches++] = barrier;
    p->launch[p->n_launches++] = launch_of(p, s);
    if (s->barrier_after && has_peers(p)) p->launch[p->n_launches++] = barrier;
    s->n_launches = (size_t)(&p->launch[p->n_launches] - s->launch);
  }
  return nf_ok();
}

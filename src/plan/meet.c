// SPDX-License-Identifier: Apache-2.0
// Where a plan waits for the other ranks. A COMM op reads its first operand from all of them: all must have
// written it before the launch, and none may use its storage again before all have finished. Storage that
// lives on until the ranks meet for the next COMM op saves the second wait; only the last such op of a step
// needs it.
#include "plan/state.h"

static bool is_comm(const nf_plan *p, const nf_step *s) {
  const nf_node *n = &p->graph->node[s->node];
  return nf_op_is_comm(n->op, &n->attr);
}

static bool has_peers(const nf_plan *p) {
  return p->options.ranks != NULL && nf_ranks_world(p->options.ranks) > 1;
}

static nf_status wait_for_all(void *user) {
  const nf_plan *p = user;
  return nf_ranks_barrier(p->options.ranks, p->options.rank);
}

// The operand of COMM step s, alive until the node before `end`.
static nf_status keep_operand(nf_plan *p, const nf_step *s, nf_node_id end) {
  const nf_node *n = &p->graph->node[s->node];
  const nf_home *root = &p->home[p->home[n->in[0]].root];
  if (root->in_arena < 0 && !has_peers(p)) return nf_ok();
  if (root->in_arena < 0)
    return nf_error(NF_BAD_INPUT, "'%s' = %s reads '%s' from all ranks, which no node has made",
                    p->graph->value[n->out[0]].name, nf_op_of(n->op)->name, p->graph->value[n->in[0]].name);
  int32_t *last = &p->lifetime[root->in_arena].last;
  if (*last < (int32_t)end - 1) *last = (int32_t)end - 1;
  return nf_ok();
}

nf_status nf_plan_meet(nf_plan *p) {
  nf_step *comm = NULL; // the last one seen
  for (size_t i = 0; i < p->n_steps; i++) {
    nf_step *s = &p->step[i];
    if (!is_comm(p, s)) continue;
    if (comm != NULL) NF_TRY(keep_operand(p, comm, s->node));
    s->meets_before = true;
    comm = s;
  }
  if (comm == NULL) return nf_ok();
  comm->meets_after = true;
  return keep_operand(p, comm, comm->node);
}

void nf_plan_set_meetings(nf_plan *p) {
  if (!has_peers(p)) return;
  p->meeting = (nf_meeting){wait_for_all, p};
  for (size_t i = 0; i < p->n_steps; i++) {
    if (p->step[i].meets_before) p->launch[i].before = &p->meeting;
    if (p->step[i].meets_after) p->launch[i].after = &p->meeting;
  }
}

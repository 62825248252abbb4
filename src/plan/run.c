// SPDX-License-Identifier: Apache-2.0
// Running a plan: arguments at the sizes of a step, and the launches.
#include "plan/state.h"
#include <string.h>

nf_tensor nf_plan_tensor(const nf_plan *p, nf_val v) {
  if (v == 0) return (nf_tensor){0};
  const nf_home *root = &p->home[p->home[v].root];
  return nf_tensor_of(&p->type[v], &p->batch.sizes, root->slots, root->data);
}

static nf_status set_tensor(const nf_plan *p, nf_val v, nf_tensor *out) {
  *out = nf_plan_tensor(p, v);
  if (v != 0 && out->data == NULL)
    return nf_error(NF_INTERNAL, "value '%s' was never bound", p->graph->value[v].name);
  return nf_ok();
}

static nf_status set_tensors(nf_plan *p) {
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_node *n = &p->graph->node[p->step[i].node];
    const nf_op_info *info = nf_op_of(n->op);
    const nf_args_layout *layout = nf_args_layout_of(n->op);
    nf_tensor *tensor = (nf_tensor *)((char *)p->step[i].args + layout->tensors);
    for (int k = 0; k < info->n_in; k++) NF_TRY(set_tensor(p, n->in[k], &tensor[layout->in[k]]));
    for (int r = 0; r < nf_node_results(n); r++)
      if (info->out[r].alias < 0) NF_TRY(set_tensor(p, n->out[r], &tensor[layout->out[r]]));
  }
  return nf_ok();
}

static nf_status check_run(const nf_plan *p, const nf_device *d, const nf_batch *b) {
  for (int s = 0; s < NF_SYM_COUNT; s++)
    if (b->sizes.of[s] > p->options.max.of[s])
      return nf_error(NF_INTERNAL, "a step of %ld %s is larger than the plan's %ld", (long)b->sizes.of[s],
                      nf_sym_name((nf_sym)s), (long)p->options.max.of[s]);
  if (p->declared != NULL && nf_device_computes(d))
    return nf_error(NF_UNAVAILABLE, "kernel %s is declared, not written yet: the plan can't be run",
                    p->declared->name);
  return nf_ok();
}

static void set_batch(nf_plan *p, const nf_batch *b) {
  p->batch = *b;
  if (p->options.ranks != NULL) p->batch.comm = nf_ranks_comm(p->options.ranks, p->options.rank);
}

nf_status nf_plan_run(nf_plan *p, nf_device *d, const nf_batch *b) {
  NF_TRY(check_run(p, d, b));
  // Steps of the same sizes, such as decoding, find their arguments as the last step left them.
  const bool same = memcmp(&p->batch.sizes, &b->sizes, sizeof b->sizes) == 0;
  set_batch(p, b);
  const nf_status st = same ? nf_ok() : set_tensors(p);
  if (nf_is_ok(st)) return nf_device_run(d, p->launch, p->n_steps);
  p->batch.sizes = (nf_sizes){0}; // of no step: the next one sets them again
  return st;
}

static nf_status run_seen(nf_plan *p, nf_device *d, nf_plan_seen seen, void *user) {
  NF_TRY(set_tensors(p));
  for (size_t i = 0; i < p->n_steps; i++) {
    NF_TRY(nf_device_run(d, &p->launch[i], 1));
    seen(user, &p->graph->node[p->step[i].node]);
  }
  return nf_ok();
}

nf_status nf_plan_trace(nf_plan *p, nf_device *d, const nf_batch *b, void *arena, nf_plan_seen seen,
                        void *user) {
  const nf_batch last = p->batch;
  void *placed = p->placed;
  NF_TRY(check_run(p, d, b));
  set_batch(p, b);
  nf_plan_place(p, arena);
  const nf_status st = run_seen(p, d, seen, user);
  nf_plan_place(p, placed);
  p->batch = last;
  return nf_status_join(st, set_tensors(p));
}

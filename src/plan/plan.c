// SPDX-License-Identifier: Apache-2.0
// Making a plan: its kernels (kernels.c), then its storage (storage.c); and what its owner binds.
#include "plan/plan.h"
#include "plan/state.h"

nf_status nf_plan_no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a plan"); }

bool nf_plan_is_view(const nf_node *n) { return nf_op_of(n->op)->flags & NF_OP_VIEW; }

nf_status nf_plan_create(const nf_graph *g, const nf_plan_options *o, nf_plan **out) {
  nf_plan *p = nf_alloc(1, sizeof *p);
  if (p == NULL) return nf_plan_no_memory();
  p->graph = g;
  p->options = *o;
  if (o->at.of[NF_T] == 0) p->options.at = o->max;
  p->options.select.least = nf_sizes_of(1, 1, 1);
  p->options.select.most = o->max;
  p->options.select.at = p->options.at;
  nf_status st;
  NF_GOTO(nf_plan_choose_packs(p));
  NF_GOTO(nf_plan_select_kernels(p));
  NF_GOTO(nf_plan_place_values(p));
  NF_GOTO(nf_plan_list_patches(p));
  nf_plan_set_meetings(p);
  *out = p;
  return nf_ok();
fail:
  nf_plan_destroy(p);
  return st;
}

void nf_plan_destroy(nf_plan *p) {
  if (p == NULL) return;
  for (int s = 0; s < NF_SYM_COUNT; s++) nf_free(p->patches[s].patch);
  nf_arena_deinit(&p->arena);
  nf_free(p);
}

const nf_type *nf_plan_type(const nf_plan *p, nf_val v) { return &p->type[v]; }
size_t nf_plan_arena_bytes(const nf_plan *p) { return p->arena_bytes; }

void nf_plan_place(nf_plan *p, void *arena) {
  p->placed = arena;
  p->prepared = false;
  for (size_t i = 0; i < p->n_lifetimes; i++)
    p->home[p->lifetime_of[i]].data = (char *)arena + p->lifetime[i].offset;
}

void nf_plan_bind(nf_plan *p, nf_val v, void *data, int64_t slots) {
  p->home[v].data = data;
  p->home[v].slots = slots;
  p->prepared = false;
}

void nf_plan_set_batch(nf_plan *p, const nf_batch *batch) {
  for (size_t i = 0; i < p->n_steps; i++) *(const nf_batch **)p->step[i].args = batch;
}

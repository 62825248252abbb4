// SPDX-License-Identifier: Apache-2.0
// The launches of a plan: kernels, barriers where there are other ranks, and which kernels may run side by
// side, because no storage that one of them writes is read or written by another.
#include "device/matmul.h"
#include "plan/state.h"

// ---- storage that meets ----

static bool share_bytes(const nf_plan *p, nf_val a, nf_val b) {
  const nf_storage *x = &p->storage[p->storage[a].root], *y = &p->storage[p->storage[b].root];
  if (x->root == y->root) return true;
  if (x->in_arena < 0 || y->in_arena < 0) return false; // what is outside of the arena is each for itself
  const nf_lifetime *s = &p->lifetime[x->in_arena], *t = &p->lifetime[y->in_arena];
  return s->offset < t->offset + t->bytes && t->offset < s->offset + s->bytes;
}

static bool touches(const nf_plan *p, const nf_node *n, nf_val v) {
  for (int k = 0; k < NF_MAX_IN; k++)
    if (n->in[k] != 0 && share_bytes(p, n->in[k], v)) return true;
  for (int r = 0; r < nf_node_results(n); r++)
    if (n->out[r] != 0 && share_bytes(p, n->out[r], v)) return true;
  return false;
}

static bool spoils(const nf_plan *p, const nf_step *a, const nf_step *b) {
  const nf_node *n = &p->graph->node[a->node];
  for (int r = 0; r < nf_node_results(n); r++)
    if (n->out[r] != 0 && touches(p, &p->graph->node[b->node], n->out[r])) return true;
  return false;
}

static bool is_beside(const nf_plan *p, const nf_step *first, const nf_step *s) {
  for (const nf_step *other = first; other < s; other++)
    if (spoils(p, other, s) || spoils(p, s, other)) return false;
  return true;
}

// ---- the list ----

static const nf_entry *entry_of(const nf_step *s) { return &s->selection.chosen->entry; }

// A declared kernel has none, and is never run.
static const nf_host_function *function_of(const nf_step *s) {
  return entry_of(s)->kind == NF_ENTRY_HOST ? &entry_of(s)->host : NULL;
}

static void list_function(nf_plan *p, const nf_step *s, const nf_host_function *f, bool beside) {
  p->launch[p->n_launches++] = (nf_launch){.function = f,
                                           .beside = beside,
                                           .args = s->args,
                                           .args_bytes = nf_args_layout_of(p->graph->node[s->node].op)->size};
}

// A module's arguments are packed when sizes and addresses are known (nf_plan_pack).
static nf_status list_module(nf_plan *p, const nf_module_kernel *f) {
  p->has_modules = true;
  for (int i = 0; i < f->stages; i++) {
    nf_launch *l = &p->launch[p->n_launches++];
    *l = (nf_launch){.args = nf_arena_alloc(&p->arena, 1, f->packed[i]),
                     .args_bytes = f->packed[i],
                     .is_matmul = nf_is_matmul(f->symbol[i])};
    if (l->args == NULL) return nf_plan_no_memory();
    if (p->options.module != NULL) NF_TRY(nf_module_function(p->options.module, f->symbol[i], &l->function));
  }
  return nf_ok();
}

// Kernels with a second round, whose first leaves something in storage that others of the kind use as well.
static bool has_second(const nf_host_function *f) { return f != NULL && f->then != NULL; }

static nf_status list_kernel(nf_plan *p, const nf_step *s, bool beside) {
  const nf_host_function *f = function_of(s);
  if (entry_of(s)->kind == NF_ENTRY_MODULE) return list_module(p, entry_of(s)->module);
  list_function(p, s, f, beside);
  if (has_second(f)) list_function(p, s, f->then, false);
  return nf_ok();
}

static nf_status list_step(nf_plan *p, nf_step *s, bool beside) {
  const nf_launch barrier = {.barrier = &p->barrier};
  s->launch = &p->launch[p->n_launches];
  if (s->barrier_before && nf_plan_has_peers(p)) p->launch[p->n_launches++] = barrier;
  NF_TRY(list_kernel(p, s, beside));
  if (s->barrier_after && nf_plan_has_peers(p)) p->launch[p->n_launches++] = barrier;
  s->n_launches = (size_t)(&p->launch[p->n_launches] - s->launch);
  return nf_ok();
}

nf_status nf_plan_list_launches(nf_plan *p) {
  p->launch = nf_arena_alloc(&p->arena, (2 + NF_MAX_STAGES) * p->n_steps, sizeof *p->launch);
  if (p->launch == NULL) return nf_plan_no_memory();
  if (nf_plan_has_peers(p)) p->barrier = nf_ranks_barrier_of(p->options.ranks, p->options.rank);
  for (nf_step *s = p->step, *first = s; s < p->step + p->n_steps; s++) {
    const bool beside = s != first && !has_second(function_of(s)) && is_beside(p, first, s);
    if (!beside) first = s;
    NF_TRY(list_step(p, s, beside));
  }
  return nf_ok();
}

// ---- launches of modules ----

static nf_launch_site site_of(const nf_plan *p, const nf_step *s, const nf_sizes *at) {
  return (nf_launch_site){.args = s->args,
                          .at = *at,
                          .hw = &p->options.hw,
                          .parameter = s->selection.chosen->parameter,
                          .batch = &p->batch};
}

size_t nf_plan_module_scratch(const nf_plan *p, const nf_step *s) {
  const nf_launch_site site = site_of(p, s, &p->options.max);
  return entry_of(s)->module->scratch != NULL ? entry_of(s)->module->scratch(&site) : 0;
}

// Arguments and grids of a step's launches.
static void pack(const nf_plan *p, const nf_step *s, const nf_sizes *at, void *scratch, uint32_t *counters) {
  const nf_module_kernel *f = entry_of(s)->module;
  nf_launch_site site = site_of(p, s, at);
  site.scratch = scratch;
  site.counters = counters;
  nf_launch *l = (nf_launch *)s->launch + (s->launch->barrier != NULL);
  for (int i = 0; i < f->stages; i++) l[i].grid = f->launch(&site, i, (void *)l[i].args);
}

void nf_plan_pack(nf_plan *p, const nf_device *d, const nf_sizes *at) {
  if (!p->has_modules || !nf_device_computes(d)) return;
  for (nf_step *s = p->step; s < p->step + p->n_steps; s++)
    if (entry_of(s)->kind == NF_ENTRY_MODULE) pack(p, s, at, nf_device_scratch(d), nf_device_counters(d));
}

size_t nf_plan_count_launched(const nf_plan *p, const nf_sizes *at, void *memory) {
  size_t n = 0;
  for (const nf_step *s = p->step; s < p->step + p->n_steps; s++) {
    if (entry_of(s)->kind == NF_ENTRY_MODULE) pack(p, s, at, memory, memory);
    for (size_t i = 0; i < s->n_launches; i++)
      n += entry_of(s)->kind != NF_ENTRY_MODULE || s->launch[i].grid.blocks[0] != 0;
  }
  return n;
}

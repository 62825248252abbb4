// SPDX-License-Identifier: Apache-2.0
// The launches of a plan: kernels, barriers where there are other ranks, and which kernels may run side by
// side, because no storage that one of them writes is read or written by another.
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

// A declared kernel has none, and is never run.
static const nf_host_function *function_of(const nf_step *s) {
  const nf_entry *e = &s->selection.chosen->entry;
  return e->kind == NF_ENTRY_HOST ? &e->host : NULL;
}

static void list_function(nf_plan *p, const nf_step *s, const nf_host_function *f, bool beside) {
  p->launch[p->n_launches++] = (nf_launch){.function = f,
                                           .beside = beside,
                                           .args = s->args,
                                           .args_bytes = nf_args_layout_of(p->graph->node[s->node].op)->size};
}

// Kernels with a second round, whose first leaves something in storage that others of the kind use as well.
static bool has_second(const nf_host_function *f) { return f != NULL && f->then != NULL; }

static void list_step(nf_plan *p, nf_step *s, bool beside) {
  const nf_launch barrier = {.barrier = &p->barrier};
  const nf_host_function *f = function_of(s);
  s->launch = &p->launch[p->n_launches];
  if (s->barrier_before && nf_plan_has_peers(p)) p->launch[p->n_launches++] = barrier;
  list_function(p, s, f, beside);
  if (has_second(f)) list_function(p, s, f->then, false);
  if (s->barrier_after && nf_plan_has_peers(p)) p->launch[p->n_launches++] = barrier;
  s->n_launches = (size_t)(&p->launch[p->n_launches] - s->launch);
}

nf_status nf_plan_list_launches(nf_plan *p) {
  p->launch = nf_arena_alloc(&p->arena, 4 * p->n_steps, sizeof *p->launch);
  if (p->launch == NULL) return nf_plan_no_memory();
  if (nf_plan_has_peers(p)) p->barrier = nf_ranks_barrier_of(p->options.ranks, p->options.rank);
  for (nf_step *s = p->step, *first = s; s < p->step + p->n_steps; s++) {
    const bool beside = s != first && !has_second(function_of(s)) && is_beside(p, first, s);
    if (!beside) first = s;
    list_step(p, s, beside);
  }
  return nf_ok();
}

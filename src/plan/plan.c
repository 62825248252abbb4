// SPDX-License-Identifier: Apache-2.0
// Making a plan from a graph (select a kernel per node, find each value's home) and running it.
#include "plan/plan.h"
#include "plan/state.h"
#include "tensor/pack.h"
#include <string.h>

static nf_status out_of_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a plan"); }

static bool is_view(const nf_node *n) { return nf_op_of(n->op)->flags & NF_OP_VIEW; }

// ---- selection ----

static nf_status no_kernel(const nf_plan *p, const nf_node *n, const nf_op_desc *d, const nf_selection *s) {
  nf_text why = {0};
  nf_selection_explain(s, &p->options.hw, d, &p->options.select, &why);
  nf_status st = nf_text_status(&why);
  if (nf_is_ok(st))
    st = nf_error(NF_UNAVAILABLE, "no kernel of %s runs '%s' = %s: %s", p->options.hw.name,
                  p->graph->value[n->out[0]].name, nf_op_of(n->op)->name, why.at);
  nf_text_deinit(&why);
  return st;
}

nf_op_desc nf_plan_describe(const nf_plan *p, const nf_node *n) {
  nf_op_desc d = nf_graph_describe(p->graph, n);
  for (int k = 0; k < NF_MAX_IN; k++)
    if (n->in[k] != 0) d.in[k] = p->type[n->in[k]];
  return d;
}

// A weight lies as its first user's best kernel reads it; its other users choose among those that read it so.
// A reference reads every order, so it leaves the choice to the next user.
static void choose_pack(nf_plan *p, const nf_node *n) {
  nf_op_desc d = nf_plan_describe(p, n);
  bool undecided = false;
  NF_FOR_PACKED(w, &d) undecided |= d.in[w].pack == NF_PACK_ANY;
  if (!undecided) return;
  nf_selection s;
  nf_select(&p->options.hw, &d, &p->options.select, &s);
  if (s.chosen == NULL || s.chosen->backend == NF_BACKEND_REF) return;
  NF_FOR_PACKED(w, &d)
  if (d.in[w].pack == NF_PACK_ANY)
    p->type[n->in[w]] = nf_type_packed(p->graph->value[n->in[w]].type, s.chosen->pack);
}

static nf_status choose_packs(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->type = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->type);
  if (p->type == NULL) return out_of_memory();
  for (nf_val v = 1; v < g->n_values; v++) {
    p->type[v] = g->value[v].type;
    if (g->value[v].kind == NF_VALUE_WEIGHT && p->type[v].rank >= 2) p->type[v].pack = NF_PACK_ANY;
  }
  for (size_t i = 0; i < g->n_nodes; i++) choose_pack(p, &g->node[i]);
  for (nf_val v = 1; v < g->n_values; v++) // no kernel asked
    if (p->type[v].pack == NF_PACK_ANY) p->type[v].pack = NF_PACK_PLAIN;
  return nf_ok();
}

static nf_status select_kernel(nf_plan *p, nf_node_id id) {
  const nf_node *n = &p->graph->node[id];
  nf_step *s = &p->step[p->n_steps];
  const nf_op_desc d = nf_plan_describe(p, n);
  s->node = id;
  nf_select(&p->options.hw, &d, &p->options.select, &s->selection);
  if (s->selection.chosen == NULL) return no_kernel(p, n, &d, &s->selection);
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  s->args = nf_arena_alloc(&p->arena, 1, layout->size);
  if (s->args == NULL) return out_of_memory();
  *(const nf_batch **)s->args = &p->batch;
  memcpy((char *)s->args + layout->attrs, &n->attr, layout->attrs_size);
  if (s->selection.chosen->declared) p->declared = s->selection.chosen;
  p->launch[p->n_steps++] = (nf_launch){s->selection.chosen->blocks, s->selection.chosen->run, s->args};
  return nf_ok();
}

static nf_status select_kernels(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->step = nf_arena_alloc(&p->arena, g->n_nodes, sizeof *p->step);
  p->launch = nf_arena_alloc(&p->arena, g->n_nodes, sizeof *p->launch);
  if (p->step == NULL || p->launch == NULL) return out_of_memory();
  for (nf_node_id i = 0; i < g->n_nodes; i++)
    if (!is_view(&g->node[i])) NF_TRY(select_kernel(p, i));
  return nf_ok();
}

// ---- homes and lifetimes ----

static void find_roots(nf_plan *p) {
  const nf_graph *g = p->graph;
  for (nf_val v = 1; v < g->n_values; v++) p->home[v] = (nf_home){.root = v, .in_arena = -1};
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    const nf_op_info *info = nf_op_of(n->op);
    for (int r = 0; r < nf_node_results(n); r++) {
      const int alias = is_view(n) ? 0 : info->out[r].alias;
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

static nf_status plan_memory(nf_plan *p) {
  const nf_graph *g = p->graph;
  p->home = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->home);
  p->lifetime = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime);
  p->lifetime_of = nf_arena_alloc(&p->arena, g->n_values, sizeof *p->lifetime_of);
  if (p->home == NULL || p->lifetime == NULL || p->lifetime_of == NULL) return out_of_memory();
  find_roots(p);
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    for (int r = 0; r < NF_MAX_OUT; r++)
      if (n->out[r] != 0 && p->home[n->out[r]].root == n->out[r])
        NF_TRY(add_lifetime(p, n->out[r], (int32_t)i));
    for (int k = 0; k < NF_MAX_IN; k++) extend_lifetime(p, n->in[k], (int32_t)i);
  }
  for (size_t i = 0; i < g->n_outputs; i++) extend_lifetime(p, g->output[i], (int32_t)g->n_nodes);
  NF_TRY(nf_plan_meet(p));
  for (size_t i = 0; p->options.keep_all && i < p->n_lifetimes; i++)
    p->lifetime[i].last = (int32_t)g->n_nodes;
  return nf_memory_plan(p->lifetime, p->n_lifetimes, &p->arena_bytes);
}

nf_status nf_plan_create(const nf_graph *g, const nf_plan_options *o, nf_plan **out) {
  nf_plan *p = nf_alloc(1, sizeof *p);
  if (p == NULL) return out_of_memory();
  p->graph = g;
  p->options = *o;
  if (o->at.of[NF_T] == 0) p->options.at = o->max;
  p->options.select.least = nf_sizes_of(1, 1, 1);
  p->options.select.most = o->max;
  nf_status st;
  NF_GOTO(choose_packs(p));
  NF_GOTO(select_kernels(p));
  NF_GOTO(plan_memory(p));
  nf_plan_set_meetings(p);
  *out = p;
  return nf_ok();
fail:
  nf_plan_destroy(p);
  return st;
}

void nf_plan_destroy(nf_plan *p) {
  if (p == NULL) return;
  nf_arena_deinit(&p->arena);
  nf_free(p);
}

const nf_type *nf_plan_type(const nf_plan *p, nf_val v) { return &p->type[v]; }
size_t nf_plan_arena_bytes(const nf_plan *p) { return p->arena_bytes; }

void nf_plan_place(nf_plan *p, void *arena) {
  p->placed = arena;
  for (size_t i = 0; i < p->n_lifetimes; i++)
    p->home[p->lifetime_of[i]].data = (char *)arena + p->lifetime[i].offset;
  if (p->options.ranks != NULL) nf_ranks_place(p->options.ranks, p->options.rank, arena);
}

void nf_plan_bind(nf_plan *p, nf_val v, void *data, int64_t slots) {
  p->home[v].data = data;
  p->home[v].slots = slots;
}

// ---- running ----

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

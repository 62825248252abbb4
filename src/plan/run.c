// SPDX-License-Identifier: Apache-2.0
// Running a plan: arguments at the sizes of a step, and the launches. Arguments are laid out for the largest
// step once; a step writes only the words that follow from its sizes.
#include "base/checked.h"
#include "base/memory.h"
#include "plan/state.h"
#include <string.h>

// ---- tensors ----

// Scales lie behind the codes of the largest step, so that no address follows from a size.
nf_tensor nf_plan_tensor_at(const nf_plan *p, nf_val v, const nf_sizes *at) {
  const nf_storage *root = &p->storage[p->storage[v].root];
  const nf_node *n = nf_plan_view(p, v);
  nf_tensor t = {0};
  if (n != NULL) {
    const nf_tensor x = nf_plan_tensor_at(p, n->in[0], at);
    nf_tensor_of_view(n->op, &n->attr, &x, &p->type[v], at, &t);
    return t;
  }
  t = nf_tensor_of(&p->type[v], at, root->slots, root->data);
  if (root->scale != NULL)
    t.scale = root->scale;
  else if (t.scale != NULL)
    t.scale = nf_tensor_of(&p->type[v], &p->options.max, root->slots, root->data).scale;
  return t;
}

nf_tensor nf_plan_tensor(const nf_plan *p, nf_val v) {
  return v == 0 ? (nf_tensor){0} : nf_plan_tensor_at(p, v, &p->sizes);
}

typedef nf_status (*with_tensor)(nf_plan *p, nf_val v, nf_tensor *tensor);

// f for every value that a kernel is given, and where its arguments have it.
static nf_status for_tensors(nf_plan *p, with_tensor f) {
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_node *n = &p->graph->node[p->step[i].node];
    const nf_op_info *info = nf_op_of(n->op);
    const nf_args_layout *layout = nf_args_layout_of(n->op);
    nf_tensor *tensor = (nf_tensor *)((char *)p->step[i].args + layout->tensors);
    for (int k = 0; k < info->n_in; k++)
      if (n->in[k] != 0) NF_TRY(f(p, n->in[k], &tensor[layout->in[k]]));
    for (int r = 0; r < nf_node_results(n); r++)
      if (info->out[r].alias < 0 && n->out[r] != 0) NF_TRY(f(p, n->out[r], &tensor[layout->out[r]]));
  }
  return nf_ok();
}

// ---- what follows from the sizes ----

enum { WORDS = sizeof(nf_tensor) / sizeof(int64_t) };

// The words of v's tensor that grow with a size, found by making it grow. Weights and pools have none.
static nf_status list_patches(nf_plan *p, nf_val v, nf_tensor *tensor) {
  const nf_sizes ones = nf_sizes_of(1, 1, 1);
  const nf_value_kind kind = p->graph->value[v].kind;
  int64_t word[2][WORDS];
  if (kind == NF_VALUE_WEIGHT || kind == NF_VALUE_POOL) return nf_ok();
  const nf_tensor small = nf_plan_tensor_at(p, v, &ones);
  memcpy(word[0], &small, sizeof small);
  for (int sym = NF_CONST + 1; sym < NF_SYM_COUNT; sym++) {
    nf_sizes more = ones;
    more.of[sym]++;
    const nf_tensor large = nf_plan_tensor_at(p, v, &more);
    memcpy(word[1], &large, sizeof large);
    for (int w = 0; w < WORDS; w++) {
      struct nf_patches *list = &p->patches[sym];
      if (word[0][w] == word[1][w]) continue;
      if (!nf_grow(&list->patch, &list->cap, list->n + 1, sizeof *list->patch)) return nf_plan_no_memory();
      list->patch[list->n++] = (nf_patch){(int64_t *)tensor + w, word[1][w] - word[0][w]};
    }
  }
  return nf_ok();
}

nf_status nf_plan_list_patches(nf_plan *p) { return for_tensors(p, list_patches); }

static nf_status set_tensor(nf_plan *p, nf_val v, nf_tensor *tensor) {
  *tensor = nf_plan_tensor_at(p, v, &p->options.max);
  if (tensor->data != NULL) return nf_ok();
  return nf_error(NF_INTERNAL, "value '%s' was never bound", p->graph->value[v].name);
}

static nf_status shape_tensor(nf_plan *p, nf_val v, nf_tensor *tensor) {
  *tensor = nf_plan_tensor_at(p, v, &p->options.max);
  return nf_ok();
}

nf_scratch_bytes nf_plan_scratch_bytes(nf_plan *p) {
  nf_scratch_bytes most = {0};
  p->prepared = false;
  nf_status_free(for_tensors(p, shape_tensor));
  for (size_t i = 0; i < p->n_steps; i++) {
    const nf_entry *e = &p->step[i].selection.chosen->entry;
    if (e->kind == NF_ENTRY_HOST) most = nf_scratch_most(most, nf_host_scratch(&e->host, p->step[i].args));
    if (e->kind == NF_ENTRY_MODULE)
      most = nf_scratch_most(most, (nf_scratch_bytes){.shared = nf_plan_module_scratch(p, &p->step[i])});
  }
  return most;
}

// All, or those that are not given already.
static void patch(nf_plan *p, const nf_sizes *at, bool all) {
  for (int sym = NF_CONST + 1; sym < NF_SYM_COUNT; sym++) {
    const struct nf_patches *list = &p->patches[sym];
    if (!all && p->given.of[sym] == at->of[sym]) continue;
    for (size_t i = 0; i < list->n; i++) *list->patch[i].at = list->patch[i].c * at->of[sym];
  }
}

static nf_status set_sizes(nf_plan *p, nf_device *d, const nf_sizes *at) {
  const bool all = !p->prepared;
  if (all) NF_TRY(nf_device_reserve_scratch(d, nf_plan_scratch_bytes(p)));
  if (all) NF_TRY(for_tensors(p, set_tensor));
  patch(p, at, all);
  nf_plan_pack(p, d, at);
  p->given = *at;
  p->prepared = true;
  return nf_ok();
}

// ---- running ----

static nf_status check_run(const nf_plan *p, const nf_device *d, const nf_sizes *at) {
  for (int s = 0; s < NF_SYM_COUNT; s++)
    if (at->of[s] > p->options.max.of[s])
      return nf_error(NF_INTERNAL, "a step of %ld %s is larger than the plan's %ld", (long)at->of[s],
                      nf_sym_name((nf_sym)s), (long)p->options.max.of[s]);
  if (p->declared != NULL && nf_device_computes(d))
    return nf_error(NF_UNAVAILABLE, "kernel %s %s: the plan can't be run", p->declared->name,
                    nf_variant_is_declared(p->declared) ? "is declared, not written yet"
                                                        : "is of a module that was not loaded");
  return nf_ok();
}

nf_status nf_plan_run(nf_plan *p, nf_device *d, const nf_sizes *at) {
  NF_TRY(check_run(p, d, at));
  NF_TRY(set_sizes(p, d, at));
  p->sizes = *at;
  return nf_device_run(d, p->launch, p->n_launches);
}

// ---- replaying ----

// Storage that is not there yet stands for itself: launch functions only add to addresses.
static void stand_in(nf_plan *p, void *from, void *to) {
  for (nf_val v = 1; v < p->graph->n_values; v++)
    if (p->storage[v].root == v && p->storage[v].data == from) p->storage[v].data = to;
}

static size_t count_launched(nf_plan *p, const nf_sizes *at) {
  static char nowhere[NF_CACHE_LINE];
  stand_in(p, NULL, nowhere);
  nf_status_free(for_tensors(p, shape_tensor));
  patch(p, at, true);
  const size_t n = nf_plan_count_launched(p, at, nowhere);
  stand_in(p, nowhere, NULL);
  p->prepared = false;
  return n;
}

// A graph's launch holds 3 KiB of a GPU's memory (an H200: 1.2 MiB of 400). With other ranks launches are
// kept and run, between barriers.
size_t nf_plan_capture_bytes(nf_plan *p, const nf_sizes *at) {
  if (p->options.hw.multiprocessors == 0 || nf_plan_has_peers(p))
    return nf_capture_bytes(p->launch, p->n_launches);
  return count_launched(p, at) * (3 << 10);
}

void nf_plan_forget(nf_plan *p) {
  while (p->n_captured > 0) nf_capture_destroy(p->captured[--p->n_captured].capture);
  p->prepared = false;
}

static nf_status find_capture(nf_plan *p, nf_device *d, const nf_sizes *at, nf_capture **out) {
  for (size_t i = 0; i < p->n_captured; i++)
    if (memcmp(&p->captured[i].at, at, sizeof *at) == 0) return *out = p->captured[i].capture, nf_ok();
  NF_TRY(set_sizes(p, d, at));
  if (!nf_grow(&p->captured, &p->cap_captured, p->n_captured + 1, sizeof *p->captured))
    return nf_plan_no_memory();
  NF_TRY(nf_capture_create(d, p->launch, p->n_launches, out));
  p->captured[p->n_captured++] = (nf_captured){*at, *out};
  return nf_ok();
}

nf_status nf_plan_replay(nf_plan *p, nf_device *d, const nf_sizes *at) {
  nf_capture *c;
  NF_TRY(check_run(p, d, at));
  NF_TRY(find_capture(p, d, at, &c));
  p->sizes = *at;
  return nf_queue_replay(nf_device_queue(d), c);
}

// ---- looking ----

static nf_status run_seen(nf_plan *p, nf_device *d, const nf_sizes *at, nf_plan_seen seen, void *user) {
  NF_TRY(set_sizes(p, d, at));
  p->sizes = *at;
  for (size_t i = 0; i < p->n_steps; i++) {
    NF_TRY(nf_device_run(d, p->step[i].launch, p->step[i].n_launches));
    NF_TRY(seen(user, &p->graph->node[p->step[i].node]));
  }
  return nf_ok();
}

nf_status nf_plan_trace(nf_plan *p, nf_device *d, const nf_sizes *at, void *arena, nf_plan_seen seen,
                        void *user) {
  const nf_sizes last = p->sizes;
  void *placed = p->placed;
  NF_TRY(check_run(p, d, at));
  nf_plan_place(p, arena);
  const nf_status st = run_seen(p, d, at, seen, user);
  nf_plan_place(p, placed);
  p->sizes = last;
  return st;
}

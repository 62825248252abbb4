// SPDX-License-Identifier: Apache-2.0
// What each rank of a model has: a share of the threads with a device of its own, a plan, weights, caches,
// activations and a copy of the step's tables.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "engine/upload.h"
#include <string.h>

// The runtime's threads are dealt out evenly. A single rank has them all.
nf_status nf_model_create_ranks(infuse_model *m) {
  NF_TRY(nf_make(&m->rank, (size_t)m->options.world, sizeof *m->rank, "ranks"));
  const int all = m->rt->threads != NULL ? nf_threads_count(m->rt->threads) : 1;
  return nf_ranks_create((int)m->options.world, (int)nf_max(1, all / m->options.world), &m->ranks);
}

// Planning is deterministic: every rank's plans are like those of rank 0, which there are already.
static nf_status plan_rank(const infuse_model *m, int rank) {
  nf_rank *r = &m->rank[rank];
  const nf_compiled *c = &m->compiled;
  NF_TRY(nf_make(&r->plans, c->n, sizeof *r->plans, "plans"));
  for (size_t i = 0; i < c->n; i++) {
    if (rank == 0)
      r->plans[i] = c->range[i].plan;
    else
      NF_TRY(nf_compiled_plan(c, i, rank, &r->plans[i]));
    if (nf_plan_arena_bytes(r->plans[i]) != nf_plan_arena_bytes(c->range[i].plan))
      return nf_error(NF_INTERNAL, "the plans of ranks 0 and %d differ", rank);
  }
  return nf_ok();
}

// ---- memory ----

// Cache pools start as zeros: a slot is read only after it was written, but nothing should depend on it.
static nf_status allocate_stored(infuse_model *m, nf_rank *r) {
  const nf_layout *l = &m->compiled.layout;
  NF_TRY(nf_make(&r->buffer, l->n, sizeof *r->buffer, "a list of weights"));
  for (size_t i = 0; i < l->n; i++) {
    size_t bytes;
    NF_TRY(nf_model_stored_bytes(m, i, &bytes));
    NF_TRY(nf_device_alloc(r->device, bytes, &r->buffer[i]), "for '%s'", l->stored[i].name);
  }
  return nf_ok();
}

static void bind_stored(const infuse_model *m, const nf_rank *r, size_t range) {
  const nf_graph *g = m->compiled.range[range].graph;
  for (nf_val v = 1; v < g->n_values; v++) {
    const nf_value *value = &g->value[v];
    if (value->kind != NF_VALUE_WEIGHT && value->kind != NF_VALUE_POOL) continue;
    const size_t i = nf_layout_find(&m->compiled.layout, value).stored;
    nf_plan_bind(r->plans[range], v, r->buffer[i].data,
                 value->kind == NF_VALUE_POOL ? nf_model_slots(m, value->type.cache) : 0);
  }
}

static void bind_inputs(const infuse_model *m, const nf_rank *r, size_t range) {
  char *at = r->tables.data;
  const nf_graph *g = m->compiled.range[range].graph;
  nf_plan *plan = r->plans[range];
  const size_t layer_bytes =
      sizeof(int32_t) * (size_t)(m->options.batch * m->config.experts_per_token); // one layer's routes
  const nf_batch batch = nf_step_tables_batch(&m->tables, at);
  nf_plan_set_batch_of_device(plan, r->tables.data, &batch);
  nf_plan_bind(plan, nf_graph_find(g, "tokens"), at + m->tables.tokens, 0);
  if (!m->options.forced_experts) return;
  for (int64_t l = 0; l < m->config.layers; l++) {
    char name[32];
    snprintf(name, sizeof name, "L%ld.routes", (long)l);
    const nf_val routes = nf_graph_find(g, name); // none where the layer has no experts
    if (routes != 0) nf_plan_bind(plan, routes, at + m->tables.routes + (size_t)l * layer_bytes, 0);
  }
}

static nf_status allocate_rank(infuse_model *m, int rank) {
  nf_rank *r = &m->rank[rank];
  if (m->options.world == 1)
    r->device = m->rt->device;
  else
    NF_TRY(nf_device_peer(m->rt->device, (int)m->options.world, rank, &r->device));
  NF_TRY(plan_rank(m, rank));
  NF_TRY(allocate_stored(m, r));
  NF_TRY(nf_device_alloc(r->device, m->compiled.arena_bytes, &r->arena), "for activations");
  NF_TRY(nf_device_alloc(r->device, m->tables.bytes, &r->tables), "for the step's tables");
  for (size_t i = 0; i < m->compiled.n; i++) {
    nf_plan_place(r->plans[i], r->arena.data);
    bind_stored(m, r, i);
    bind_inputs(m, r, i);
  }
  return nf_ok();
}

nf_status nf_model_place_arenas(const infuse_model *m, const nf_buffer *trace) {
  char *at[NF_MAX_WORLD];
  const int world = (int)m->options.world;
  for (int i = 0; i < world; i++) at[i] = trace != NULL ? trace[i].data : m->rank[i].arena.data;
  for (int i = 0; i < world; i++)
    NF_TRY(nf_step_tables_begin(&m->tables, m->rank[i].device, &m->rank[i].tables, i, at, world));
  return nf_ok();
}

nf_status nf_model_allocate_ranks(infuse_model *m) {
  for (int rank = 0; rank < m->options.world; rank++) {
    const nf_status st = allocate_rank(m, rank);
    if (!nf_is_ok(st)) return m->options.world == 1 ? st : nf_status_note(st, "rank %d", rank);
  }
  NF_TRY(nf_model_place_arenas(m, NULL));
  return nf_ranks_start(m->ranks);
}

// ---- weights ----

// The first row of the weight that no token has, as far as the tokenizer can tell.
static int64_t first_padding(const infuse_model *m, const nf_value *v) {
  const bool table = strcmp(v->name, "embed.w") == 0 || strcmp(v->name, "head.w") == 0;
  return table && m->tokenizer != NULL ? nf_tokenizer_vocab_size(m->tokenizer) : INT64_MAX;
}

// Rank by rank for each weight, so that what several of them read is read from the disk once.
static nf_status load_all(infuse_model *m, nf_weight_loader *l, nf_upload *upload) {
  for (size_t i = 0; i < m->compiled.layout.n; i++)
    for (int rank = 0; rank < m->options.world; rank++) {
      const nf_value *v = &m->compiled.layout.stored[i];
      const nf_weight_sink sink = nf_upload_sink(&upload[rank], &m->rank[rank].buffer[i]);
      if (v->kind == NF_VALUE_WEIGHT) NF_TRY(nf_weight_load(l, v, rank, first_padding(m, v), &sink));
    }
  return nf_log_progress(l->log, "loading weights", l->total, l->total);
}

nf_status nf_model_load_weights(infuse_model *m) {
  nf_weight_loader l = {
      .files = m->files, .threads = m->rt->threads, .log = &m->rt->log, .total = m->budget.of[NF_WEIGHTS]};
  if (!nf_device_computes(m->rt->device)) return nf_ok();
  nf_upload *upload;
  NF_TRY(nf_make(&upload, (size_t)m->options.world, sizeof *upload, "loading weights"));
  int ready = 0;
  nf_status st = nf_ok();
  for (; ready < m->options.world && nf_is_ok(st); ready += nf_is_ok(st))
    st = nf_upload_init(&upload[ready], m->rank[ready].device, l.total / (uint64_t)m->options.world);
  if (nf_is_ok(st)) st = load_all(m, &l, upload);
  while (ready > 0) st = nf_status_join(nf_upload_finish(&upload[--ready]), st); // why there was no room
  nf_free(upload);
  nf_weight_loader_deinit(&l);
  return st;
}

// ---- the end ----

static void release_rank(const infuse_model *m, nf_rank *r) {
  if (r->device != NULL) {
    for (size_t i = 0; r->buffer != NULL && i < m->compiled.layout.n; i++)
      nf_device_free(r->device, &r->buffer[i]);
    nf_device_free(r->device, &r->arena);
    nf_device_free(r->device, &r->tables);
  }
  nf_free(r->buffer);
  for (size_t i = 0; r->plans != NULL && i < m->compiled.n; i++) {
    if (r->plans[i] != NULL) nf_plan_forget(r->plans[i]); // before the device goes
    if (r != m->rank) nf_plan_destroy(r->plans[i]);
  }
  nf_free(r->plans);
  if (r->device != m->rt->device) nf_device_destroy(r->device);
}

void nf_model_release_ranks(infuse_model *m) {
  for (int rank = 0; m->rank != NULL && rank < m->options.world; rank++) release_rank(m, &m->rank[rank]);
  nf_ranks_destroy(m->ranks);
  nf_free(m->rank);
}

// SPDX-License-Identifier: Apache-2.0
// Models: from a folder to a graph, a plan and a memory budget, and only then to allocated and loaded memory.
#include "base/checked.h"
#include "base/file.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "shard/shard.h"
#include "text/chat.h"
#include <string.h>

static nf_status bounded(const char *name, int64_t *value, int64_t otherwise, int64_t lo, int64_t hi) {
  if (*value == 0) *value = otherwise;
  if (*value >= lo && *value <= hi) return nf_ok();
  return nf_error(NF_USAGE, "%s is %ld; it must lie between %ld and %ld", name, (long)*value, (long)lo,
                  (long)hi);
}

static nf_status fill_options(infuse_model *m) {
  infuse_model_options *o = &m->options;
  NF_TRY(bounded("layers", &o->layers, m->config.layers, 1, m->config.layers));
  NF_TRY(bounded("context", &o->context, nf_min(4096, m->config.context), 1, m->config.reach));
  if (o->context > m->config.context)
    nf_log_print(&m->rt->log, NF_LOG_WARNING,
                 "%s: a context of %ld is beyond max_position_embeddings, %ld; the rope reaches %ld",
                 m->config.where, (long)o->context, (long)m->config.context, (long)m->config.reach);
  NF_TRY(bounded("sessions", &o->sessions, 1, 1, 4096));
  NF_TRY(bounded("batch", &o->batch, nf_max(64, o->sessions), 1, 1 << 20));
  NF_TRY(bounded("rows", &o->rows, nf_min(o->sessions, o->batch), 1, o->batch));
  NF_TRY(bounded("world", &o->world, 1, 1, NF_MAX_WORLD));
  if (o->world > 1 && m->rt->module != NULL)
    return nf_error(NF_UNAVAILABLE, "world is %ld; device %s runs one rank so far", (long)o->world,
                    m->rt->options.device);
  NF_TRY(bounded("snapshots", &o->snapshots, 0, 0, 1 << 20));
  NF_TRY(bounded("guesses", &o->guesses, 0, 0, INFUSE_GUESSES));
  if (o->cache_tokens != 0)
    NF_TRY(bounded("cache_tokens", &o->cache_tokens, 0, o->context, NF_MOST_CACHE_TOKENS));
  return nf_ok();
}

nf_sizes nf_model_largest_step(const infuse_model *m) {
  return nf_sizes_of(m->options.batch, m->options.sessions, m->options.rows);
}

// Tensors that the family knows but has no use for are told once.
static void log_unused(const infuse_model *m) {
  const char *prefix = m->config.family->unused;
  const size_t n = m->files != NULL && prefix != NULL ? nf_checkpoint_count_named(m->files, prefix) : 0;
  if (n != 0)
    nf_log_print(&m->rt->log, NF_LOG_INFO, "%s: %zu tensors '%s*' (multi-token prediction) are not used",
                 nf_checkpoint_where(m->files), n, prefix);
}

// One graph for all ranks; that of a single rank is the whole one.
static nf_status shard_graph(infuse_model *m) {
  if (m->options.world == 1) return nf_ok();
  nf_graph *whole = m->logical;
  m->logical = NULL;
  const nf_status st = nf_shard(whole, (int)m->options.world, &m->logical);
  nf_graph_destroy(whole);
  return st;
}

static nf_status build_graph(infuse_model *m) {
  const nf_build_options o = {.activation = m->rt->activation,
                              .page = NF_PAGE,
                              .forced_routes = m->options.forced_experts,
                              .hidden_outputs = m->options.keep_hidden,
                              .greedy = m->rt->module != NULL && !m->keep_all,
                              .plain_activations = m->options.plain_activations};
  m->config.layers = m->options.layers;
  NF_TRY(nf_model_build(&m->config, m->files, &o, &m->logical));
  NF_TRY(shard_graph(m));
  for (nf_val v = 1; v < m->logical->n_values; v++) m->uses[m->logical->value[v].type.cache] = true;
  log_unused(m);
  return nf_ok();
}

static nf_status fuse_mode(const infuse_model *m, nf_fuse_mode *out) {
  const infuse_model_options *o = &m->options;
  *out = o->n_fuse_order != 0 ? NF_FUSE_ORDERED : m->rt->fuse;
  if (o->fuse == NULL) return nf_ok();
  for (int i = 0; i < NF_FUSE_MODES; i++)
    if (strcmp(o->fuse, nf_fuse_mode_names[i]) == 0) return *out = (nf_fuse_mode)i, nf_ok();
  const char *near = nf_nearest(o->fuse, nf_fuse_mode_names, NF_FUSE_MODES);
  return nf_error(NF_USAGE, "fuse '%s' is not known%s%s; there are cost, ordered and off", o->fuse,
                  near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

nf_status nf_model_compile_options(const infuse_model *m, nf_compile_options *out) {
  const infuse_model_options *o = &m->options;
  nf_timings *timings;
  nf_runtime_know_figures(m->rt);
  NF_TRY(nf_runtime_timings(m->rt, o->world, &timings));
  *out =
      (nf_compile_options){.plan = {.hw = m->rt->hw,
                                    .select = {.force = o->force, .n_force = o->n_force, .timings = timings},
                                    .max = nf_model_largest_step(m),
                                    .keep_all = m->keep_all,
                                    .module = m->rt->module,
                                    .ranks = m->ranks},
                           .least = nf_sizes_of(1, 1, 1),
                           .order = o->fuse_order,
                           .n_order = o->n_fuse_order,
                           .rules = o->rules,
                           .known_rules = m->rt->rules};
  out->plan.hw.world = (int)o->world;
  // What is asked for most: all sessions decode.
  out->at = nf_sizes_of(nf_min(o->sessions, o->batch), o->sessions, nf_min(o->sessions, o->rows));
  NF_TRY(nf_select_check_forced(&out->plan.hw, &out->plan.select));
  return fuse_mode(m, &out->mode);
}

nf_status nf_model_open(infuse_runtime *rt, const char *dir, const infuse_model_options *o, infuse_model *m) {
  m->rt = rt;
  NF_TRY(nf_runtime_know_memory(rt));
  NF_TRY(NF_OPTIONS(infuse_model_options, n_force, &m->options, o));
  NF_TRY(nf_config_load(dir, &m->rt->log, &m->config));
  NF_TRY(fill_options(m));
  if (!m->options.dummy) NF_TRY(nf_checkpoint_open(dir, &m->rt->log, &m->files));
  if (m->files != NULL) NF_TRY(nf_model_settle(&m->config, m->files, &m->rt->log));
  NF_TRY(nf_model_create_ranks(m));
  return build_graph(m);
}

void nf_model_use_plan(infuse_model *m, int64_t tokens) {
  const nf_compiled *c = &m->compiled;
  m->range = nf_compiled_for(c, tokens);
  m->graph = c->range[m->range].graph;
  m->plan = c->range[m->range].plan;
  m->logits_value = nf_graph_find(m->graph, "logits");
}

nf_status nf_model_compile(infuse_model *m, const nf_compile_options *o) {
  NF_TRY(nf_compile(m->logical, o, &m->compiled));
  nf_model_use_plan(m, o->at.of[NF_T]);
  return nf_model_add_up(m);
}

// ---- allocating and loading ----

// Kernels write the likeliest tokens where the process reads them: a step copies nothing back for these.
static void bind_best(const infuse_model *m, const nf_planned *p) {
  float *at = m->pinned_best.data;
  nf_plan_bind(p->plan, nf_graph_find(p->graph, "best"), at, 0);
  nf_plan_bind(p->plan, nf_graph_find(p->graph, "best.ids"), at + m->options.rows, 0);
}

// Sessions draw side by side, as many as have rows. Results wait on the host for the client, where it can't
// read the device's own memory.
static nf_status allocate_host(infuse_model *m) {
  const infuse_model_options *o = &m->options;
  const size_t vocab = (size_t)m->config.vocab, sessions = (size_t)o->sessions;
  NF_TRY(
      nf_device_alloc_in(m->rt->device, NF_ON_HOST, nf_step_tables_host_bytes(&m->tables), &m->pinned_tables),
      "for the step's tables");
  nf_step_tables_place(&m->tables, m->pinned_tables.host);
  NF_TRY(nf_expect_begin(m));
  NF_TRY(nf_make(&m->flight.named, sessions, sizeof *m->flight.named, "sessions"));
  NF_TRY(nf_make(&m->flight.share, sessions, sizeof *m->flight.share, "sessions"));
  NF_TRY(nf_make(&m->free_row, sessions, sizeof *m->free_row, "sessions"));
  for (size_t i = 0; i < sessions; i++) m->free_row[i] = (int64_t)i;
  NF_TRY(nf_make(&m->scratch, (size_t)m->n_scratch * nf_sampler_scratch((int32_t)vocab), sizeof *m->scratch,
                 "drawing tokens"));
  if (o->keep_hidden)
    NF_TRY(nf_make(&m->hidden, (size_t)(o->batch * m->config.hidden), sizeof *m->hidden, "hidden states"));
  if (nf_device_is_host(m->rt->device)) return nf_ok();
  const size_t bytes = (size_t)o->rows * vocab * sizeof *m->logits;
  NF_TRY(nf_device_alloc_in(m->rt->device, NF_ON_HOST, bytes, &m->pinned_logits), "for logits");
  m->logits = memset(m->pinned_logits.host, 0, bytes);
  if (nf_graph_find(m->graph, "best") == 0) return nf_ok();
  NF_TRY(nf_device_alloc_in(m->rt->device, NF_ON_HOST, (size_t)o->rows * 2 * sizeof(float), &m->pinned_best),
         "for tokens");
  m->best_probability = m->pinned_best.host;
  m->best_token = (int32_t *)(m->best_probability + o->rows);
  for (size_t i = 0; i < m->compiled.n; i++) bind_best(m, &m->compiled.range[i]);
  return nf_ok();
}

static nf_status allocate(infuse_model *m) {
  NF_TRY(nf_model_allocate_ranks(m));
  for (int g = 1; g < NF_CACHE_COUNT; g++)
    if (m->uses[g]) NF_TRY(nf_kv_init(&m->kv[g], nf_model_slots(m, (nf_cache)g)));
  m->no_text = nf_prefix_empty();
  return allocate_host(m);
}

static void release(infuse_model *m) {
  nf_expect_end(m);
  nf_model_release_ranks(m);
  if (m->rt != NULL && m->rt->device != NULL) {
    nf_device_free(m->rt->device, &m->pinned_tables);
    nf_device_free(m->rt->device, &m->pinned_logits);
    nf_device_free(m->rt->device, &m->pinned_best);
  }
  for (int g = 0; g < NF_CACHE_COUNT; g++) nf_kv_deinit(&m->kv[g]);
  nf_free(m->scratch);
  nf_free(m->flight.named);
  nf_free(m->flight.share);
  nf_free(m->free_row);
  nf_constraints_deinit(&m->constraints);
  nf_token_tree_destroy(m->tokens);
  nf_tokenizer_destroy(m->tokenizer);
  nf_status_free(m->broken_text);
  nf_free(m->hidden);
  nf_compiled_deinit(&m->compiled);
  nf_graph_destroy(m->logical);
  nf_checkpoint_close(m->files);
  nf_free(m->biases);
  nf_generation_config_deinit(&m->generation);
  nf_config_deinit(&m->config);
}

// ---- text ----

// What is wrong with the text of a folder is no matter to ids and logits: it is told, and kept for who asks
// for text. What may be well another time is an error at once.
static nf_status defer(infuse_model *m, const char *lost, nf_status st) {
  if (nf_is_ok(st) || nf_status_code(st) == NF_NO_MEMORY) return st;
  nf_log_print(&m->rt->log, NF_LOG_WARNING, "%s; the model has no %s", nf_status_message(st), lost);
  m->broken_text = st;
  return nf_ok();
}

static nf_status load_tokenizer(infuse_model *m, const char *dir) {
  char *path = NULL;
  NF_TRY(nf_path_join(dir, "tokenizer.json", &path));
  const nf_status st =
      nf_path_exists(path) ? nf_tokenizer_load_logged(path, &m->rt->log, &m->tokenizer) : nf_ok();
  nf_free(path);
  return defer(m, "text", st);
}

// A tokenizer without the format's tokens leaves the model without chats; with a broken template the format
// is known, and a chat is an error.
static nf_status find_chat(infuse_model *m, const char *dir) {
  const nf_chat_format *chat = nf_chat_format_of(m->config.family->chat);
  const nf_status st = chat != NULL ? nf_chat_check(chat, m->tokenizer) : nf_ok();
  if (nf_is_ok(st))
    m->chat = chat;
  else
    nf_log_print(&m->rt->log, NF_LOG_INFO, "no chat: %s", nf_status_message(st));
  nf_status_free(st);
  if (m->chat == NULL || !m->chat->by_template) return nf_ok();
  return defer(m, "chats", nf_chat_template_load(dir, m->tokenizer, &m->template));
}

void nf_model_tell_generation(infuse_model *m) {
  nf_text *remark = &m->generation.remark;
  if (remark->n != 0) nf_log_print(&m->rt->log, NF_LOG_WARNING, "%s", remark->at);
  nf_text_deinit(remark);
}

nf_status nf_model_load(infuse_runtime *rt, const char *dir, const infuse_model_options *o, bool keep_all,
                        infuse_model **out) {
  NF_TRY(nf_runtime_check_runs(rt));
  infuse_model *m;
  NF_TRY(nf_make(&m, 1, sizeof *m, "a model"));
  m->keep_all = keep_all;
  m->buckets = nf_device_captures(rt->device);
  nf_status st;
  nf_compile_options compiling;
  NF_GOTO(nf_model_open(rt, dir, o, m));
  NF_GOTO(nf_model_compile_options(m, &compiling));
  NF_GOTO(nf_model_compile(m, &compiling));
  NF_GOTO(nf_model_tune(m, &compiling));
  NF_GOTO(nf_model_check_fit(m, dir));
  NF_GOTO(nf_generation_load(dir, &m->config, &rt->log, &m->generation));
  NF_GOTO(nf_model_make_sampling(m));
  NF_GOTO(load_tokenizer(m, dir));
  if (m->tokenizer != NULL) NF_GOTO(find_chat(m, dir));
  NF_GOTO(allocate(m));
  NF_GOTO(nf_model_load_weights(m));
  *out = m;
  return nf_ok();
fail:
  infuse_model_destroy(m);
  return st;
}

infuse_error *infuse_model_load(infuse_runtime *rt, const char *dir, const infuse_model_options *o,
                                infuse_model **out) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"folder", dir != NULL}, {"result", out != NULL}));
  return nf_model_load(rt, dir, o, false, out).error;
}

void infuse_model_destroy(infuse_model *m) {
  if (m == NULL) return;
  infuse_step_cancel(m);
  infuse_error_free(infuse_step_wait(m));
  release(m);
  nf_free(m);
}

void infuse_model_describe(const infuse_model *m, infuse_model_info *out) {
  if (m == NULL || out == NULL) return;
  const infuse_model_info all = {.size = out->size,
                                 .family = m->config.family->model_type,
                                 .layers = m->config.layers,
                                 .hidden = m->config.hidden,
                                 .vocab = m->config.vocab,
                                 .experts = m->config.experts,
                                 .experts_per_token = m->config.experts_per_token,
                                 .context = m->options.context,
                                 .weight_bytes = m->budget.of[NF_WEIGHTS],
                                 .cache_bytes = m->budget.of[NF_CACHES],
                                 .activation_bytes = m->budget.of[NF_ACTIVATIONS],
                                 .sessions = m->options.sessions,
                                 .batch = m->options.batch,
                                 .rows = m->options.rows};
  nf_result_copy(out, out->size, &all, sizeof all);
}

void infuse_model_caches(const infuse_model *m, infuse_caches *out) {
  if (m == NULL || out == NULL) return;
  const nf_kv *full = &m->kv[NF_CACHE_FULL], *sliding = &m->kv[NF_CACHE_SLIDING],
              *recurrent = &m->kv[NF_CACHE_RECURRENT];
  const infuse_caches all = {.size = out->size,
                             .page_tokens = NF_PAGE,
                             .pages = full->n,
                             .pages_in_use = full->n - full->unused,
                             .sliding_pages = sliding->n,
                             .sliding_in_use = sliding->n - sliding->unused,
                             .recurrent_states = recurrent->n,
                             .states_in_use = recurrent->n - recurrent->unused};
  nf_result_copy(out, out->size, &all, sizeof all);
}

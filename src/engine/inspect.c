// SPDX-License-Identifier: Apache-2.0
// explain and devices: what the engine knows, as one JSON document. docs/explain.md has the schemas.
#include "base/memory.h"
#include "engine/document.h"
#include "engine/engine.h"
#include <infuse/inspect.h>

// Appends to a list that failed before, or fails now, leaving it NULL: a document that lacks anything is
// never made.
static void append(json_t **list, json_t *item) {
  if (json_array_append_new(*list, item) == 0) return;
  json_decref(*list);
  *list = NULL;
}

// ---- devices ----

static json_t *features(uint64_t bits) {
  json_t *list = json_array();
  for (int i = 0; i < NF_CPU_FEATURE_COUNT; i++)
    if (bits >> i & 1) append(&list, json_string(nf_cpu_feature_name(i)));
  return list;
}

static json_t *target(const infuse_runtime *rt) {
  return json_pack("{s:s, s:s, s:o, s:i, s:I, s:i}", "device", rt->options.device, "name", rt->hw.name,
                   "features", features(rt->hw.features), "cores", rt->hw.cores, "memory",
                   (json_int_t)rt->hw.memory, "threads",
                   rt->threads != NULL ? nf_threads_count(rt->threads) : 0);
}

infuse_error *infuse_devices(infuse_runtime *rt, infuse_sink sink, void *user) {
  json_t *doc =
      json_pack("{s:s, s:[o], s:[{s:s, s:s}, {s:s, s:s}]}", "schema", "infuse.devices/1", "devices",
                target(rt), "unavailable", "device", "cuda", "reason", "this version has no CUDA kernels",
                "device", "hip", "reason", "this version has no HIP kernels");
  return nf_document_deliver(doc, sink, user).error;
}

// ---- explain ----

static json_t *memory_parts(const infuse_model *m) {
  const nf_budget *b = &m->budget;
  return json_pack("{s:I, s:I, s:I, s:I}", "weights", (json_int_t)b->weights, "caches", (json_int_t)b->caches,
                   "activations", (json_int_t)b->activations, "tables", (json_int_t)b->tables);
}

static json_t *pools(const infuse_model *m) {
  json_t *list = json_array();
  for (nf_val v = 1; v < m->graph->n_values; v++) {
    const nf_value *value = &m->graph->value[v];
    if (value->kind != NF_VALUE_POOL) continue;
    nf_text type = {0};
    nf_type_print(&value->type, &type);
    append(&list, json_pack("{s:s, s:s%, s:I}", "name", value->name, "type", type.at, type.n, "slots",
                            (json_int_t)nf_model_slots(m, value->type.cache)));
    nf_text_deinit(&type);
  }
  return list;
}

static json_t *weights(const infuse_model *m) {
  json_t *list = json_array();
  for (nf_val v = 1; v < m->graph->n_values; v++) {
    const nf_value *value = &m->graph->value[v];
    if (value->kind != NF_VALUE_WEIGHT) continue;
    nf_text type = {0};
    nf_type_print(nf_plan_type(m->plan, v), &type);
    append(&list, json_pack("{s:s, s:s%, s:s, s:s?}", "name", value->name, "type", type.at, type.n, "tensor",
                            value->recipe.tensor, "scales", value->recipe.scales));
    nf_text_deinit(&type);
  }
  return list;
}

static json_t *model_facts(const infuse_model *m) {
  const nf_config *c = &m->config;
  const infuse_model_options *o = &m->options;
  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I}", "family",
                   c->family->model_type, "layers", (json_int_t)c->layers, "hidden", (json_int_t)c->hidden,
                   "vocab", (json_int_t)c->vocab, "experts", (json_int_t)c->experts, "experts_per_token",
                   (json_int_t)c->experts_per_token, "files", m->files != NULL, "context",
                   (json_int_t)o->context, "sessions", (json_int_t)o->sessions, "batch", (json_int_t)o->batch,
                   "rows", (json_int_t)o->rows, "world", (json_int_t)o->world);
}

static nf_status explain(const infuse_model *m, infuse_sink sink, void *user) {
  json_t *plan = NULL;
  NF_TRY(nf_plan_explain(m->plan, &plan));
  json_t *doc = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "infuse.explain/1", "target",
                          target(m->rt), "model", model_facts(m), "budget", memory_parts(m), "weights",
                          weights(m), "pools", pools(m), "plan", plan);
  return nf_document_deliver(doc, sink, user);
}

// A folder with no weight files is explained from the family's inventory.
static bool has_weights(const char *dir) {
  static const char *const names[] = {"model.safetensors.index.json", "model.safetensors"};
  bool found = false;
  for (size_t i = 0; i < 2 && !found; i++) {
    char *path = NULL;
    const nf_status st = nf_path_join(dir, names[i], &path);
    found = nf_is_ok(st) && nf_path_exists(path);
    nf_status_free(st);
    nf_free(path);
  }
  return found;
}

infuse_error *infuse_explain(infuse_runtime *rt, const char *dir, const infuse_model_options *o,
                             infuse_sink sink, void *user) {
  infuse_model *m = nf_alloc(1, sizeof *m);
  if (m == NULL) return nf_error(NF_NO_MEMORY, "no memory for a model").error;
  m->rt = rt;
  infuse_model_options options = {0};
  nf_status st;
  NF_GOTO(nf_options_copy(&options, sizeof options, o, "infuse_model_options"));
  options.size = sizeof options;
  options.dummy = options.dummy || !has_weights(dir);
  NF_GOTO(nf_model_prepare(rt, dir, &options, m));
  NF_GOTO(explain(m, sink, user));
fail:
  infuse_model_destroy(m);
  return st.error;
}

// SPDX-License-Identifier: Apache-2.0
// explain and names: what the engine knows, as one JSON document. docs/explain.md has the schemas.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"

// ---- names ----

static json_t *kernels_of(nf_op op) {
  size_t n;
  const nf_variant *v = nf_variants(&n);
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++)
    if (v[i].op == op)
      nf_document_append(&list,
                         json_pack("{s:s, s:s, s:b}", "name", v[i].name, "backend",
                                   nf_backend_name(v[i].backend), "declared", nf_variant_is_declared(&v[i])));
  return list;
}

static json_t *ops(void) {
  json_t *list = json_array();
  for (int op = 0; op < NF_OP_COUNT; op++)
    if (nf_reference_of((nf_op)op) != NULL) // a view has none
      nf_document_append(&list, json_pack("{s:s, s:o*}", "name", nf_op_of((nf_op)op)->name, "kernels",
                                          kernels_of((nf_op)op)));
  return list;
}

static json_t *rules(const nf_rules *all) {
  json_t *list = json_array();
  const nf_rule *r;
  for (size_t i = 0; (r = nf_rules_at(all, i)) != NULL; i++)
    nf_document_append(&list, json_pack("{s:s, s:s}", "name", r->name, "family", r->family));
  return list;
}

static json_t *other_names(const char *target) {
  json_t *list = json_array();
  const nf_target_alias *a;
  for (int i = 0; (a = nf_hw_target_alias(i)) != NULL; i++)
    if (nf_view_equal(nf_view_of(a->target), nf_view_of(target)))
      nf_document_append(&list, json_string(a->name));
  return list;
}

static json_t *targets(void) {
  json_t *list = json_array();
  const char *name;
  for (int i = 0; (name = nf_hw_target_name(i)) != NULL; i++) {
    nf_hw hw;
    nf_status_free(nf_hw_target(name, &hw)); // a row of the table: it is there
    nf_document_append(
        &list, json_pack("{s:s, s:s, s:o*}", "name", name, "what", hw.name, "also", other_names(name)));
  }
  return list;
}

// What a mask's name stands for.
static const char *feature_names(uint64_t bits, nf_text *room) {
  if (bits == 0 || bits == ~0ull) return bits == 0 ? "plain C" : "what is there";
  for (int i = 0; i < NF_CPU_FEATURE_COUNT; i++)
    if (bits >> i & 1) nf_text_printf(room, "%s%s", room->n != 0 ? " " : "", nf_cpu_feature_name(i));
  return room->failed ? NULL : room->at;
}

static json_t *masks(void) {
  json_t *list = json_array();
  const nf_mask_name *m;
  for (int i = 0; (m = nf_hw_mask_name(i)) != NULL; i++) {
    nf_text what = {0};
    nf_document_append(&list,
                       json_pack("{s:s, s:s}", "name", m->name, "what", feature_names(m->features, &what)));
    nf_text_deinit(&what);
  }
  return list;
}

infuse_error *infuse_names(infuse_runtime *rt, infuse_sink sink, void *user) {
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL}));
  json_t *doc = json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "infuse.names/1", "ops", ops(), "rules",
                          rules(rt->rules), "targets", targets(), "cpu", masks());
  return nf_document_deliver(doc, sink, user).error;
}

// ---- explain ----

// Options that alone would make the model fit, by the names that the model's facts have.
static json_t *would_fit(const nf_would_fit *w) {
  const struct {
    const char *key;
    int64_t n;
  } options[] = {{"context", w->context}, {"sessions", w->sessions}, {"world", w->world}};
  json_t *object = json_object();
  for (size_t i = 0; i < 3 && object != NULL; i++) {
    if (options[i].n == 0 || nf_json_put(object, options[i].key, json_integer(options[i].n))) continue;
    json_decref(object);
    object = NULL;
  }
  return object;
}

static json_t *memory_parts(const infuse_model *m, const nf_would_fit *w) {
  static const char *const limits[] = {
      [NF_MEMORY_MACHINE] = "machine", [NF_MEMORY_RANK] = "rank", [NF_MEMORY_OPTION] = "option"};
  const nf_fit f = nf_model_fit(m);
  json_t *doc = json_object();
  bool ok = true;
  for (int i = 0; i < NF_PARTS; i++)
    ok &= nf_json_put(doc, nf_part_names[i], json_integer((json_int_t)m->budget.of[i]));
  json_t *sums =
      json_pack("{s:I, s:I, s:I, s:I, s:s, s:b, s:o}", "total", (json_int_t)f.total, "rank",
                (json_int_t)m->budget.rank, "need", (json_int_t)f.need, "limit", (json_int_t)f.limit,
                "limit_of", limits[f.of], "fits", f.fits, "would_fit", would_fit(w));
  ok = ok && sums != NULL && json_object_update(doc, sums) == 0;
  json_decref(sums);
  return nf_json_whole(doc, ok);
}

static json_t *pools(const infuse_model *m) {
  json_t *list = json_array();
  for (size_t i = 0; i < m->compiled.layout.n; i++) {
    const nf_value *value = &m->compiled.layout.stored[i];
    if (value->kind != NF_VALUE_POOL) continue;
    nf_document_append(&list, json_pack("{s:s, s:s, s:I}", "name", value->name, "type",
                                        nf_type_text_of(&value->type).at, "slots",
                                        (json_int_t)nf_model_slots(m, value->type.cache)));
  }
  return list;
}

// The weights whose rows one joins, NULL for an ordinary one.
static json_t *joined(const nf_value *v) {
  json_t *list = v->recipe.n_joined ? json_array() : NULL;
  for (int i = 0; i < v->recipe.n_joined; i++) {
    const nf_joined *j = &v->recipe.joined[i];
    nf_document_append(&list, json_pack("{s:s, s:I, s:s, s:s?}", "name", j->name, "rows", (json_int_t)j->rows,
                                        "tensor", j->recipe.tensor, "scales", j->recipe.scales));
  }
  return list;
}

static json_t *weights(const infuse_model *m) {
  json_t *list = json_array();
  for (size_t i = 0; i < m->compiled.layout.n; i++) {
    const nf_value *value = &m->compiled.layout.stored[i];
    if (value->kind != NF_VALUE_WEIGHT) continue;
    nf_document_append(&list, json_pack("{s:s, s:s, s:s?, s:s?, s:o*}", "name", value->name, "type",
                                        nf_type_text_of(&value->type).at, "tensor", value->recipe.tensor,
                                        "scales", value->recipe.scales, "joined", joined(value)));
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

static nf_status explain(infuse_model *m, const char *dir, infuse_sink sink, void *user) {
  json_t *doc = NULL;
  nf_would_fit w;
  NF_TRY(nf_model_would_fit(m, dir, &w));
  NF_TRY(nf_compiled_explain(&m->compiled, &doc));
  json_t *facts = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schema", "infuse.explain/2", "target",
                            nf_target_document(m->rt), "model", model_facts(m), "budget", memory_parts(m, &w),
                            "weights", weights(m), "pools", pools(m));
  const bool whole = facts != NULL && json_object_update(doc, facts) == 0;
  json_decref(facts);
  return nf_document_deliver(nf_json_whole(doc, whole), sink, user);
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

// The sizes of the steps that are explained: all of them, or those that `o` asks for.
static nf_status explained_steps(const infuse_explain_options *o, nf_compile_options *c) {
  if (o->range_lo == 0 && o->range_hi == 0) return nf_ok();
  if (o->range_lo < 1 || o->range_hi < o->range_lo || o->range_hi > 1 << 20)
    return nf_error(NF_USAGE,
                    "range %ld:%ld: must begin at 1 or later, and end there or later, at most at 1048576",
                    (long)o->range_lo, (long)o->range_hi);
  const int64_t s = c->plan.max.of[NF_S], r = c->plan.max.of[NF_R];
  c->least = nf_sizes_of(o->range_lo, nf_min(o->range_lo, s), nf_min(o->range_lo, r));
  c->plan.max = nf_sizes_of(o->range_hi, nf_min(o->range_hi, s), nf_min(o->range_hi, r));
  c->at = c->least;
  return nf_ok();
}

nf_status nf_model_open_plan(infuse_runtime *rt, const char *dir, const infuse_model_options *o,
                             const char *fuse, infuse_model **out) {
  infuse_model_options options = {0};
  NF_TRY(NF_OPTIONS(infuse_model_options, n_force, &options, o));
  options.size = sizeof options;
  options.dummy = options.dummy || !has_weights(dir);
  if (fuse != NULL) options.fuse = fuse, options.n_fuse_order = 0;
  NF_TRY(nf_make(out, 1, sizeof **out, "a model"));
  (*out)->rt = rt;
  (*out)->buckets = rt->hw.multiprocessors > 0; // who runs it captures
  return nf_model_open(rt, dir, &options, *out);
}

infuse_error *infuse_explain(infuse_runtime *rt, const char *dir, const infuse_model_options *o,
                             const infuse_explain_options *eo, infuse_sink sink, void *user) {
  infuse_explain_options explaining = {0};
  infuse_model *m = NULL;
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"folder", dir != NULL}, {"sink", sink != NULL}));
  NF_TELL(NF_OPTIONS(infuse_explain_options, range_hi, &explaining, eo));
  nf_compile_options c;
  nf_status st;
  NF_GOTO(nf_model_open_plan(rt, dir, o, NULL, &m));
  NF_GOTO(nf_model_compile_options(m, &c));
  NF_GOTO(explained_steps(&explaining, &c));
  NF_GOTO(nf_model_compile(m, &c));
  NF_GOTO(explain(m, dir, sink, user));
fail:
  infuse_model_destroy(m);
  return st.error;
}

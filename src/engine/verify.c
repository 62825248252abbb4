// SPDX-License-Identifier: Apache-2.0
// infuse_verify: the plan against the reference, value by value.
#include "base/difference.h"
#include "base/memory.h"
#include "engine/document.h"
#include "engine/engine.h"
#include <math.h>
#include <string.h>

enum { DRAWN_TOKENS = 48, MAX_TOKENS = 4096 };

// What an error may be: of logits, and of any other value. Where activations are quantised, a value on the
// other side of a rounding edge changes what follows.
typedef struct bounds {
  double logits, value;
} bounds;
static const bounds plain_bounds = {5e-2, 1e-1}, quantised_bounds = {2e-1, 3e-1};

typedef struct pair { // the same tokens in both
  infuse_runtime *reference_runtime;
  infuse_model *reference, *model;
  infuse_session *reference_session, *session;
  int32_t *tokens, *routes;
  size_t n;
} pair;

// ---- running both ----

static nf_status prepare_tokens(pair *p, const infuse_verify_options *o) {
  p->n = o->tokens != NULL ? o->n_tokens : DRAWN_TOKENS;
  if (p->n == 0 || p->n > MAX_TOKENS)
    return nf_error(NF_USAGE, "%zu tokens to verify; give 1 to %d", p->n, MAX_TOKENS);
  p->tokens = nf_alloc(p->n, sizeof *p->tokens);
  if (p->tokens == NULL) return nf_error(NF_NO_MEMORY, "no memory for %zu tokens", p->n);
  for (size_t i = 0; i < p->n; i++) {
    const float u = nf_uniform(o->seed, i);
    p->tokens[i] = o->tokens != NULL ? o->tokens[i] : (int32_t)(u * (float)p->reference->config.vocab);
  }
  return nf_ok();
}

static infuse_model_options options_of(const infuse_model_options *mo, size_t n, bool forced) {
  infuse_model_options o = *mo;
  o.size = sizeof o;
  o.context = o.batch = o.rows = (int64_t)n;
  o.sessions = 1;
  o.forced_experts = forced;
  return o;
}

static nf_status run(infuse_model *m, const pair *p, const int32_t *routes, infuse_session **out) {
  const infuse_session_options so = {.size = sizeof so, .rows = INFUSE_ALL_ROWS};
  NF_TRY((nf_status){infuse_session_create(m, &so, out)});
  NF_TRY((nf_status){routes != NULL ? infuse_session_append_routed(*out, p->tokens, p->n, routes)
                                    : infuse_session_append(*out, p->tokens, p->n)});
  return (nf_status){infuse_step(m, out, 1)};
}

// The experts that the reference chose, [layers][n][k].
static nf_status read_routes(pair *p) {
  const nf_config *c = &p->reference->config;
  const size_t layer = p->n * (size_t)c->experts_per_token;
  p->routes = nf_alloc((size_t)c->layers * layer, sizeof *p->routes);
  if (p->routes == NULL) return nf_error(NF_NO_MEMORY, "no memory for the experts of %zu tokens", p->n);
  for (int64_t l = 0; l < c->layers; l++) {
    char name[40];
    snprintf(name, sizeof name, "L%ld.moe.choice.ids", (long)l);
    const nf_val v = nf_graph_find(p->reference->graph, name);
    if (v == 0) continue; // a layer without experts
    const nf_tensor ids = nf_plan_tensor(p->reference->plan, v);
    memcpy(p->routes + (size_t)l * layer, ids.data, layer * sizeof *p->routes);
  }
  return nf_ok();
}

static nf_status run_both(pair *p, infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                          const infuse_verify_options *o) {
  const infuse_runtime_options ro = {
      .size = sizeof ro, .device = "ref", .threads = nf_threads_count(rt->threads)};
  const size_t n = o->tokens != NULL ? o->n_tokens : DRAWN_TOKENS;
  const infuse_model_options plain = options_of(mo, n, false);
  NF_TRY((nf_status){infuse_runtime_create(&ro, &p->reference_runtime)});
  NF_TRY(nf_model_load(p->reference_runtime, dir, &plain, true, &p->reference));
  NF_TRY(prepare_tokens(p, o));
  NF_TRY(run(p->reference, p, NULL, &p->reference_session));
  const bool experts = p->reference->config.experts != 0;
  if (experts) NF_TRY(read_routes(p));
  const infuse_model_options own = options_of(mo, n, experts);
  NF_TRY(nf_model_load(rt, dir, &own, true, &p->model));
  return run(p->model, p, p->routes, &p->session);
}

static void release(pair *p) {
  infuse_session_destroy(p->session);
  infuse_session_destroy(p->reference_session);
  infuse_model_destroy(p->model);
  infuse_model_destroy(p->reference);
  infuse_runtime_destroy(p->reference_runtime);
  nf_free(p->tokens);
  nf_free(p->routes);
}

// ---- comparing ----

// `row` has room for two rows. A value of zeros must be zeros.
static double error_of(const nf_tensor *got, const nf_tensor *want, float *row) {
  const int64_t cols = nf_tensor_cols(want);
  nf_difference d = {0};
  for (int64_t r = 0; r < nf_tensor_rows(want); r++) {
    nf_row_decode(got, r, row);
    nf_row_decode(want, r, row + cols);
    nf_difference_add(&d, row, row + cols, cols);
  }
  return d.norm > 0 ? nf_difference_of(&d) : d.difference;
}

static bool compares(const nf_graph *g, const nf_value *v) {
  return v->kind == NF_VALUE_RESULT && v->type.cache == NF_NO_CACHE && nf_is_float(v->type.dtype) &&
         (nf_op_of(g->node[v->node].op)->flags & NF_OP_VIEW) == 0;
}

static bounds bounds_of(const nf_graph *g) {
  for (size_t i = 0; i < g->n_nodes; i++)
    if (g->node[i].op == NF_OP_quantise) return quantised_bounds;
  return plain_bounds;
}

// One row a value; *failed when an error exceeds its bound. NULL: no memory.
static json_t *compare(const pair *p, bool *failed) {
  const nf_graph *g = p->reference->graph;
  const bounds limit = bounds_of(g);
  json_t *rows = json_array();
  int bad = rows == NULL;
  for (nf_val v = 1; v < g->n_values && bad == 0; v++) {
    const nf_val same = nf_graph_find(p->model->graph, g->value[v].name);
    if (!compares(g, &g->value[v]) || same == 0) continue;
    const nf_tensor want = nf_plan_tensor(p->reference->plan, v), got = nf_plan_tensor(p->model->plan, same);
    float *row = nf_alloc(2 * (size_t)nf_tensor_cols(&want), sizeof *row);
    const double error = row != NULL ? error_of(&got, &want, row) : 0;
    const double bound = v == p->reference->logits_value ? limit.logits : limit.value;
    *failed |= !(error <= bound);
    bad = row == NULL;
    nf_free(row);
    bad |= json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f, s:b}", "name", g->value[v].name, "op",
                                                 nf_op_of(g->node[g->value[v].node].op)->name, "error",
                                                 isfinite(error) ? error : 1e300, "bound", bound, "ok",
                                                 error <= bound));
  }
  if (bad == 0) return rows;
  json_decref(rows);
  return NULL;
}

static nf_status verify(pair *p, const infuse_runtime *rt, infuse_sink sink, void *user) {
  bool failed = false;
  json_t *rows = compare(p, &failed);
  json_t *doc = rows == NULL
                    ? NULL
                    : json_pack("{s:s, s:s, s:I, s:b, s:o}", "schema", "infuse.verify/1", "device",
                                rt->options.device, "tokens", (json_int_t)p->n, "ok", !failed, "rows", rows);
  NF_TRY(nf_document_deliver(doc, sink, user));
  return failed ? nf_error(NF_CHECK_FAILED, "the plan of device %s differs from the reference",
                           rt->options.device)
                : nf_ok();
}

infuse_error *infuse_verify(infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                            const infuse_verify_options *o, infuse_sink sink, void *user) {
  infuse_model_options model_options = {0};
  infuse_verify_options options = {0};
  pair p = {0};
  nf_status st;
  NF_GOTO(nf_options_copy(&model_options, sizeof model_options, mo, "infuse_model_options"));
  NF_GOTO(nf_options_copy(&options, sizeof options, o, "infuse_verify_options"));
  NF_GOTO(nf_runtime_check_runs(rt));
  if (!nf_device_computes(rt->device)) NF_GOTO(nf_error(NF_USAGE, "device null computes nothing to verify"));
  NF_GOTO(run_both(&p, rt, dir, &model_options, &options));
  NF_GOTO(verify(&p, rt, sink, user));
fail:
  release(&p);
  return st.error;
}

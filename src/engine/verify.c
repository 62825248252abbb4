// SPDX-License-Identifier: Apache-2.0
// infuse_verify: the plan, the same without fusions, and the reference side by side, value by value, joined
// by names.
#include "base/checked.h"
#include "base/difference.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <math.h>
#include <string.h>

enum { DRAWN_TOKENS = 48, MAX_TOKENS = 4096 };

// What an error may be: of logits, and of any other value. Where activations are quantised, a value on the
// other side of a rounding edge changes what follows, by how much depends on weights and tokens. So that is
// measured: the references are run once more, with activations rounded as plans round them, and an error may
// be so many times theirs (docs/numerics.md has what they were found to be).
static const double most_of_logits = 5e-2, most_of_values = 1e-1, most_of_noise = 3, most_of_all = 2;

typedef struct distance { // ||a - b|| / ||b||
  double whole;           // of all rows together
  double worst;           // of the worst one, than which no part of them is worse
} distance;

typedef struct side { // one way to run the model
  infuse_model *model;
  infuse_session *session;
} side;

typedef struct trio { // the same tokens in all
  infuse_runtime *reference_runtime, *rounded_runtime;
  side reference, rounded, unfused, plan;
  int32_t *tokens, *routes;
  float *ids;      // of one layer's routes, as they are read
  distance *noise; // of the reference's values, [n_values]; NULL: no activations are quantised
  size_t n, n_run; // tokens to verify; that references run, which are more where few would not tell the noise
} trio;

// ---- two sides ----

static void close_side(side *s) {
  infuse_session_destroy(s->session);
  infuse_model_destroy(s->model);
  *s = (side){0};
}

static bool compares(const nf_graph *g, const nf_value *v) {
  return v->kind == NF_VALUE_RESULT && v->type.cache == NF_NO_CACHE && nf_is_float(v->type.dtype) &&
         g->node[v->node].op != NF_OP_reshape; // which has what its operand has
}

static nf_status read_row(const side *s, nf_val v, int64_t r, float *out) {
  return nf_plan_read(s->model->plan, s->model->rank[0].device, v, r, 1, out);
}

// The square of a difference beside that of what rows are like. A value of zeros must be zeros.
static double relative(double difference, double typical) {
  const double error = typical > 0 ? sqrt(difference / typical) : difference;
  return isfinite(error) ? error : 1e300;
}

// Of the rows that both have, measured by what rows of b are like, also those that a does not have: what is
// nearly nothing for one token has a size all the same.
static nf_status sum_rows(const side *a, nf_val x, const side *b, nf_val y, float *row, distance *out) {
  const nf_tensor got = nf_plan_tensor(a->model->plan, x), want = nf_plan_tensor(b->model->plan, y);
  const int64_t cols = nf_tensor_cols(&want), rows = nf_tensor_rows(&want),
                both = nf_min(nf_tensor_rows(&got), rows);
  nf_difference sum = {0};
  double most = 0;
  for (int64_t r = 0; r < rows; r++) {
    const double before = sum.difference;
    NF_TRY(read_row(b, y, r, row + cols));
    NF_TRY(read_row(r < both ? a : b, r < both ? x : y, r, row));
    nf_difference_add(&sum, row, row + cols, cols);
    most = fmax(most, sum.difference - before);
  }
  const double typical = sum.norm / (double)rows;
  *out = (distance){relative(sum.difference / (double)both, typical), relative(most, typical)};
  return nf_ok();
}

// How far the value called `name` is from that of b. 0 when one of them does not have it.
static nf_status apart(const side *a, const side *b, const char *name, distance *out) {
  const nf_val x = nf_graph_find(a->model->graph, name), y = nf_graph_find(b->model->graph, name);
  float *row;
  *out = (distance){0};
  if (x == 0 || y == 0) return nf_ok();
  const nf_tensor want = nf_plan_tensor(b->model->plan, y);
  NF_TRY(nf_make(&row, 2 * (size_t)nf_tensor_cols(&want), sizeof *row, "a value's rows"));
  const nf_status st = sum_rows(a, x, b, y, row, out);
  nf_free(row);
  return st;
}

// ---- running ----

static infuse_model_options options_of(const infuse_model_options *mo, size_t n, bool forced, bool fused) {
  infuse_model_options o = *mo;
  o.size = sizeof o;
  o.context = o.batch = o.rows = (int64_t)n;
  o.sessions = 1;
  o.forced_experts = forced;
  if (!fused) o.fuse = "off", o.fuse_order = NULL, o.n_fuse_order = 0;
  return o;
}

// The first n tokens, with the experts of each where they are forced.
static nf_status append(const trio *p, infuse_session *s, size_t n) {
  const nf_config *c = &p->reference.model->config;
  const size_t k = (size_t)c->experts_per_token;
  if (!s->model->options.forced_experts) return (nf_status){infuse_session_append(s, p->tokens, n)};
  int32_t *routes;
  NF_TRY(nf_make(&routes, (size_t)c->layers * n * k, sizeof *routes, "the experts of tokens"));
  for (size_t l = 0; l < (size_t)c->layers; l++)
    memcpy(routes + l * n * k, p->routes + l * p->n_run * k, n * k * sizeof *routes);
  const nf_status st = {infuse_session_append_routed(s, p->tokens, n, routes)};
  nf_free(routes);
  return st;
}

// A step of the first n tokens.
static nf_status run(const trio *p, size_t n, side *out) {
  const infuse_session_options so = {.size = sizeof so, .rows = INFUSE_ALL_ROWS};
  infuse_session_destroy(out->session);
  out->session = NULL;
  NF_TRY((nf_status){infuse_session_create(out->model, &so, &out->session)});
  NF_TRY(append(p, out->session, n));
  return nf_step_alone(out->session);
}

// The experts that the reference chose, [layers][n][k].
static nf_status read_routes(trio *p) {
  const nf_config *c = &p->reference.model->config;
  const size_t layer = p->n_run * (size_t)c->experts_per_token;
  NF_TRY(nf_make(&p->routes, (size_t)c->layers * layer, sizeof *p->routes, "the experts of tokens"));
  NF_TRY(nf_make(&p->ids, layer, sizeof *p->ids, "the experts of tokens"));
  for (int64_t l = 0; l < c->layers; l++) {
    char name[40];
    snprintf(name, sizeof name, "L%ld.moe.choice.ids", (long)l);
    const nf_val v = nf_graph_find(p->reference.model->graph, name);
    if (v == 0) continue; // a layer without experts
    const infuse_model *m = p->reference.model;
    NF_TRY(nf_plan_read(m->plan, m->rank[0].device, v, 0, (int64_t)p->n_run, p->ids));
    for (size_t i = 0; i < layer; i++) p->routes[(size_t)l * layer + i] = (int32_t)p->ids[i];
  }
  return nf_ok();
}

static bool is_quantised(const nf_graph *g) {
  for (size_t i = 0; i < g->n_nodes; i++)
    if (g->node[i].op == NF_OP_quantise) return true;
  return false;
}

static nf_status make_tokens(trio *p, const infuse_verify_options *o) {
  NF_TRY(nf_make(&p->tokens, p->n_run, sizeof *p->tokens, "the tokens to verify"));
  for (size_t i = 0; i < p->n_run; i++) {
    const float at = nf_uniform(o->seed, i) * (float)p->reference.model->config.vocab;
    p->tokens[i] = o->tokens != NULL && i < p->n ? o->tokens[i] : (int32_t)at;
  }
  return nf_ok();
}

static nf_status create_reference(const infuse_runtime *rt, nf_dtype activation, infuse_runtime **out) {
  const infuse_runtime_options ro = {.size = sizeof ro,
                                     .device = "ref",
                                     .threads = nf_threads_count(rt->threads),
                                     .progress = rt->options.progress,
                                     .user = rt->options.user};
  NF_TRY((nf_status){infuse_runtime_create(&ro, out)});
  (*out)->activation = activation;
  return nf_ok();
}

static nf_status run_reference(trio *p, const infuse_runtime *rt, const char *dir,
                               const infuse_model_options *mo, const infuse_verify_options *o) {
  p->n = o->tokens != NULL ? o->n_tokens : DRAWN_TOKENS;
  if (p->n == 0 || p->n > MAX_TOKENS)
    return nf_error(NF_USAGE, "%zu tokens to verify; give 1 to %d", p->n, MAX_TOKENS);
  const size_t most = p->n > DRAWN_TOKENS ? p->n : DRAWN_TOKENS;
  const infuse_model_options plain = options_of(mo, most, false, false);
  NF_TRY(create_reference(rt, NF_F32, &p->reference_runtime));
  NF_TRY(nf_model_load(p->reference_runtime, dir, &plain, true, &p->reference.model));
  p->n_run = is_quantised(p->reference.model->graph) ? most : p->n;
  NF_TRY(make_tokens(p, o));
  NF_TRY(run(p, p->n_run, &p->reference));
  return p->reference.model->config.experts != 0 ? read_routes(p) : nf_ok();
}

// The noise of each value, by a run whose memory is given back behind it.
static nf_status measure_noise(trio *p, const infuse_runtime *rt, const char *dir,
                               const infuse_model_options *mo) {
  const nf_graph *g = p->reference.model->graph;
  if (!is_quantised(g)) return nf_ok();
  const infuse_model_options plain = options_of(mo, p->n_run, p->routes != NULL, false);
  NF_TRY(create_reference(rt, rt->activation, &p->rounded_runtime));
  NF_TRY(nf_model_load(p->rounded_runtime, dir, &plain, true, &p->rounded.model));
  NF_TRY(run(p, p->n_run, &p->rounded));
  NF_TRY(nf_make(&p->noise, g->n_values, sizeof *p->noise, "errors of values"));
  for (nf_val v = 1; v < g->n_values; v++)
    if (compares(g, &g->value[v])) NF_TRY(apart(&p->rounded, &p->reference, g->value[v].name, &p->noise[v]));
  close_side(&p->rounded);
  return nf_ok();
}

// All but the plans.
static nf_status run_others(trio *p, infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                            const infuse_verify_options *o) {
  NF_TRY(run_reference(p, rt, dir, mo, o));
  NF_TRY(measure_noise(p, rt, dir, mo));
  const bool experts = p->routes != NULL;
  const infuse_model_options fused = options_of(mo, p->n, experts, true),
                             plain = options_of(mo, p->n, experts, false);
  NF_TRY(nf_model_load(rt, dir, &plain, true, &p->unfused.model));
  NF_TRY(run(p, p->n, &p->unfused));
  return nf_model_load(rt, dir, &fused, true, &p->plan.model);
}

static void release(trio *p) {
  side *const all[] = {&p->plan, &p->unfused, &p->rounded, &p->reference};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) close_side(all[i]);
  infuse_runtime_destroy(p->rounded_runtime);
  infuse_runtime_destroy(p->reference_runtime);
  nf_free(p->tokens);
  nf_free(p->routes);
  nf_free(p->ids);
  nf_free(p->noise);
}

// ---- judging ----

// Of fewer tokens than the noise was measured of, each may be the worst.
static double bound_of(const trio *p, const char *name, size_t tokens) {
  const infuse_model *m = p->reference.model;
  const nf_val v = nf_graph_find(m->graph, name);
  const double most = v == m->logits_value ? most_of_logits : most_of_values;
  if (p->noise == NULL) return most;
  const double noise = tokens == p->n_run ? p->noise[v].whole : p->noise[v].worst;
  return fmin(fmax(most, most_of_noise * noise), most_of_all);
}

// One row for a value that all three compute; *failed when its error exceeds the bound.
static nf_status compare_value(const trio *p, size_t tokens, const char *name, const char *op, json_t *rows,
                               bool *failed) {
  distance error, unfused, between;
  NF_TRY(apart(&p->plan, &p->reference, name, &error));
  NF_TRY(apart(&p->unfused, &p->reference, name, &unfused));
  NF_TRY(apart(&p->plan, &p->unfused, name, &between));
  const double bound = bound_of(p, name, tokens);
  *failed |= error.whole > bound;
  if (nf_json_push(rows,
                   json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:b}", "name", name, "op", op, "tokens",
                             (json_int_t)tokens, "error", error.whole, "unfused", unfused.whole, "between",
                             between.whole, "bound", bound, "ok", error.whole <= bound)))
    return nf_ok();
  return nf_error(NF_NO_MEMORY, "no memory to compare values");
}

static nf_status compare(const trio *p, size_t tokens, json_t *rows, bool *failed) {
  const nf_graph *g = p->plan.model->graph;
  for (nf_val v = 1; v < g->n_values; v++) {
    const nf_value *value = &g->value[v];
    if (!compares(g, value) || nf_graph_find(p->reference.model->graph, value->name) == 0 ||
        nf_graph_find(p->unfused.model->graph, value->name) == 0)
      continue;
    NF_TRY(compare_value(p, tokens, value->name, nf_op_of(g->node[value->node].op)->name, rows, failed));
  }
  return nf_ok();
}

// Each plan in the largest step that is its own; of a text's beginning values are those of the whole.
static nf_status compare_plans(trio *p, json_t *plans, json_t *rows, bool *failed) {
  const nf_compiled *c = &p->plan.model->compiled;
  for (size_t i = 0; i < c->n; i++) {
    const nf_planned *r = &c->range[i];
    if (!nf_json_push(plans, json_pack("{s:I, s:I}", "tokens", (json_int_t)r->hi, "kernels",
                                       (json_int_t)r->report->nodes_after)))
      return nf_error(NF_NO_MEMORY, "no memory to compare values");
    NF_TRY(run(p, (size_t)r->hi, &p->plan));
    NF_TRY(compare(p, (size_t)r->hi, rows, failed));
  }
  return nf_ok();
}

static nf_status verify(trio *p, const infuse_runtime *rt, infuse_sink sink, void *user) {
  bool failed = false;
  json_t *plans = json_array(), *rows = json_array();
  const nf_status st = compare_plans(p, plans, rows, &failed);
  if (!nf_is_ok(st)) return json_decref(plans), json_decref(rows), st;
  const nf_fuse_report *r = p->plan.model->compiled.range[p->plan.model->range].report;
  json_t *doc =
      json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "schema", "infuse.verify/1", "device",
                rt->options.device, "tokens", (json_int_t)p->n, "world",
                (json_int_t)p->plan.model->options.world, "kernels", (json_int_t)r->nodes_after,
                "unfused_kernels", (json_int_t)p->unfused.model->compiled.range[0].report->nodes_after, "ok",
                !failed, "plans", plans, "rows", rows);
  NF_TRY(nf_document_deliver(nf_document_judge(doc), sink, user));
  return failed ? nf_error(NF_CHECK_FAILED, "the plan of device %s differs from the reference",
                           rt->options.device)
                : nf_ok();
}

infuse_error *infuse_verify(infuse_runtime *rt, const char *dir, const infuse_model_options *mo,
                            const infuse_verify_options *o, infuse_sink sink, void *user) {
  infuse_model_options model_options = {0};
  infuse_verify_options options = {0};
  trio p = {0};
  nf_status st;
  NF_GOTO(NF_GIVEN({"runtime", rt != NULL}, {"folder", dir != NULL}, {"sink", sink != NULL}));
  NF_GOTO(NF_OPTIONS(infuse_model_options, n_force, &model_options, mo));
  NF_GOTO(NF_OPTIONS(infuse_verify_options, seed, &options, o));
  NF_GOTO(nf_runtime_check_runs(rt));
  if (!nf_device_computes(rt->device))
    NF_GOTO(nf_error(NF_USAGE, "device %s computes nothing to verify", nf_device_name(rt->device)));
  NF_GOTO(run_others(&p, rt, dir, &model_options, &options));
  NF_GOTO(verify(&p, rt, sink, user));
fail:
  release(&p);
  return st.error;
}

// SPDX-License-Identifier: Apache-2.0
#include "compile/compile.h"
#include "base/checked.h"
#include "base/json.h"
#include "compile/legalise.h"
#include "plan/state.h"
#include <string.h>

// What is asked of selection: kernels that take the whole range.
static nf_select_options select_of(const nf_compile_options *o) {
  nf_select_options s = o->plan.select;
  s.least = o->least;
  s.most = o->plan.max;
  return s;
}

static bool cost_of(void *user, const nf_op_desc *d, const nf_sizes *at, double *us, nf_text *why) {
  const nf_compile_options *o = user;
  const nf_select_options s = select_of(o);
  return nf_select_cost(&o->plan.hw, &s, d, at, us, why);
}

static nf_status fuse(const nf_graph *g, const nf_compile_options *o, nf_compiled *c) {
  nf_rules *rules;
  NF_TRY(nf_rules_create(&rules));
  const nf_fuse_options f = {.mode = o->mode,
                             .order = o->order,
                             .n_order = o->n_order,
                             .filter = o->rules,
                             .at = o->at,
                             .costs = {cost_of, (void *)o}};
  const nf_status st = nf_fuse(rules, g, &f, &c->graph, &c->report);
  nf_rules_destroy(rules);
  return st;
}

static nf_status choose(const nf_graph *g, const nf_compile_options *o, nf_compiled *c) {
  const nf_select_options select = select_of(o);
  nf_graph *laid_out;
  NF_TRY(nf_legalise(g, &o->plan.hw, &select, &laid_out));
  const nf_status st = fuse(laid_out, o, c);
  nf_graph_destroy(laid_out);
  return st;
}

nf_status nf_compiled_plan(const nf_compiled *c, const nf_compile_options *o, int rank, nf_plan **out) {
  nf_plan_options p = o->plan;
  p.select = select_of(o);
  p.at = o->at;
  p.rank = rank;
  return nf_plan_create(c->graph, &p, out);
}

nf_status nf_compile(const nf_graph *g, const nf_compile_options *o, nf_compiled *out) {
  nf_compiled c = {0};
  nf_status st = choose(g, o, &c);
  if (nf_is_ok(st)) st = nf_compiled_plan(&c, o, o->plan.rank, &c.plan);
  if (nf_is_ok(st))
    *out = c;
  else
    nf_compiled_deinit(&c);
  return st;
}

// ---- explaining ----

static json_t *explain_unfused(const nf_graph *g, const nf_compile_options *o) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    const nf_op_desc d = nf_graph_describe(g, n);
    const bool view = nf_op_of(n->op)->flags & NF_OP_VIEW;
    double us = 0;
    if (!view) cost_of((void *)o, &d, &o->at, &us, NULL);
    json_t *row = json_pack(
        "{s:s, s:s, s:b, s:o, s:o, s:f, s:f}", "name", g->value[n->out[0]].name, "op", nf_op_of(n->op)->name,
        "view", view, "operands", nf_explain_names(g, n->in, NF_MAX_IN), "results",
        nf_explain_names(g, n->out, NF_MAX_OUT), "us", us, "bytes", nf_cost_bytes(&d, &o->at));
    ok = nf_json_push(list, row);
  }
  return nf_json_whole(list, ok);
}

static json_t *explain_range(const nf_compile_options *o) {
  return json_pack("{s:I, s:I, s:I}", "lo", (json_int_t)o->least.of[NF_T], "hi",
                   (json_int_t)o->plan.max.of[NF_T], "at", (json_int_t)o->at.of[NF_T]);
}

nf_status nf_compiled_explain(const nf_compiled *c, const nf_compile_options *o, json_t **out) {
  const nf_graph *normal = c->report->normal != NULL ? c->report->normal : c->graph;
  json_t *plan = NULL, *fusion = NULL;
  nf_status st = nf_plan_explain(c->plan, &plan);
  if (nf_is_ok(st)) st = nf_fuse_report_json(c->report, &fusion);
  json_t *doc = nf_is_ok(st) ? json_pack("{s:o, s:o, s:o, s:o}", "range", explain_range(o), "plan", plan,
                                         "fusion", fusion, "unfused", explain_unfused(normal, o))
                             : NULL;
  if (!nf_is_ok(st)) json_decref(plan);
  if (nf_is_ok(st) && doc == NULL) st = nf_error(NF_NO_MEMORY, "no memory to explain the plan");
  if (nf_is_ok(st)) *out = doc;
  return st;
}

void nf_compiled_deinit(nf_compiled *c) {
  nf_plan_destroy(c->plan);
  nf_fuse_report_destroy(c->report);
  nf_graph_destroy(c->graph);
  *c = (nf_compiled){0};
}

// ---- ranges ----

typedef struct search {
  const nf_graph *g;
  const nf_compile_options *o;
  nf_token_range *range;
  size_t n;
} search;

// What is chosen for steps of exactly t tokens, as text.
static nf_status choice_at(const search *s, int64_t t, nf_text *out) {
  nf_compile_options o = *s->o;
  nf_compiled c = {0};
  const nf_sizes *max = &s->o->plan.max;
  o.at = nf_sizes_of(t, nf_min(t, max->of[NF_S]), nf_min(t, max->of[NF_R]));
  o.least = o.plan.max = o.at;
  nf_status st = choose(s->g, &o, &c);
  for (size_t i = 0; nf_is_ok(st) && i < c.report->n_fusions; i++)
    if (c.report->fusion[i].verdict == NF_FUSION_CHOSEN)
      nf_text_printf(out, "%s %s\n", c.report->fusion[i].rule, c.report->fusion[i].at);
  nf_compiled_deinit(&c);
  return nf_status_join(st, nf_text_status(out));
}

static bool same(const nf_text *a, const nf_text *b) {
  return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n) == 0);
}

// The largest power of two above lo and below hi that halves what lies between; hi itself where there is
// none.
static int64_t middle(int64_t lo, int64_t hi) {
  int64_t powers[64], n = 0;
  for (int64_t p = 1; p < hi; p *= 2)
    if (p > lo) powers[n++] = p;
  return n ? powers[n / 2] : hi;
}

static void add_range(search *s, int64_t lo, int64_t hi) {
  if (s->n < NF_MAX_RANGES)
    s->range[s->n++] = (nf_token_range){lo, hi};
  else
    s->range[s->n - 1].hi = hi;
}

// Ranges from lo, whose choice is at_lo, up to hi; they end where the next choice was seen first.
static nf_status split(search *s, int64_t lo, const nf_text *at_lo, int64_t hi, const nf_text *at_hi) {
  const int64_t mid = middle(lo, hi);
  if (same(at_lo, at_hi)) return nf_ok();
  if (mid == hi) {
    add_range(s, s->n ? s->range[s->n - 1].hi + 1 : 1, hi - 1);
    return nf_ok();
  }
  nf_text at_mid = {0};
  nf_status st = choice_at(s, mid, &at_mid);
  if (nf_is_ok(st)) st = split(s, lo, at_lo, mid, &at_mid);
  if (nf_is_ok(st)) st = split(s, mid, &at_mid, hi, at_hi);
  nf_text_deinit(&at_mid);
  return st;
}

nf_status nf_compile_ranges(const nf_graph *g, const nf_compile_options *o, nf_token_range *out,
                            size_t *out_n) {
  search s = {g, o, out, 0};
  const int64_t lo = nf_max(1, o->least.of[NF_T]), hi = o->plan.max.of[NF_T];
  nf_text at_lo = {0}, at_hi = {0};
  nf_status st = lo < hi ? choice_at(&s, lo, &at_lo) : nf_ok(); // one size has one choice
  if (nf_is_ok(st) && lo < hi) st = choice_at(&s, hi, &at_hi);
  if (nf_is_ok(st)) st = split(&s, lo, &at_lo, hi, &at_hi);
  add_range(&s, s.n ? out[s.n - 1].hi + 1 : lo, hi);
  nf_text_deinit(&at_lo);
  nf_text_deinit(&at_hi);
  *out_n = s.n;
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// What was compiled, as JSON: the main range in full, of all of them what differs. docs/explain.md.
#include "base/json.h"
#include "compile/compile.h"
#include "plan/state.h"

static json_t *explain_unfused(const nf_graph *g, const nf_planned *p) {
  const nf_sizes *at = &p->options.select.at;
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    const nf_op_desc d = nf_graph_describe(g, n);
    const bool view = nf_op_of(n->op)->flags & NF_OP_VIEW;
    nf_op_cost cost = {0};
    if (!view) nf_select_cost(&p->options.hw, &p->options.select, &d, at, &cost, NULL);
    ok &= nf_json_push(list, json_pack("{s:s, s:s, s:b, s:o, s:o, s:f, s:f}", "name",
                                       g->value[n->out[0]].name, "op", nf_op_of(n->op)->name, "view", view,
                                       "operands", nf_explain_names(g, n->in, NF_MAX_IN), "results",
                                       nf_explain_names(g, n->out, NF_MAX_OUT), "us", cost.us, "bytes",
                                       view ? 0 : nf_work_of(&d, at, 1).bytes));
  }
  return nf_json_whole(list, ok);
}

static json_t *explain_range(const nf_planned *p) {
  return json_pack("{s:I, s:I, s:I}", "lo", (json_int_t)p->lo, "hi", (json_int_t)p->hi, "at",
                   (json_int_t)p->options.select.at.of[NF_T]);
}

static json_t *explain_ranges(const nf_compiled *c) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < c->n; i++)
    ok &= nf_json_push(list, json_pack("[I, I]", (json_int_t)c->range[i].lo, (json_int_t)c->range[i].hi));
  return nf_json_whole(list, ok);
}

static json_t *explain_fusions(const nf_fuse_report *r) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < r->n_fusions; i++) {
    const nf_fusion *f = &r->fusion[i];
    if (f->verdict == NF_FUSION_CHOSEN)
      ok &= nf_json_push(list, json_pack("{s:s, s:s}", "rule", f->rule, "at", f->at));
  }
  return nf_json_whole(list, ok);
}

static json_t *explain_plans(const nf_compiled *c) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < c->n; i++) {
    const nf_planned *p = &c->range[i];
    json_t *row = nf_plan_explain_kernels(p->plan);
    ok &= nf_json_put(row, "range", explain_range(p));
    ok &= nf_json_put(row, "fusions", explain_fusions(p->report));
    ok &= nf_json_push(list, row);
  }
  return nf_json_whole(list, ok);
}

nf_status nf_compiled_explain(const nf_compiled *c, json_t **out) {
  const nf_planned *main = &c->range[c->main];
  const nf_graph *normal = main->report->normal != NULL ? main->report->normal : main->graph;
  json_t *fusion;
  NF_TRY(nf_fuse_report_json(main->report, &fusion));
  *out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "plan", nf_plan_explain(main->plan), "fusion", fusion,
                   "range", explain_range(main), "ranges", explain_ranges(c), "plans", explain_plans(c),
                   "unfused", explain_unfused(normal, main));
  return *out != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to explain the plan");
}

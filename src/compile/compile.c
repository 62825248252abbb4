// SPDX-License-Identifier: Apache-2.0
#include "base/checked.h"
#include "compile/internal.h"

// ---- once ----

static nf_status find_fusions(nf_compiled *c, const nf_graph *g, const nf_compile_options *o) {
  nf_select_options whole = o->plan.select; // one layout for all steps
  nf_graph *laid_out;
  const nf_fuse_options f = {.mode = o->mode, .order = o->order, .n_order = o->n_order, .filter = o->rules};
  whole.least = o->least, whole.most = o->plan.max;
  if (o->known_rules == NULL) NF_TRY(nf_rules_create(&c->rules));
  NF_TRY(nf_legalise(g, &o->plan.hw, &whole, &laid_out));
  const nf_status st =
      nf_fuse_find(o->known_rules != NULL ? o->known_rules : c->rules, laid_out, &f, &c->fusions);
  nf_graph_destroy(laid_out);
  return st;
}

// ---- for each range ----

static nf_status choose(nf_compiled *c, nf_planned *p) {
  const nf_fuse_costs costs = nf_range_costs(p);
  NF_TRY(nf_fuse_choose(c->fusions, &p->options.select.at, &costs, NULL));
  return nf_fuse_build(c->fusions, &p->graph, &p->report);
}

static void drop_range(nf_planned *p) {
  nf_plan_destroy(p->plan);
  nf_fuse_report_destroy(p->report);
  nf_graph_destroy(p->graph);
  *p = (nf_planned){0};
}

// A session decodes hundreds of tokens one by one for a prompt that takes few steps: of what is asked for
// most so many steps are counted for one of other sizes.
enum { MAIN_WEIGHT = 8 };

static nf_status lay_out(nf_compiled *c, bool *shared) {
  nf_layout_user *user = nf_alloc(c->n, sizeof *user);
  if (user == NULL) return nf_error(NF_NO_MEMORY, "no memory for plans");
  for (size_t i = 0; i < c->n; i++)
    user[i] =
        (nf_layout_user){c->range[i].graph, &c->range[i].options.select, i == c->main ? MAIN_WEIGHT : 1};
  const nf_status st = nf_layout_create(&c->range[0].options.hw, user, c->n, &c->layout, shared);
  nf_free(user);
  return st;
}

static nf_status plan_range(nf_compiled *c, nf_planned *p) {
  nf_plan_destroy(p->plan);
  p->plan = NULL;
  p->options.layout = &c->layout;
  return nf_plan_create(p->graph, &p->options, &p->plan);
}

// Range i takes in the one behind it, which has the same plan; the main one's costs stay.
static nf_status join(nf_compiled *c, const nf_compile_options *o, size_t i) {
  nf_planned *p = &c->range[i];
  if (c->main == i + 1) {
    const nf_planned kept = p[1];
    p[1] = p[0], p[0] = kept;
    p[0].lo = p[1].lo;
  } else {
    p[0].hi = p[1].hi;
  }
  drop_range(&p[1]);
  c->n--;
  c->main -= c->main > i;
  for (size_t k = i + 1; k < c->n; k++) c->range[k] = c->range[k + 1];
  nf_range_set_sizes(o, p);
  return plan_range(c, p);
}

static nf_status plan_ranges(nf_compiled *c, const nf_compile_options *o) {
  for (size_t i = 0; i < c->n; i++) NF_TRY(plan_range(c, &c->range[i]));
  for (size_t i = 0; i + 1 < c->n;)
    if (nf_plan_equal(c->range[i].plan, c->range[i + 1].plan))
      NF_TRY(join(c, o, i));
    else
      i++;
  for (size_t i = 0; i < c->n; i++) {
    const size_t bytes = nf_plan_arena_bytes(c->range[i].plan);
    if (bytes > c->arena_bytes) c->arena_bytes = bytes;
  }
  return nf_ok();
}

// Graphs that join weights in ways that no storage serves: then one graph is for all steps.
static nf_status take_one(nf_compiled *c, const nf_compile_options *o) {
  bool shared;
  for (size_t i = 0; i < c->n; i++) drop_range(&c->range[i]);
  c->n = 1;
  c->range[0] = (nf_planned){.lo = o->least.of[NF_T], .hi = o->plan.max.of[NF_T]};
  c->main = 0;
  nf_range_set_sizes(o, &c->range[0]);
  NF_TRY(choose(c, &c->range[0]));
  NF_TRY(lay_out(c, &shared));
  return shared ? nf_ok() : nf_error(NF_BAD_INPUT, "the graph joins one weight in two ways");
}

static nf_status compile(nf_compiled *c, const nf_graph *g, const nf_compile_options *o) {
  bool shared;
  NF_TRY(find_fusions(c, g, o));
  NF_TRY(nf_ranges_find(c->fusions, o, &c->range, &c->n));
  c->main = nf_compiled_for(c, o->at.of[NF_T]);
  for (size_t i = 0; i < c->n; i++) NF_TRY(choose(c, &c->range[i]));
  NF_TRY(lay_out(c, &shared));
  if (!shared) NF_TRY(take_one(c, o));
  return plan_ranges(c, o);
}

nf_status nf_compile(const nf_graph *g, const nf_compile_options *o, nf_compiled *out) {
  *out = (nf_compiled){0};
  const nf_status st = compile(out, g, o); // plans point to the layout: it stays where it is
  if (!nf_is_ok(st)) nf_compiled_deinit(out);
  return st;
}

void nf_compiled_deinit(nf_compiled *c) {
  for (size_t i = 0; i < c->n; i++) drop_range(&c->range[i]);
  nf_free(c->range);
  nf_layout_deinit(&c->layout);
  nf_fusions_destroy(c->fusions);
  nf_rules_destroy(c->rules);
  *c = (nf_compiled){0};
}

size_t nf_compiled_for(const nf_compiled *c, int64_t tokens) {
  size_t i = 0;
  while (i + 1 < c->n && tokens > c->range[i].hi) i++;
  return i;
}

nf_status nf_compiled_plan(const nf_compiled *c, size_t i, int rank, nf_plan **out) {
  nf_plan_options p = c->range[i].options;
  p.rank = rank;
  return nf_plan_create(c->range[i].graph, &p, out);
}

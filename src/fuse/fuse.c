// SPDX-License-Identifier: Apache-2.0
// The whole way: canonical form and normalising, then the choice, then the graph with what was chosen.
#include "fuse/choice.h"
#include <stdlib.h>
#include <string.h>

// ---- applying ----

static nf_status apply(nf_fuse_run *run, nf_node_id *first_new) {
  for (size_t i = 0; i < run->n_found; i++) {
    const nf_candidate_fusion *c = &run->found[i];
    nf_node_id node[NF_MAX_PATTERN_NODES];
    first_new[i] = (nf_node_id)run->edit.n_nodes;
    if (c->fusion.verdict != NF_FUSION_CHOSEN) continue;
    const nf_splice s = nf_replacement_splice(&c->match, &c->to, node);
    NF_TRY(nf_edit_splice(&run->edit, &s));
  }
  first_new[run->n_found] = (nf_node_id)run->edit.n_nodes;
  if (run->options->mode != NF_FUSE_OFF) nf_canonicalise(&run->edit);
  return nf_ok();
}

// Of the chosen fusions in the cycle the one that saves least is given up.
static void give_up(nf_fuse_run *run, const nf_node_id *first_new, const bool *in_cycle) {
  nf_fusion *worst = NULL;
  for (size_t i = 0; i < run->n_found; i++) {
    nf_fusion *f = &run->found[i].fusion;
    bool in = false;
    for (nf_node_id id = first_new[i]; id < first_new[i + 1]; id++) in |= in_cycle[id];
    if (in && (!worst || nf_fusion_gain(f) <= nf_fusion_gain(worst))) worst = f;
  }
  if (!worst) return;
  worst->verdict = NF_FUSION_REFUSED;
  worst->why = "with the others it would close a cycle";
}

// One try; *out NULL when a fusion had to be given up.
static nf_status build(nf_fuse_run *run, nf_graph **out) {
  nf_arena a = {0};
  size_t most = run->edit.n_nodes;
  for (size_t i = 0; i < run->n_found; i++)
    most += run->found[i].to.graph ? run->found[i].to.graph->n_nodes : 0;
  nf_node_id *first_new = nf_arena_alloc(&a, run->n_found + 1, sizeof *first_new);
  bool *in_cycle = nf_arena_alloc(&a, most, sizeof *in_cycle);
  nf_status st = first_new && in_cycle ? apply(run, first_new) : nf_fuse_no_memory();
  if (nf_is_ok(st)) st = nf_edit_finish(&run->edit, out, in_cycle);
  if (nf_is_ok(st) && !*out) give_up(run, first_new, in_cycle);
  nf_arena_deinit(&a);
  return st;
}

// ---- the report ----

static size_t count_nodes(const nf_graph *g) {
  size_t n = 0;
  for (size_t i = 0; i < g->n_nodes; i++) n += !(nf_op_of(g->node[i].op)->flags & NF_OP_VIEW);
  return n;
}

static int by_family(const void *a, const void *b) {
  const nf_fuse_family *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static nf_fuse_family *family_of(nf_fuse_report *r, const char *name) {
  for (size_t i = 0; i < r->n_families; i++)
    if (strcmp(r->family[i].name, name) == 0) return &r->family[i];
  r->family[r->n_families].name = name;
  return &r->family[r->n_families++];
}

static nf_status count(nf_fuse_run *run) {
  nf_fuse_report *r = run->report;
  r->family = nf_arena_alloc(&r->arena, run->rules->n, sizeof *r->family);
  if (!r->family) return nf_fuse_no_memory();
  for (size_t i = 0; i < run->normal->n_nodes; i++) r->sums += run->normal->node[i].op == NF_OP_all_reduce;
  for (size_t i = 0; i < run->rules->n; i++)
    if (!run->rules->pattern[i].rule->normalise) family_of(r, run->rules->pattern[i].rule->family);
  for (size_t i = 0; i < run->n_found; i++) {
    const nf_fusion *f = &run->found[i].fusion;
    nf_fuse_family *family = family_of(r, f->family);
    family->found++;
    if (f->verdict != NF_FUSION_CHOSEN) continue;
    family->chosen++;
    family->saved_us += nf_fusion_gain(f);
    r->after_us -= nf_fusion_gain(f);
    r->sums_fused += (size_t)f->sums;
    r->sums_padded += f->pads ? (size_t)f->sums : 0;
  }
  qsort(r->family, r->n_families, sizeof *r->family, by_family);
  return nf_ok();
}

static nf_status tell(nf_fuse_run *run) {
  nf_fuse_report *r = run->report;
  NF_TRY(nf_explain_losers(run));
  r->fusion = nf_arena_alloc(&r->arena, run->n_found, sizeof *r->fusion);
  if (!r->fusion) return nf_fuse_no_memory();
  for (size_t i = 0; i < run->n_found; i++) r->fusion[i] = run->found[i].fusion;
  r->n_fusions = run->n_found;
  return count(run);
}

// ---- finding ----

static nf_status normalise(nf_fuse_run *run, const nf_graph *g) {
  NF_TRY(nf_edit_init(&run->edit, g));
  if (run->options->mode != NF_FUSE_OFF) NF_TRY(nf_normalise(run, 0));
  NF_TRY(nf_edit_finish(&run->edit, &run->normal, NULL));
  nf_edit_deinit(&run->edit);
  return run->normal ? nf_ok()
                     : nf_error(NF_INTERNAL, "graph %s: a normalising rewrite has closed a cycle", g->name);
}

static nf_status find(nf_fuse_run *run, const nf_graph *g) {
  NF_TRY(normalise(run, g));
  run->base->graph = run->normal->name;
  run->base->nodes_before = count_nodes(run->normal);
  if (run->options->mode == NF_FUSE_OFF) return nf_list_prices(run);
  run->base->normal = run->normal;
  NF_TRY(nf_edit_init(&run->edit, run->normal));
  NF_TRY(nf_find_fusions(run));
  nf_edit_deinit(&run->edit);
  NF_TRY(nf_find_sites(run));
  return nf_list_prices(run);
}

nf_status nf_fuse_find(const nf_rules *r, const nf_graph *g, const nf_fuse_options *o, nf_fusions **out) {
  NF_TRY(nf_fuse_check_options(r, o));
  nf_fuse_run *run = nf_alloc(1, sizeof *run);
  if (!run) return nf_fuse_no_memory();
  *run = (nf_fuse_run){.rules = r, .own = *o, .options = &run->own, .first.mode = o->mode};
  run->base = run->report = &run->first;
  const nf_status st = find(run, g);
  if (nf_is_ok(st)) return *out = run, nf_ok();
  nf_fusions_destroy(run);
  return nf_status_note(st, "fusing");
}

const nf_graph *nf_fusions_normal(const nf_fusions *f) { return f->normal; }

void nf_fusions_destroy(nf_fusions *f) {
  if (!f) return;
  if (f->report != f->base) nf_fuse_report_destroy(f->report);
  for (size_t i = 0; i < f->n_found; i++) nf_replacement_deinit(&f->found[i].to);
  nf_free(f->found);
  nf_edit_deinit(&f->edit);
  nf_prices_deinit(&f->prices);
  nf_graph_destroy(f->normal);
  nf_free(f->first.near);
  nf_free(f->first.normalised);
  nf_arena_deinit(&f->first.arena);
  nf_free(f);
}

// ---- choosing ----

// A report with what all have in common.
static nf_status begin_report(nf_fuse_run *run) {
  if (run->report != run->base) nf_fuse_report_destroy(run->report);
  run->report = run->base;
  nf_fuse_report *r = nf_alloc(1, sizeof *r);
  if (!r) return nf_fuse_no_memory();
  *r = *run->base;
  r->arena = (nf_arena){0};
  r->site = NULL;
  r->n_sites = 0;
  run->report = r;
  return nf_ok();
}

static nf_status choose(nf_fuse_run *run, nf_fuse_choice *out) {
  nf_fuse_report *r = run->report;
  if (out) out->n = 0;
  if (run->options->mode == NF_FUSE_OFF) {
    if (!out || !run->options->costs.of) return nf_ok();
    NF_TRY(nf_price_fusions(run));
    return nf_note_choice(run, out);
  }
  NF_TRY(nf_price_fusions(run));
  for (nf_node_id i = 0; i < run->normal->n_nodes; i++)
    if (run->node_price[i]->legal) r->before_us += run->node_price[i]->cost.us;
  r->after_us = r->before_us;
  NF_TRY(nf_choose_fusions(run));
  return out ? nf_note_choice(run, out) : nf_ok();
}

nf_status nf_fuse_choose(nf_fusions *f, const nf_sizes *at, const nf_fuse_costs *costs, nf_fuse_choice *out) {
  if (f->options->mode != NF_FUSE_OFF && !costs->of)
    return nf_error(NF_INTERNAL, "fusing needs to be told what ops cost");
  f->own.at = *at;
  f->own.costs = *costs;
  NF_TRY(begin_report(f));
  return nf_status_note(choose(f, out), "fusing");
}

static nf_status build_chosen(nf_fuse_run *run, nf_graph **out) {
  for (*out = NULL; !*out;) {
    NF_TRY(nf_edit_init(&run->edit, run->normal));
    NF_TRY(build(run, out));
    nf_edit_deinit(&run->edit);
    if (!*out) NF_TRY(nf_choose_fusions(run));
  }
  return run->options->mode == NF_FUSE_OFF ? nf_ok() : tell(run);
}

nf_status nf_fuse_build(nf_fusions *f, nf_graph **out, nf_fuse_report **out_report) {
  const nf_status st = build_chosen(f, out);
  if (!nf_is_ok(st)) {
    nf_edit_deinit(&f->edit);
    nf_graph_destroy(*out);
    return nf_status_note(st, "fusing");
  }
  f->report->nodes_after = count_nodes(*out);
  *out_report = f->report;
  f->report = f->base;
  return nf_ok();
}

nf_status nf_fuse(const nf_rules *r, const nf_graph *g, const nf_fuse_options *o, nf_graph **out,
                  nf_fuse_report **out_report) {
  nf_fusions *f;
  NF_TRY(nf_fuse_find(r, g, o, &f));
  nf_status st = nf_fuse_choose(f, &o->at, &o->costs, NULL);
  if (nf_is_ok(st)) st = nf_fuse_build(f, out, out_report);
  if (nf_is_ok(st))
    (*out_report)->found = f;
  else
    nf_fusions_destroy(f);
  return st;
}

void nf_fuse_report_destroy(nf_fuse_report *r) {
  if (!r) return;
  nf_fusions_destroy(r->found);
  nf_arena_deinit(&r->arena);
  nf_free(r);
}

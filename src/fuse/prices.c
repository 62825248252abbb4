// SPDX-License-Identifier: Apache-2.0
// What fusions cost and save: the caller's costs, remembered by op description, so that equal layers ask
// once.
#include "fuse/choice.h"
#include <math.h>
#include <string.h>

// Views are free. Phrases belong to the report of the choice.
static nf_status ask(nf_fuse_run *run, nf_price *price) {
  const nf_fuse_costs *costs = &run->options->costs;
  nf_text why = {0};
  *price = (nf_price){.d = price->d, .legal = true, .cost.measured = true, .why = ""};
  if (nf_op_of(price->d.op)->flags & NF_OP_VIEW) return nf_ok();
  price->cost = (nf_op_cost){0};
  price->legal = costs->of(costs->user, &price->d, &run->options->at, &price->cost, &why);
  nf_status st = nf_text_status(&why);
  if (nf_is_ok(st) && price->legal && !(isfinite(price->cost.us) && price->cost.us >= 0))
    st = nf_error(NF_INTERNAL, "the cost of %s is %g µs, which must be finite and not negative",
                  nf_op_of(price->d.op)->name, price->cost.us);
  if (why.n) price->why = nf_arena_copy(&run->report->arena, why.at, why.n);
  if (nf_is_ok(st) && !price->why) st = nf_fuse_no_memory();
  nf_text_deinit(&why);
  return st;
}

// ---- what there is to ask for ----

static nf_status price_of(nf_prices *p, const nf_graph *g, nf_node_id id, const nf_price **out) {
  const nf_op_desc d = nf_graph_describe(g, &g->node[id]);
  nf_price *price = nf_desc_map_find(&p->known, &d);
  *out = price;
  if (price) return nf_ok();
  *out = price = nf_arena_alloc(&p->arena, 1, sizeof *price);
  if (!price) return nf_fuse_no_memory();
  price->d = d;
  return nf_desc_map_add(&p->known, &price->d);
}

static nf_status prices_of(nf_prices *p, const nf_graph *g, const nf_price ***out) {
  *out = nf_arena_alloc(&p->arena, g->n_nodes, sizeof **out);
  if (!*out) return nf_fuse_no_memory();
  for (nf_node_id i = 0; i < g->n_nodes; i++) NF_TRY(price_of(p, g, i, &(*out)[i]));
  return nf_ok();
}

nf_status nf_list_prices(nf_fuse_run *run) {
  NF_TRY(prices_of(&run->prices, run->normal, &run->node_price));
  for (size_t i = 0; i < run->n_found; i++)
    if (!run->found[i].unfit) NF_TRY(prices_of(&run->prices, run->found[i].to.graph, &run->found[i].price));
  return nf_ok();
}

void nf_prices_deinit(nf_prices *p) {
  nf_desc_map_deinit(&p->known);
  nf_arena_deinit(&p->arena);
}

// ---- fusions ----

static nf_status refuse(nf_fuse_run *run, nf_fusion *f, const char *op, const char *why) {
  f->verdict = NF_FUSION_REFUSED;
  f->why = nf_arena_printf(&run->report->arena, "%s: %s", op, why);
  return f->why ? nf_ok() : nf_fuse_no_memory();
}

static bool pads(nf_node n) {
  const int64_t *pad = nf_op_pad(n.op, &n.attr);
  return pad && *pad > 0;
}

static double us_of(const nf_price *p, bool measured) { return measured ? p->cost.measured_us : p->cost.us; }

static nf_status price_replacement(nf_fuse_run *run, nf_candidate_fusion *c, bool measured) {
  const nf_graph *g = c->to.graph;
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_price *price = c->price[i];
    if (!price->legal) return refuse(run, &c->fusion, nf_op_of(price->d.op)->name, price->why);
    c->fusion.after_us += us_of(price, measured);
    c->fusion.pads |= pads(g->node[i]);
  }
  for (size_t i = 0; i < c->fusion.n_nodes; i++) {
    const nf_price *price = run->node_price[c->node[i]];
    c->fusion.before_us += price->legal ? us_of(price, measured) : NF_NO_KERNEL_US;
  }
  return nf_ok();
}

static nf_status price_fusion(nf_fuse_run *run, nf_candidate_fusion *c, bool measured) {
  nf_fusion *f = &c->fusion;
  f->verdict = c->unfit ? NF_FUSION_REFUSED : NF_FUSION_CHOSEN;
  f->why = c->unfit ? c->unfit : "";
  f->before_us = f->after_us = 0;
  f->pads = false;
  if (!c->unfit) NF_TRY(price_replacement(run, c, measured));
  if (run->options->mode == NF_FUSE_COST && f->verdict == NF_FUSION_CHOSEN && f->before_us <= f->after_us)
    f->verdict = NF_FUSION_UNPROFITABLE;
  return nf_ok();
}

// Whether all that the fusion compares was measured; what can't be compares nothing.
static bool is_measured(const nf_fuse_run *run, const nf_candidate_fusion *c) {
  bool all = true, legal = true;
  if (c->unfit) return true;
  for (size_t i = 0; i < c->to.graph->n_nodes; i++) {
    all &= c->price[i]->cost.measured;
    legal &= c->price[i]->legal;
  }
  for (size_t i = 0; i < c->fusion.n_nodes; i++) {
    const nf_price *price = run->node_price[c->node[i]];
    all &= price->cost.measured || !price->legal;
  }
  return all || !legal;
}

// The fusions of a site, by costs of one kind.
static nf_status price_site(nf_fuse_run *run, const nf_fuse_site *s) {
  nf_candidate_fusion *c = &run->found[s->from];
  bool measured = true;
  for (size_t i = 0; i < s->n; i++) measured &= is_measured(run, &c[i]);
  for (size_t i = 0; i < s->n; i++) NF_TRY(price_fusion(run, &c[i], measured));
  return nf_ok();
}

nf_status nf_price_fusions(nf_fuse_run *run) {
  for (size_t i = 0; i < run->prices.known.size; i++)
    if (run->prices.known.slot[i]) NF_TRY(ask(run, (nf_price *)run->prices.known.slot[i]));
  for (size_t i = 0; i < run->base->n_sites; i++) NF_TRY(price_site(run, &run->base->site[i]));
  return nf_ok();
}

// ---- comparing ----

static nf_status note(nf_fuse_choice *c, const void *by) {
  if (!nf_grow(&c->by, &c->cap, c->n + 1, sizeof *c->by)) return nf_fuse_no_memory();
  c->by[c->n++] = by;
  return nf_ok();
}

// What runs each node that stays, and then each chosen fusion with what runs its replacement.
nf_status nf_note_choice(nf_fuse_run *run, nf_fuse_choice *out) {
  out->n = 0;
  for (nf_node_id i = 0; i < run->normal->n_nodes; i++) NF_TRY(note(out, run->node_price[i]->cost.by));
  for (size_t i = 0; i < run->n_found; i++) {
    const nf_candidate_fusion *c = &run->found[i];
    if (c->fusion.verdict != NF_FUSION_CHOSEN) continue;
    for (size_t k = 0; k < c->fusion.n_nodes; k++) out->by[c->node[k]] = NULL;
    NF_TRY(note(out, c));
    for (size_t k = 0; k < c->to.graph->n_nodes; k++) NF_TRY(note(out, c->price[k]->cost.by));
  }
  return nf_ok();
}

bool nf_fuse_choice_equal(const nf_fuse_choice *a, const nf_fuse_choice *b) {
  return a->n == b->n && (a->n == 0 || memcmp(a->by, b->by, a->n * sizeof *a->by) == 0);
}

void nf_fuse_choice_deinit(nf_fuse_choice *c) {
  nf_free(c->by);
  *c = (nf_fuse_choice){0};
}

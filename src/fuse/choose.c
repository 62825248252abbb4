// SPDX-License-Identifier: Apache-2.0
// The choice: fusions that overlap form sites; each site is covered by the set that saves most, or in the
// order that was asked for.
#include "fuse/choice.h"
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 100000, MAX_EXACT = 2048 }; // steps of a search; fusions that a search takes on

static double gain(const nf_candidate_fusion *c) { return nf_fusion_gain(&c->fusion); }

static bool overlap(const nf_candidate_fusion *a, const nf_candidate_fusion *b) {
  for (size_t i = 0, j = 0; i < a->fusion.n_nodes && j < b->fusion.n_nodes;) {
    if (a->node[i] == b->node[j]) return true;
    a->node[i] < b->node[j] ? i++ : j++;
  }
  return false;
}

static int by_name(const nf_candidate_fusion *x, const nf_candidate_fusion *y) {
  const int name = strcmp(x->fusion.rule, y->fusion.rule);
  return name ? name : memcmp(x->node, y->node, sizeof x->node);
}

// ---- sites ----

static nf_node_id root(nf_node_id *parent, nf_node_id i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

// The smaller one leads, so that a site is called by its first node.
static void join(nf_node_id *parent, nf_node_id a, nf_node_id b) {
  a = root(parent, a);
  b = root(parent, b);
  parent[a > b ? a : b] = a > b ? b : a;
}

static int by_place(const void *a, const void *b) {
  const nf_candidate_fusion *x = a, *y = b;
  if (x->fusion.site != y->fusion.site) return x->fusion.site < y->fusion.site ? -1 : 1;
  if (x->match.node[0] != y->match.node[0]) return x->match.node[0] < y->match.node[0] ? -1 : 1;
  return by_name(x, y);
}

nf_status nf_find_sites(nf_fuse_run *run) {
  nf_fuse_report *r = run->base;
  if (!run->n_found) return nf_ok();
  nf_node_id *parent = nf_arena_alloc(&r->arena, run->normal->n_nodes, sizeof *parent);
  r->site = nf_arena_alloc(&r->arena, run->n_found, sizeof *r->site);
  if (!parent || !r->site) return nf_fuse_no_memory();
  for (nf_node_id i = 0; i < run->normal->n_nodes; i++) parent[i] = i;
  for (size_t i = 0; i < run->n_found; i++)
    for (size_t k = 1; k < run->found[i].fusion.n_nodes; k++)
      join(parent, run->found[i].node[0], run->found[i].node[k]);
  for (size_t i = 0; i < run->n_found; i++) run->found[i].fusion.site = root(parent, run->found[i].node[0]);
  qsort(run->found, run->n_found, sizeof *run->found, by_place);
  size_t last = SIZE_MAX;
  for (size_t i = 0; i < run->n_found; i++) {
    nf_fusion *f = &run->found[i].fusion;
    if (f->site != last) r->site[r->n_sites++] = (nf_fuse_site){f->at, .exact = true, .from = i};
    last = f->site;
    f->site = r->n_sites - 1;
    r->site[f->site].n++;
  }
  return nf_ok();
}

// ---- what lost ----

static void tell_losers(nf_candidate_fusion *c, size_t n, size_t from) {
  for (size_t i = 0; i < n; i++) {
    if (c[i].fusion.verdict != NF_FUSION_LOST) continue;
    nf_fusion *f = &c[i].fusion;
    bool any = false;
    f->by_us = -gain(&c[i]);
    for (size_t k = 0; k < n; k++) {
      if (c[k].fusion.verdict != NF_FUSION_CHOSEN || !overlap(&c[i], &c[k])) continue;
      f->by_us += gain(&c[k]);
      if (!any || gain(&c[k]) > gain(&c[f->lost_to - from])) f->lost_to = from + k;
      any = true;
    }
  }
}

nf_status nf_explain_losers(nf_fuse_run *run) {
  for (size_t i = 0; i < run->n_found; i++) {
    nf_fusion *f = &run->found[i].fusion;
    const nf_fusion *to = &run->found[f->lost_to].fusion;
    if (f->verdict == NF_FUSION_LOST)
      f->why =
          nf_arena_printf(&run->report->arena, "lost to %s at %s by %.2f µs", to->rule, to->at, f->by_us);
    if (f->verdict == NF_FUSION_UNPROFITABLE)
      f->why =
          nf_arena_printf(&run->report->arena, "costs %.2f µs, its nodes %.2f µs", f->after_us, f->before_us);
    if (!f->why) return nf_fuse_no_memory();
  }
  return nf_ok();
}

static bool competes(const nf_candidate_fusion *c) {
  return c->fusion.verdict == NF_FUSION_CHOSEN || c->fusion.verdict == NF_FUSION_LOST;
}

// ---- by cost ----

// One site's problem: candidates from the heaviest on, what they save, what they exclude.
typedef struct problem {
  const nf_candidate_fusion **by_gain;
  double *gain;
  nf_cover cover;
  struct problem *next; // solved before
} problem;

static int heavier(const void *a, const void *b) {
  const nf_candidate_fusion *x = *(const nf_candidate_fusion *const *)a,
                            *y = *(const nf_candidate_fusion *const *)b;
  if (gain(x) != gain(y)) return gain(x) > gain(y) ? -1 : 1;
  return by_name(x, y);
}

static nf_status make_problem(const nf_candidate_fusion *c, size_t n, size_t limit, nf_arena *a, problem *p) {
  size_t m = 0;
  for (size_t i = 0; i < n; i++) m += competes(&c[i]);
  p->cover = (nf_cover){.n = m, .words = m / 64 + 1, .limit = limit};
  p->by_gain = nf_arena_alloc(a, m, sizeof *p->by_gain);
  p->gain = nf_arena_alloc(a, m, sizeof *p->gain);
  p->cover.taken = nf_arena_alloc(a, m, sizeof *p->cover.taken);
  uint64_t *excludes = nf_arena_alloc(a, m * p->cover.words, sizeof *excludes);
  if (!p->by_gain || !p->gain || !p->cover.taken || !excludes) return nf_fuse_no_memory();
  m = 0;
  for (size_t i = 0; i < n; i++)
    if (competes(&c[i])) p->by_gain[m++] = &c[i];
  qsort(p->by_gain, m, sizeof *p->by_gain, heavier);
  for (size_t i = 0; i < m; i++) {
    p->gain[i] = gain(p->by_gain[i]);
    for (size_t k = 0; k < m; k++)
      if (i != k && overlap(p->by_gain[i], p->by_gain[k]))
        excludes[i * p->cover.words + k / 64] |= 1ull << k % 64;
  }
  p->cover.gain = p->gain;
  p->cover.excludes = excludes;
  return nf_ok();
}

static bool equal_problems(const problem *a, const problem *b) {
  const size_t n = a->cover.n;
  return n == b->cover.n && memcmp(a->gain, b->gain, n * sizeof *a->gain) == 0 &&
         memcmp(a->cover.excludes, b->cover.excludes, n * a->cover.words * sizeof *a->cover.excludes) == 0;
}

// Equal layers are equal problems: the first one's answer is theirs.
static nf_status solve(problem *p, problem **solved) {
  for (const problem *old = *solved; old; old = old->next) {
    if (!equal_problems(old, p)) continue;
    memcpy(p->cover.taken, old->cover.taken, p->cover.n * sizeof *p->cover.taken);
    p->cover.exact = old->cover.exact;
    return nf_ok();
  }
  NF_TRY(nf_cover_solve(&p->cover));
  p->next = *solved;
  *solved = p;
  return nf_ok();
}

// Takes the fusion unless another has taken one of its nodes. owner: [nodes] 1 + who took it.
static void take(nf_fuse_run *run, nf_candidate_fusion *c, size_t *owner) {
  nf_fusion *f = &c->fusion;
  f->verdict = NF_FUSION_CHOSEN;
  for (size_t i = 0; i < f->n_nodes && f->verdict == NF_FUSION_CHOSEN; i++) {
    if (!owner[c->node[i]]) continue;
    f->verdict = NF_FUSION_LOST;
    f->lost_to = owner[c->node[i]] - 1;
    f->by_us = gain(&run->found[f->lost_to]) - gain(c);
  }
  for (size_t i = 0; i < f->n_nodes && f->verdict == NF_FUSION_CHOSEN; i++)
    owner[c->node[i]] = (size_t)(c - run->found) + 1;
}

// Takes what competes of n fusions one after the other, each wherever it still can be.
static nf_status take_all(nf_fuse_run *run, size_t from, size_t n, int (*order)(const void *, const void *)) {
  nf_arena *a = &run->report->arena;
  size_t *owner = nf_arena_alloc(a, run->normal->n_nodes, sizeof *owner), m = 0;
  nf_candidate_fusion **sorted = nf_arena_alloc(a, n, sizeof *sorted);
  if (!owner || !sorted) return nf_fuse_no_memory();
  for (size_t i = 0; i < n; i++)
    if (competes(&run->found[from + i])) sorted[m++] = &run->found[from + i];
  qsort(sorted, m, sizeof *sorted, order);
  for (size_t i = 0; i < m; i++) take(run, sorted[i], owner);
  return nf_ok();
}

static nf_status choose_in_site(nf_fuse_run *run, nf_fuse_site *site, nf_arena *a, problem *p,
                                problem **solved) {
  const size_t from = site->from, n = site->n;
  nf_candidate_fusion *c = &run->found[from];
  const size_t limit = run->options->limit ? run->options->limit : DEFAULT_LIMIT;
  site->exact = n <= MAX_EXACT;
  if (n > MAX_EXACT) return take_all(run, from, n, heavier); // too many for a search: the heaviest first
  NF_TRY(make_problem(c, n, limit, a, p));
  NF_TRY(solve(p, solved));
  for (size_t i = 0; i < p->cover.n; i++)
    c[p->by_gain[i] - c].fusion.verdict = p->cover.taken[i] ? NF_FUSION_CHOSEN : NF_FUSION_LOST;
  site->exact = p->cover.exact;
  tell_losers(c, n, from);
  return nf_ok();
}

static nf_status choose_by_cost(nf_fuse_run *run) {
  nf_arena a = {0};
  problem *all = nf_arena_alloc(&a, run->report->n_sites, sizeof *all), *solved = NULL;
  nf_status st = all ? nf_ok() : nf_fuse_no_memory();
  for (size_t i = 0; i < run->report->n_sites && nf_is_ok(st); i++)
    st = choose_in_site(run, &run->report->site[i], &a, &all[i], &solved);
  nf_arena_deinit(&a);
  return st;
}

// ---- in order ----

static int by_turn(const void *a, const void *b) {
  const nf_candidate_fusion *x = *(nf_candidate_fusion *const *)a, *y = *(nf_candidate_fusion *const *)b;
  if (x->turn != y->turn) return x->turn - y->turn;
  const int name = strcmp(x->fusion.rule, y->fusion.rule);
  return name ? name : x < y ? -1 : x > y;
}

static nf_status choose_in_order(nf_fuse_run *run) {
  for (size_t i = 0; i < run->n_found; i++) {
    nf_fusion *f = &run->found[i].fusion;
    if (run->found[i].turn != (int)run->options->n_order || f->verdict == NF_FUSION_REFUSED) continue;
    f->verdict = NF_FUSION_UNNAMED;
    f->why = "not in the order";
  }
  return take_all(run, 0, run->n_found, by_turn);
}

nf_status nf_choose_fusions(nf_fuse_run *run) {
  nf_fuse_report *r = run->report;
  if (!run->n_found) return nf_ok();
  r->n_sites = run->base->n_sites;
  r->site = nf_arena_alloc(&r->arena, r->n_sites, sizeof *r->site);
  if (!r->site) return nf_fuse_no_memory();
  memcpy(r->site, run->base->site, r->n_sites * sizeof *r->site);
  return run->options->mode == NF_FUSE_COST ? choose_by_cost(run) : choose_in_order(run);
}

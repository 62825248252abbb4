// SPDX-License-Identifier: Apache-2.0
// Sites: found by what is asked for, filled by the store or by measuring.
#include "tune/tune.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tune/measure.h"
#include "tune/site.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAST = NF_COST_CONTEXT, MEMORY_SHARE = 4 };

// ---- sites ----

nf_sizes nf_site_step(const nf_sizes *at) {
  const int64_t s = nf_max(1, at->of[NF_S]), r = nf_max(1, at->of[NF_R]);
  return nf_sizes_of(nf_max(nf_max(1, at->of[NF_T]), nf_max(s, r)), s, r);
}

int nf_site_candidates(const nf_tuner *t, nf_site_tuned *s) {
  const nf_sizes step = nf_site_step(&s->at);
  const nf_select_options o = {.least = step, .most = step, .at = step};
  nf_selection all;
  nf_candidate c;
  nf_select_from(t->list, t->n, t->hw, &s->d, &o, &all);
  for (size_t i = 0; nf_selection_next(&all, &i, t->hw, &s->d, &o, &c);) {
    const bool legal = c.refusal == NF_CHOSEN || c.refusal == NF_REFUSED_BETTER;
    if (!legal || c.variant->backend == NF_BACKEND_REF || s->e.n == NF_TUNED_MOST) continue;
    const double us = c.refusal == NF_CHOSEN ? all.us : c.us;
    s->e.of[s->e.n] = (nf_tuned){.v = c.variant};
    if (s->e.n == 0 || us <= s->estimate) s->e.by_default = s->e.n, s->estimate = us;
    s->e.n++;
  }
  return s->e.n;
}

// The choice is the cheapest; what was faster by no more than chance is as fast. Where all are refused there
// is the reference.
static nf_status put(nf_tuner *t, const nf_site_tuned *s) {
  const nf_tune_entry *e = &s->e;
  const double least = e->winner >= 0 ? e->of[e->winner].us : s->estimate;
  for (int i = 0; i < e->n; i++) {
    const bool refused = *e->of[i].why != '\0';
    const double us = refused          ? INFINITY
                      : i == e->winner ? least
                                       : fmax(e->of[i].us, nextafter(least, INFINITY));
    NF_TRY(nf_timings_put(t->timings, t->hw, &s->d, &s->at, e->of[i].v, us));
  }
  if (e->winner >= 0) return nf_ok();
  return nf_timings_put(t->timings, t->hw, &s->d, &s->at, nf_reference_of(s->d.op), least);
}

// An entry of other kernels than compete now is none: features may be masked, limits move with sizes.
static bool same_candidates(const nf_tune_entry *a, const nf_tune_entry *b) {
  bool same = a->n == b->n;
  for (int i = 0; same && i < a->n; i++) same = a->of[i].v == b->of[i].v;
  return same;
}

static void look_up(nf_tuner *t, nf_site_tuned *s) {
  nf_tune_entry e;
  if (!nf_tune_store_find(&t->store, s->key, &e) || !same_candidates(&e, &s->e)) return;
  s->e = e;
  nf_status st = put(t, s); // without memory for it nothing is known
  s->known = s->hit = nf_is_ok(st);
  nf_status_free(st);
}

static void destroy_site(nf_site_tuned *s) {
  if (s != NULL) nf_free(s->key);
  nf_free(s);
}

static bool keep_site(nf_tuner *t, nf_site_tuned *s) {
  if (!nf_grow(&t->site, &t->room, t->n_sites + 1, sizeof *t->site)) return false;
  return t->site[t->n_sites++] = s, true;
}

// Ops that ranks do together have no process of their own to be measured in.
static void found(void *user, const nf_op_desc *d, const nf_sizes *at) {
  nf_tuner *t = user;
  if (nf_op_of(d->op)->flags & NF_OP_VIEW || nf_op_is_comm(d->op, &d->attr)) return;
  nf_site_tuned *s = nf_alloc(1, sizeof *s);
  if (s == NULL) return;
  s->d = *d, s->at = *at;
  s->key = nf_site_candidates(t, s) > 0 ? nf_tune_key(d, at) : NULL;
  if (s->key == NULL || !keep_site(t, s)) return destroy_site(s);
  look_up(t, s);
}

// ---- a tuner ----

nf_status nf_tuner_create_from(const nf_variant *list, size_t n, const nf_hw *hw, int threads,
                               const nf_runner *on, double hang, const nf_log *log, nf_tuner **out) {
  nf_tuner *t;
  nf_status st;
  NF_TRY(nf_make(&t, 1, sizeof *t, "a tuner"));
  *t = (nf_tuner){.hw = hw, .threads = threads, .on = *on, .hang = hang, .log = log, .list = list, .n = n};
  NF_GOTO(nf_make(&t->passed, n, sizeof *t->passed, "a tuner"));
  NF_GOTO(nf_timings_create(&t->timings));
  NF_GOTO(nf_tune_store_open(hw, threads, log, list, n, &t->store));
  nf_timings_look_up(t->timings, found, t);
  return *out = t, nf_ok();
fail:
  nf_tuner_destroy(t);
  return st;
}

nf_status nf_tuner_create(const nf_hw *hw, int threads, const nf_runner *on, const nf_log *log,
                          nf_tuner **out) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  return nf_tuner_create_from(list, n, hw, threads, on, 0, log, out);
}

void nf_tuner_destroy(nf_tuner *t) {
  if (t == NULL) return;
  for (size_t i = 0; i < t->n_sites; i++) destroy_site(t->site[i]);
  nf_free(t->site);
  nf_tune_store_close(&t->store);
  nf_timings_destroy(t->timings);
  nf_free(t->passed);
  nf_free(t);
}

nf_timings *nf_tuner_timings(nf_tuner *t) { return t->timings; }
nf_tune_store *nf_tuner_store(nf_tuner *t) { return &t->store; }

// ---- measuring ----

// Bytes of the operands, once for each packing order that a candidate reads.
static double bytes_of(const nf_site_tuned *s) {
  const nf_sizes step = nf_site_step(&s->at);
  double all = 0;
  int packs = 0;
  for (int i = 0; i < NF_MAX_IN; i++) {
    nf_type t = s->d.in[i];
    size_t bytes = 0;
    t.pack = NF_PACK_PLAIN;
    if (t.dtype != NF_NONE) nf_status_free(nf_type_bytes(&t, &step, &bytes));
    all += (double)bytes;
  }
  for (int i = 0; i < s->e.n; i++) {
    bool first = true;
    for (int k = 0; k < i; k++) first &= !nf_pack_equal(s->e.of[k].v->pack, s->e.of[i].v->pack);
    packs += first;
  }
  return all * (packs + 1); // plain rows are made first
}

static void set_date(nf_tune_entry *e) {
  struct tm tm;
  const time_t now = time(NULL);
  if (gmtime_r(&now, &tm) == NULL || strftime(e->date, sizeof e->date, "%Y-%m-%d", &tm) == 0)
    snprintf(e->date, sizeof e->date, "unknown");
}

static nf_status measure(nf_tuner *t, nf_site_tuned *s, nf_progress *progress) {
  const nf_measuring m = {.hw = t->hw,
                          .threads = t->threads,
                          .on = t->on.device != NULL ? &t->on : NULL,
                          .hang = t->hang,
                          .list = t->list,
                          .passed = t->passed,
                          .progress = progress};
  nf_case c = {.d = s->d, .at = nf_site_step(&s->at), .world = 1, .past = PAST, .repeats = true, .seed = 2};
  for (int i = 0; i < NF_MAX_IN; i++) c.d.in[i].pack = NF_PACK_PLAIN;
  if (bytes_of(s) > (double)t->hw->memory / MEMORY_SHARE)
    return nf_error(NF_UNAVAILABLE, "its operands take more than a quarter of the memory");
  NF_TRY(nf_tune_measure(&c, &m, &s->e));
  set_date(&s->e);
  NF_TRY(put(t, s));
  s->known = true;
  nf_tune_store_keep(&t->store, s->key, &s->e);
  return nf_ok();
}

static bool missing(const nf_site_tuned *s) { return !s->known && *s->why == '\0'; }

static int by_time(const void *a, const void *b) {
  const nf_site_tuned *x = *(nf_site_tuned *const *)a, *y = *(nf_site_tuned *const *)b;
  if (x->estimate != y->estimate) return x->estimate < y->estimate ? 1 : -1;
  return strcmp(x->key, y->key);
}

nf_status nf_tuner_run(nf_tuner *t, double seconds, size_t *measured) {
  const double end = nf_now() + seconds;
  nf_progress progress = {.log = t->log, .what = "tuning"};
  *measured = 0;
  if (t->n_sites != 0) qsort(t->site, t->n_sites, sizeof *t->site, by_time);
  for (size_t i = 0; i < t->n_sites; i++) progress.total += missing(t->site[i]);
  for (size_t i = 0; i < t->n_sites && nf_now() < end; i++) {
    nf_site_tuned *s = t->site[i];
    if (!missing(s)) continue;
    nf_status st = measure(t, s, &progress);
    if (nf_status_code(st) == NF_CANCELLED || nf_status_code(st) == NF_NO_MEMORY) return st;
    if (!nf_is_ok(st)) snprintf(s->why, sizeof s->why, "%s", nf_status_message(st));
    *measured += nf_is_ok(st);
    nf_status_free(st);
    NF_TRY(nf_progress_add(&progress, 1));
  }
  return nf_ok();
}

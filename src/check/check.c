// SPDX-License-Identifier: Apache-2.0
// The checker's course: which cases a variant gets, and the rows that tell.
#include "base/json.h"
#include "check/internal.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CASES = 40 };

typedef struct check {
  const nf_check_options *o;
  const nf_hw *hw;
  const nf_variant *list; // [n] what may run
  size_t n;
  size_t rows, failed;
  nf_progress progress; // in cases
} check;

bool nf_check_can_run(const nf_variant *v, const nf_hw *hw, const nf_runner *on) {
  if (v->need & ~hw->features) return false;
  if (on->device == NULL) return v->entry.kind == NF_ENTRY_HOST;
  return v->entry.kind == NF_ENTRY_MODULE && v->backend == hw->backend;
}

static void report(check *k, nf_check_row *r) {
  k->rows++;
  k->failed += !r->ok;
  if (k->o->row) k->o->row(k->o->user, r);
}

// The first row before v that declares v's order of sums and takes the case; NULL: none.
static const nf_variant *same_order(const check *k, const nf_variant *v, const nf_case *c) {
  if (v->order == NF_ORDER_REFERENCE || v->order == NF_ORDER_ANY) return NULL; // declares none
  for (const nf_variant *w = k->list; w < k->list + k->n && w != v; w++)
    if (w->op == v->op && w->order == v->order && nf_check_can_run(w, k->hw, &k->o->on) &&
        nf_case_legal(w, k->hw, c))
      return w;
  return NULL;
}

static nf_status check_case(check *k, const nf_variant *v, const nf_case *c) {
  nf_check_row r;
  NF_TRY(nf_progress_add(&k->progress, 1));
  NF_TRY(nf_gate(v, c, &k->o->on, &r));
  const nf_variant *other = r.ok ? same_order(k, v, c) : NULL;
  if (other != NULL) NF_TRY(nf_gate_order(v, other, c, &k->o->on, &r));
  report(k, &r);
  return nf_ok();
}

// ---- limits ----

// Both sides of a limit: at its value the kernel runs, beyond it selection refuses with a sentence.
static nf_status check_limit(check *k, const nf_variant *v, const nf_limit *l, const nf_dims *m,
                             const nf_case *c) {
  nf_case at, beyond;
  if (nf_case_at(l, m, c, &at) && nf_case_legal(v, k->hw, &at)) NF_TRY(check_case(k, v, &at));
  if (!nf_case_beyond(l, m, c, &beyond)) return nf_ok();
  nf_check_row r = {
      .op = nf_op_of(c->d.op)->name, .variant = v->name, .ok = !nf_case_legal(v, k->hw, &beyond)};
  nf_text t = {0};
  const nf_site site = {.at = beyond.at, .world = beyond.world};
  nf_limit_explain(l, &beyond.d, &site, &t);
  snprintf(r.text, sizeof r.text, "refused: %s", t.failed ? "?" : t.at);
  if (!r.ok) snprintf(r.why, sizeof r.why, "selection takes it");
  nf_text_deinit(&t);
  report(k, &r);
  return nf_ok();
}

static nf_status check_variant(check *k, const nf_variant *v) {
  nf_case c, any;
  nf_dims m, dims = {0};
  int found = 0;
  for (int i = 0; i < CASES; i++) {
    if (!nf_case_for(v, k->hw, i, k->o->seed, &m, &c)) continue;
    if (!found++) any = c, dims = m;
    NF_TRY(check_case(k, v, &c));
  }
  if (!found) {
    nf_check_row r = {
        .op = nf_op_of(v->op)->name, .variant = v->name, .text = "any", .why = "no case that it takes"};
    report(k, &r);
    return nf_ok();
  }
  for (int i = 0; i < CASES; i++)
    if (nf_case_long(v, k->hw, i, k->o->seed, &c)) NF_TRY(check_case(k, v, &c));
  for (int l = 0; l < NF_MAX_LIMITS && v->limit[l].relation; l++)
    NF_TRY(check_limit(k, v, &v->limit[l], &dims, &any));
  return nf_ok();
}

// ---- all ----

bool nf_check_asked(const nf_check_options *o, const nf_variant *v) {
  return (!o->op || strcmp(o->op, nf_op_of(v->op)->name) == 0) &&
         (!o->variant || strcmp(o->variant, v->name) == 0);
}

static bool runs(const check *k, const nf_variant *v) {
  return nf_check_can_run(v, k->hw, &k->o->on) && nf_check_asked(k->o, v);
}

static nf_status check_op(const nf_check_options *o) {
  nf_op op;
  return o->op ? nf_op_find(nf_view_of(o->op), &op) : nf_ok();
}

static nf_status check_names(const nf_variant *list, size_t n, const nf_check_options *o) {
  NF_TRY(check_op(o));
  for (size_t i = 0; i < n; i++)
    if (nf_check_asked(o, &list[i])) return nf_ok();
  return nf_error(NF_USAGE, "no kernel of op %s is called %s", o->op ? o->op : "(any)",
                  o->variant ? o->variant : "(any)");
}

static nf_status verdict(const check *k) {
  return k->failed ? nf_error(NF_CHECK_FAILED, "%zu of %zu checks failed", k->failed, k->rows) : nf_ok();
}

nf_status nf_check_run_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o) {
  check k = {.o = o, .hw = hw, .list = list, .n = n, .progress = {o->log, "checking", 0, 0}};
  NF_TRY(check_names(list, n, o));
  for (size_t i = 0; i < n; i++) k.progress.total += runs(&k, &list[i]) ? CASES : 0; // about
  for (size_t i = 0; i < n; i++)
    if (runs(&k, &list[i])) NF_TRY(check_variant(&k, &list[i]), "checking %s", list[i].name);
  k.progress.done = k.progress.total;
  NF_TRY(nf_progress_add(&k.progress, 0));
  if (o->bench) NF_TRY(nf_bench_variants(list, n, hw, o));
  return verdict(&k);
}

static nf_status time_trial(check *k, const nf_trial *t) {
  nf_check_row r;
  NF_TRY(nf_progress_add(&k->progress, 1));
  NF_TRY(nf_bench_case(t->v, &t->c, k->hw, &k->o->on, &r));
  r.tokens = t->c.at.of[NF_T];
  r.nodes = t->nodes;
  report(k, &r);
  return nf_ok();
}

nf_status nf_check_trials(const nf_trial *t, size_t n, const nf_hw *hw, const nf_check_options *o) {
  const char *what = o->bench ? "timing" : "checking";
  check k = {.o = o, .hw = hw, .progress = {o->log, what, n, 0}};
  k.list = nf_variants(&k.n);
  NF_TRY(check_op(o));
  for (size_t i = 0; i < n; i++)
    if (nf_check_asked(o, t[i].v))
      NF_TRY(o->bench ? time_trial(&k, &t[i]) : check_case(&k, t[i].v, &t[i].c), "%s %s", what, t[i].v->name);
  return verdict(&k);
}

nf_status nf_check_run(const nf_hw *hw, const nf_check_options *o) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  return nf_check_run_from(list, n, hw, o);
}

json_t *nf_check_row_json(const nf_check_row *r) {
  json_t *j =
      json_pack("{s:s, s:s, s:s, s:b}", "op", r->op, "variant", r->variant, "case", r->text, "ok", r->ok);
  bool ok = true;
  if (r->us > 0)
    ok = json_object_update_new(j, json_pack("{s:f, s:f, s:f, s:f}", "us", r->us, "gb_s", r->gb_s, "gflop_s",
                                             r->gflop_s, "roof_us", r->roof_us)) == 0;
  if (r->nodes > 0)
    ok &= json_object_update_new(j, json_pack("{s:I, s:I}", "tokens", (json_int_t)r->tokens, "nodes",
                                              (json_int_t)r->nodes)) == 0;
  if (isfinite(r->error)) // a difference that is no number has a sentence instead
    ok &= json_object_update_new(j, json_pack("{s:f, s:f, s:f, s:f}", "error", r->error, "bound", r->bound,
                                              "used", r->used, "used_16", r->used_16)) == 0;
  if (*r->why) ok &= nf_json_put(j, "why", json_string(r->why));
  return nf_json_whole(j, ok);
}

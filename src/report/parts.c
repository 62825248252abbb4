// SPDX-License-Identifier: Apache-2.0
// What the forms of infuse explain have in common: orders, facts in one line, what the plans of other ranges
// of tokens do otherwise than the one that is told in full, and where the time goes.
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- near misses ----

static bool same_reason(const json_t *a, const json_t *b) {
  return report_alike(a, b, "at") && report_alike(a, b, "node") && report_alike(a, b, "why");
}

// Takes what has the reason of the i-th out of the list behind it, but for its rule.
static void merge_reasons(json_t *list, size_t i) {
  json_t *first = json_array_get(list, i);
  for (size_t k = i + 1; k < json_array_size(list);) {
    const json_t *other = json_array_get(list, k);
    if (!same_reason(first, other)) {
      k++;
      continue;
    }
    nf_json_put(first, "rule",
                json_sprintf("%s, %s", report_text(first, "rule"), report_text(other, "rule")));
    json_array_remove(list, k);
  }
}

json_t *report_near(const report_outline *o, size_t layer) {
  json_t *list = json_array();
  REPORT_EACH_OF(near, o, REPORT_NEAR, layer) {
    const double depth = report_number(near, "depth");
    size_t k = json_array_size(list);
    while (k > 0 && report_number(json_array_get(list, k - 1), "depth") < depth) k--;
    json_array_insert_new(list, k, json_copy((json_t *)near));
  }
  for (size_t i = 0; i < json_array_size(list); i++) merge_reasons(list, i);
  return list;
}

void report_print_classes(const json_t *doc, bool all,
                          void (*print)(const report_outline *, const report_class *, bool)) {
  report_outline o;
  const nf_status st = report_outline_init(doc, all, &o);
  for (size_t i = 0; nf_is_ok(st) && i < o.n_classes; i++) print(&o, &o.class[i], all);
  if (!nf_is_ok(st)) fprintf(stderr, "infuse: %s\n", nf_status_message(st));
  nf_status_free(st);
  report_outline_deinit(&o);
}

// ---- lines ----

const char report_all_reduce[] =
    "all_reduce: fused {fusion.all_reduce.fused} of {fusion.all_reduce.of}, with "
    "pad {fusion.all_reduce.padded}";

const char *report_verdict(const json_t *c) {
  if (report_equal(c, "verdict", "lost")) return "lost to {lost_to} by {by_us:2} µs";
  return report_chosen(c) ? "chosen" : "{verdict}: {why}";
}

static const char *owner(const json_t *doc, const json_t *budget, bool ranks) {
  if (report_equal(budget, "limit_of", "option")) return "--memory";
  if (report_equal(budget, "limit_of", "rank")) return ranks ? "its GPU" : "the GPU";
  return json_is_string(report_at(doc, "target.target")) ? "the target" : "this machine";
}

// What alone would help, as options.
static void write_would_fit(nf_text *t, const json_t *budget) {
  static const char *const keys[][2] = {
      {"context", "--ctx"}, {"sessions", "--sessions"}, {"world", "--world"}};
  const json_t *would = json_object_get(budget, "would_fit");
  const char *before = "; would fit with";
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (json_object_get(would, keys[i][0]) == NULL) continue;
    nf_text_printf(t, "%s %s %.0f", before, keys[i][1], report_number(would, keys[i][0]));
    before = ", or";
  }
  if (json_object_size(would) == 0)
    nf_text_printf(t, "; no shorter context, fewer sessions or more ranks alone would do");
}

void report_write_fit(nf_text *t, const json_t *doc) {
  const json_t *b = report_at(doc, "budget");
  const bool ranks = report_number(doc, "model.world") > 1, fits = report_is(b, "fits");
  const double need = report_number(b, "need") / (1 << 30), limit = report_number(b, "limit") / (1 << 30);
  nf_text_printf(t, fits ? "fits: " : "does not fit: ");
  report_fill(t, doc,
              !ranks                                ? "needs"
              : report_equal(b, "limit_of", "rank") ? "a rank needs"
                                                    : "all {model.world} ranks together need");
  nf_text_printf(t, " %.*f GiB of %s's %.1f, %.1f %s", need < 1 ? 3 : 1, need, owner(doc, b, ranks), limit,
                 fabs(limit - need), fits ? "to spare" : "too much");
  if (!fits) write_would_fit(t, b);
}

static size_t times(const json_t *list, const json_t *rule, size_t from) {
  size_t n = 0;
  REPORT_EACH(item, list) n += item_at >= from && report_alike(item, rule, "rule");
  return n;
}

void report_write_normalised(nf_text *t, const json_t *doc) {
  const json_t *list = report_at(doc, "fusion.normalised");
  if (json_array_size(list) == 0) nf_text_printf(t, "nothing");
  REPORT_EACH(item, list) {
    const size_t n = times(list, item, 0);
    if (n != times(list, item, item_at)) continue; // it was told
    nf_text_printf(t, "%s%s %zu time%s", item_at != 0 ? ", " : "", report_text(item, "rule"), n,
                   n == 1 ? "" : "s");
  }
}

// ---- other plans ----

// What differs, counted: {"text": times}, in the order in which it comes.
static void count(json_t *counts, const char *text) {
  const json_int_t n = json_integer_value(json_object_get(counts, text));
  json_object_set_new(counts, text, json_integer(n + 1));
}

static void write_counts(json_t *counts, const char *what, nf_text *t) {
  const char *text, *separator = what;
  json_t *n;
  json_object_foreach(counts, text, n) {
    nf_text_printf(t, "%s%lldx %s", separator, (long long)json_integer_value(n), text);
    separator = ", ";
  }
  json_decref(counts);
}

static void write_kernels(const json_t *plan, const json_t *main, nf_text *t) {
  json_t *index = report_by_name(report_at(main, "nodes")), *counts = json_object();
  REPORT_EACH(node, report_at(plan, "nodes")) {
    const json_t *other = json_object_get(index, report_text(node, "name"));
    char pair[256];
    if (other == NULL || !report_alike(other, node, "op") || report_alike(other, node, "kernel")) continue;
    snprintf(pair, sizeof pair, "%s for %s", report_text(node, "kernel"), report_text(other, "kernel"));
    count(counts, pair);
  }
  write_counts(counts, "; kernels: ", t);
  json_decref(index);
}

static bool has(const json_t *fusions, const json_t *f) {
  REPORT_EACH(other, fusions) {
    if (json_equal(other, f)) return true;
  }
  return false;
}

// Fusions of a that b does not have.
static void write_fusions(const json_t *a, const json_t *b, const char *what, nf_text *t) {
  json_t *counts = json_object();
  REPORT_EACH(f, report_at(a, "fusions")) {
    if (!has(report_at(b, "fusions"), f)) count(counts, report_text(f, "rule"));
  }
  write_counts(counts, what, t);
}

bool report_is_other(const json_t *doc, const json_t *plan) {
  return !json_equal(report_at(doc, "range"), report_at(plan, "range"));
}

void report_write_plan(nf_text *t, const json_t *doc, const json_t *plan, bool costs) {
  const json_t *main = NULL;
  REPORT_EACH(p, report_at(doc, "plans")) main = report_is_other(doc, p) ? main : p;
  report_fill(t, plan, "{range.lo} to {range.hi} tokens");
  if (costs) report_fill(t, plan, ", {us:1} µs at {range.at}, {launches} launches");
  write_kernels(plan, main, t);
  write_fusions(plan, main, "; with ", t);
  write_fusions(main, plan, "; without ", t);
}

// ---- shares of time ----

static int longest_first(const void *a, const void *b) {
  const report_share *x = a, *y = b;
  return x->us < y->us ? 1 : x->us > y->us ? -1 : strcmp(x->name, y->name);
}

report_share *report_shares(const json_t *nodes, const char *op, const char *key, size_t *out_n) {
  report_share *all = nf_alloc(json_array_size(nodes), sizeof *all);
  size_t n = 0;
  REPORT_EACH(node, all != NULL ? nodes : NULL) {
    size_t k = 0;
    if (report_is_view(node) || (op != NULL && !report_equal(node, "op", op))) continue;
    while (k < n && !report_equal(node, key, all[k].name)) k++;
    if (k == n) all[n++].name = report_text(node, key);
    all[k].launches++;
    all[k].us += report_number(node, "us");
  }
  if (n != 0) qsort(all, n, sizeof *all, longest_first);
  *out_n = n;
  return all;
}

char *report_bounds_of(const json_t *nodes, const report_share *op) {
  nf_text t = {0};
  size_t n;
  report_share *bound = report_shares(nodes, op->name, "bound", &n);
  for (size_t i = 0; i < n && (i == 0 || bound[i].us > 0); i++) {
    nf_text_printf(&t, "%s%s", i != 0 ? ", " : "", bound[i].name);
    if (bound[i].us < op->us * 0.9995) nf_text_printf(&t, " %.0f %%", 100 * bound[i].us / op->us);
  }
  nf_free(bound);
  return report_taken(&t);
}

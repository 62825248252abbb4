// SPDX-License-Identifier: Apache-2.0
// infuse explain as text: what was fused in each distinct layer and why not the rest; what it is worth;
// kernels; memory.
#include "base/text.h"
#include "report/doc.h"
#include "report/outline.h"
#include "report/report.h"
#include "report/screen.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NEAR = 5, SHOWN_OPS = 8 };

// ---- the head ----

void report_print_target(const char *before, const json_t *t) {
  nf_text line = {0};
  report_fill(&line, t, before);
  report_fill(&line, t,
              report_number(t, "multiprocessors") > 0 ? "{device}: {name}, {multiprocessors} multiprocessors"
                                                      : "{device}: {name}, {cores} cores");
  report_fill(&line, t, ", {memory:1G} GiB at {roofline.bandwidth:0B} GB/s");
  report_names_of(&line, report_at(t, "features"), ", ", " ");
  report_line(0, 2, &line);
}

static void print_model(const json_t *m) {
  nf_text line = {0};
  report_fill(&line, m, "model: {family}, {layers} layers, hidden {hidden}, vocabulary {vocab}");
  if (report_number(m, "experts") > 0)
    report_fill(&line, m, ", {experts} experts ({experts_per_token} a token)");
  if (!report_is(m, "files")) report_fill(&line, m, "; no weight files, types from the family's inventory");
  report_line(0, 2, &line);
  report_say(
      0, 2, m,
      "step: at most {batch} tokens of {sessions} sessions of {context} tokens, {rows} rows of logits");
}

static void print_head(const json_t *doc) {
  if (report_number(doc, "plan.declared") > 0)
    report_say(
        0, 2, doc,
        "note: {plan.declared} of {plan.launches} kernels are declared, not written yet: this plan can't "
        "be run");
  print_model(report_at(doc, "model"));
  report_print_target("target: ", report_at(doc, "target"));
  if (report_number(doc, "model.world") > 1)
    report_say(0, 2, doc,
               "ranks: {model.world}, each with a share of the weights; {plan.barriers} barriers a step");
  nf_text fit = {0};
  nf_text_printf(&fit, "memory: ");
  report_write_fit(&fit, doc);
  report_line(0, 2, &fit);
}

// For whoever sees such a report for the first time.
static void print_guide(const json_t *doc) {
  report_wrapped(0, 2,
                 "how to read this: a fusion replaces several nodes of the graph by one kernel. For each "
                 "distinct layer there is a line for every place where one was chosen, with the estimated "
                 "µs of the nodes before and of the kernel after; below it the fusions that were not "
                 "chosen, and why. Near misses are fusions of which only the first nodes matched. Then "
                 "totals, where the time goes, the kernel of every node, and memory. µs are estimates for "
                 "comparing plans, not forecasts%s.",
                 report_number(doc, "model.world") > 1 ? "; they are one rank's" : "");
}

// ---- sites ----

enum { FIGURES = 2 + 1 + 3 * 9 }; // columns of a line beside its names

static void print_names(const char *site, const char *rule) {
  printf("  ");
  report_two_names(site, 24, rule, 38, FIGURES);
}

static void print_chosen(const report_outline *o, const json_t *site) {
  size_t n = 0;
  REPORT_EACH(c, json_object_get(site, "candidates")) {
    if (!report_chosen(c)) continue;
    const double before = report_number(c, "before_us"), after = report_number(c, "after_us");
    print_names(report_text(c, "at"), report_text(c, "rule"));
    printf(" %8.2f %8.2f %8.2f\n", before, after, before - after);
    char *joins = report_outline_joins(o, c);
    if (joins != NULL) report_wrapped(4, 8, "joins %s", joins);
    free(joins);
    n++;
  }
  if (n == 0) print_names(report_text(site, "at"), "none"), printf("\n");
}

static void print_others(const json_t *site) {
  REPORT_EACH(c, report_at(site, "candidates")) {
    if (report_chosen(c)) continue;
    nf_text line = {0};
    report_fill(&line, c, report_alike(c, site, "at") ? "{rule}: " : "{rule} at {at}: ");
    report_fill(&line, c, report_verdict(c));
    report_line(4, 8, &line);
  }
  if (json_is_false(json_object_get(site, "exact")))
    printf("    the best that was found; the search was cut short\n");
}

static void print_near(const report_outline *o, const report_class *c, bool all) {
  json_t *near = report_near(o, c->layer);
  const size_t n = json_array_size(near), shown = all || n <= SHOWN_NEAR ? n : SHOWN_NEAR;
  if (n != 0) printf("  near misses:\n");
  for (size_t i = 0; i < shown; i++)
    report_say(4, 8, json_array_get(near, i), "{rule} at {at}, {depth} node{depth:s} deep: {node}: {why}");
  if (shown < n) printf("    and %zu more, no deeper (--all prints them)\n", n - shown);
  json_decref(near);
}

static void print_class(const report_outline *o, const report_class *c, bool all) {
  const bool sites = report_outline_count(o, REPORT_SITES, c->layer) != 0;
  if (!sites && report_outline_count(o, REPORT_NEAR, c->layer) == 0) return;
  if (c->n > 1)
    report_heading("%s (%zu equal ones; names and costs of layer %zu)", c->title, c->n, c->layer - 1);
  else
    report_heading("%s", c->title);
  if (sites) print_names("site", "fusion"), printf(" %8s %8s %8s\n", "before", "after", "saved µs");
  REPORT_EACH_OF(site, o, REPORT_SITES, c->layer) {
    print_chosen(o, site);
    print_others(site);
  }
  print_near(o, c, all);
}

// ---- totals ----

// Figures in columns as wide as the screen has room for.
static int figure_width(void) {
  const size_t wide = report_screen_width();
  return wide >= 80 ? 14 : wide >= 66 ? 11 : 9;
}

// What a line is about, beside so many columns of figures.
static void print_label(const char *what, int figures) {
  int width = 30;
  report_fit_names(&width, 1, 2 + figures);
  printf("  ");
  report_name(what, width);
}

static void print_total(const char *what, double unfused, double fused, int decimals) {
  const int w = figure_width();
  print_label(what, 4 * (w + 1));
  printf(" %*.*f %*.*f %*.*f", w, decimals, unfused, w, decimals, fused, w, decimals, unfused - fused);
  if (unfused > 0) printf(" %*.1f %%", w - 6, 100 * (unfused - fused) / unfused);
  printf("\n");
}

static void print_totals(const json_t *doc) {
  const json_t *nodes = report_at(doc, "plan.nodes"), *unfused = report_at(doc, "unfused");
  const double per = fmax(report_number(doc, "range.at"), 1), world = report_number(doc, "model.world"),
               before = report_sum(unfused, "us"), after = report_number(doc, "plan.us");
  char rank[64] = "";
  if (world > 1) snprintf(rank, sizeof rank, ", of one rank of %.0f", world);
  report_heading("totals of a step of %.0f token%s, estimated%s", per, per == 1 ? "" : "s", rank);
  const int w = figure_width();
  print_label("", 4 * (w + 1));
  printf(" %*s %*s %*s\n", w, "unfused", w, "fused", w, "saved");
  print_total("nodes", (double)json_array_size(unfused), (double)json_array_size(nodes), 0);
  print_total("launches", (double)report_launches(unfused), report_number(doc, "plan.launches"), 0);
  print_total("MB moved", report_sum(unfused, "bytes") / 1e6, report_sum(nodes, "bytes") / 1e6, 1);
  print_total("µs per token", before / per, after / per, 2);
  if (before <= 0 || after <= 0) return;
  print_label(world > 1 ? "tokens/s of all ranks" : "tokens/s", 4 * (w + 1));
  printf(" %*.1f %*.1f\n", w, per * 1e6 / before, w, per * 1e6 / after);
}

// ---- where the time goes ----

static void print_share(const json_t *nodes, const report_share *s, bool op) {
  const double all = report_sum(nodes, "us");
  int width[2] = {30, op ? 30 : 0}; // of the name, and of what bounds an op
  report_fit_names(width, 2, 2 + 30 + 2);
  printf("  ");
  report_name(s->name, width[0]);
  printf(" %9.2f µs %5.1f %% %5zux", s->us, all > 0 ? 100 * s->us / all : 0, s->launches);
  char *bounds = op ? report_bounds_of(nodes, s) : NULL;
  if (bounds != NULL) printf("  ");
  report_last_name(bounds != NULL ? bounds : "", width[1]);
  free(bounds);
}

static void print_shares(const json_t *doc, const char *key, const char *title, size_t most) {
  const json_t *nodes = report_at(doc, "plan.nodes");
  size_t n;
  report_share *share = report_shares(nodes, NULL, key, &n);
  report_heading("%s", title);
  for (size_t i = 0; i < n && i < most; i++) print_share(nodes, &share[i], strcmp(key, "op") == 0);
  if (n > most) printf("  and %zu more (--all prints them)\n", n - most);
  free(share);
}

static void print_time(const json_t *doc, bool all) {
  print_shares(doc, "bound", "where the time goes: what kernels are bound by", SIZE_MAX);
  print_shares(doc, "op", "where the time goes: ops", all ? SIZE_MAX : SHOWN_OPS);
}

static void print_families(const json_t *doc) {
  report_heading("families of rules");
  REPORT_EACH(f, report_at(doc, "fusion.families")) {
    print_label(report_text(f, "family"), 11 + 13 + 19);
    printf(" found %4.0f, chosen %4.0f, saves %8.2f µs\n", report_number(f, "found"),
           report_number(f, "chosen"), report_number(f, "saved_us"));
  }
  report_say(0, 2, doc, report_all_reduce);
  nf_text line = {0};
  nf_text_printf(&line, "normalised: ");
  report_write_normalised(&line, doc);
  report_line(0, 2, &line);
}

static void print_plans(const json_t *doc) {
  REPORT_EACH(plan, report_at(doc, "plans")) {
    if (!report_is_other(doc, plan)) continue;
    nf_text line = {0};
    nf_text_printf(&line, "other plan, ");
    report_write_plan(&line, doc, plan, true);
    nf_text_printf(&line, " (--range LO:HI tells more)");
    report_line(0, 2, &line);
  }
}

static void print_fusions(const json_t *doc, bool all) {
  report_heading("fusions (%s) for steps of %.0f to %.0f tokens, with costs at %.0f",
                 report_text(doc, "fusion.mode"), report_number(doc, "range.lo"),
                 report_number(doc, "range.hi"), report_number(doc, "range.at"));
  print_plans(doc);
  report_print_classes(doc, all, print_class);
  print_totals(doc);
  print_time(doc, all);
  print_families(doc);
}

void report_print(const json_t *doc, bool all) {
  print_head(doc);
  print_guide(doc);
  print_fusions(doc, all);
  report_print_kernels(doc, all);
  report_print_memory(doc, all);
}

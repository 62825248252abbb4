// SPDX-License-Identifier: Apache-2.0
// infuse explain --brief: what was decided, a line for each site and each kind of node, and no costs: the
// form of the golden files, in which a lost fusion or another kernel is one changed line.
#include "base/text.h"
#include "report/doc.h"
#include "report/report.h"
#include <stdio.h>
#include <stdlib.h>

static void print(nf_text *t) {
  if (!t->failed) puts(t->at);
  nf_text_deinit(t);
}

static void print_filled(const json_t *object, const char *template) {
  nf_text t = {0};
  report_fill(&t, object, template);
  print(&t);
}

static void print_candidate(const json_t *c) {
  nf_text t = {0};
  report_fill(&t, c, "  {at}: {verdict} {rule}");
  if (report_equal(c, "verdict", "lost")) report_fill(&t, c, " to {lost_to}");
  if (report_equal(c, "verdict", "refused")) report_fill(&t, c, ": {why}");
  if (report_chosen(c)) report_names_of(&t, report_at(c, "nodes"), " of ", " ");
  if (!t.failed) report_without_layer(t.at, t.at); // what is told of one layer is true of its equals
  print(&t);
}

static void print_class(const report_outline *o, const report_class *c, bool all) {
  (void)all;
  if (report_outline_count(o, REPORT_SITES, c->layer) == 0) return;
  if (c->n > 1)
    printf("%s, %zu in all\n", c->title, c->n);
  else
    printf("%s\n", c->title);
  REPORT_EACH_OF(site, o, REPORT_SITES, c->layer) {
    REPORT_EACH(candidate, report_at(site, "candidates")) print_candidate(candidate);
  }
}

static void write_kernel(const json_t *node, nf_text *t) { report_fill(t, node, "{name}: {op} {kernel}"); }

static void print_kernel(const report_group *g, void *unused) {
  (void)unused;
  if (!report_equal(g->node, "kernel", "?")) printf("  %zux %s\n", g->count, g->key);
}

static void print_counts(const json_t *doc) {
  nf_text t = {0};
  REPORT_EACH(f, report_at(doc, "fusion.families")) {
    if (report_number(f, "found") > 0) print_filled(f, "{family}: chosen {chosen} of {found}");
  }
  print_filled(doc, report_all_reduce);
  nf_text_printf(&t, "normalised: ");
  report_write_normalised(&t, doc);
  print(&t);
  report_fill(&t, doc, "launches: {plan.launches}");
  nf_text_printf(&t, ", unfused %zu", report_launches(report_at(doc, "unfused")));
  print(&t);
}

void report_print_brief(const json_t *doc) {
  print_filled(doc,
               "{model.family}, {model.layers} layers, fusions: {fusion.mode}, for steps of {range.lo} to "
               "{range.hi} tokens");
  report_print_classes(doc, false, print_class);
  print_counts(doc);
  printf("kernels\n");
  report_each_group(report_at(doc, "plan.nodes"), false, write_kernel, NULL, print_kernel, NULL);
  REPORT_EACH(plan, report_at(doc, "plans")) {
    nf_text t = {0};
    if (!report_is_other(doc, plan)) continue;
    report_write_plan(&t, doc, plan, false);
    print(&t);
  }
}

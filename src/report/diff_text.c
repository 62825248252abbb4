// SPDX-License-Identifier: Apache-2.0
// The difference of two documents of explain as text. What is equal but for the layer's number is told once.
#include "report/doc.h"
#include "report/report.h"
#include "report/screen.h"
#include <stdio.h>
#include <string.h>

// "now a, b", or "now nothing".
static void write_rules(const json_t *list, nf_text *t) {
  if (json_array_size(list) == 0) nf_text_printf(t, " nothing");
  report_names_of(t, list, " ", ", ");
}

static void write_lost(const json_t *f, nf_text *t) {
  report_fill(t, f, "{at}: {rule}, now");
  write_rules(report_at(f, "instead"), t);
  report_fill(t, f, ": {why}");
}

static void write_gained(const json_t *f, nf_text *t) {
  report_fill(t, f, "{at}: {rule}, before");
  write_rules(report_at(f, "before"), t);
}

static void write_kernels(const json_t *node, nf_text *t) { report_fill(t, node, "{name}: {a} -> {b}"); }

static void write_node(const json_t *node, nf_text *t) { report_fill(t, node, "{name}: {op}"); }

static void print_group(const report_group *g, void *unused) {
  (void)unused;
  report_wrapped(2, 8, "%3zux %s", g->count, g->key);
}

static void print_lists(const json_t *diff, bool all) {
  static const struct {
    const char *key, *title;
    void (*write)(const json_t *item, nf_text *t);
  } lists[] = {{"lost", "lost", write_lost},
               {"gained", "gained", write_gained},
               {"kernels", "kernels changed", write_kernels},
               {"only_a", "nodes that are gone", write_node},
               {"only_b", "nodes that are new", write_node}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const json_t *list = json_object_get(diff, lists[i].key);
    if (json_array_size(list) != 0) report_heading("%s: %zu", lists[i].title, json_array_size(list));
    report_each_group(list, all, lists[i].write, NULL, print_group, NULL);
  }
}

static int figure_width(void) { return report_screen_width() >= 74 ? 16 : 11; }

static void print_total(const json_t *diff, const char *key, int decimals) {
  const double a = report_number(json_object_get(diff, "a"), key),
               b = report_number(json_object_get(diff, "b"), key);
  const int w = figure_width();
  printf("  %-8s %*.*f %*.*f %+*.*f", key, w, decimals, a, w, decimals, b, w, decimals, b - a);
  if (a > 0) printf("  %+7.2f %%", 100 * (b - a) / a);
  printf("\n");
}

static void print_fact(const json_t *diff, const char *key) {
  const char *a = report_text(json_object_get(diff, "a"), key),
             *b = report_text(json_object_get(diff, "b"), key);
  if (strcmp(a, b) != 0) report_wrapped(0, 2, "%s: %s -> %s", key, a, b);
}

void report_diff_text(const json_t *diff, bool all) {
  report_wrapped(0, 2, "fusions: %zu lost, %zu gained; kernels: %zu changed",
                 json_array_size(json_object_get(diff, "lost")),
                 json_array_size(json_object_get(diff, "gained")),
                 json_array_size(json_object_get(diff, "kernels")));
  print_fact(diff, "model");
  print_fact(diff, "processor");
  print_fact(diff, "mode");
  print_lists(diff, all);
  report_heading("totals");
  const int w = figure_width();
  printf("  %-8s %*s %*s %*s\n", "", w, "A", w, "B", w, "B - A");
  print_total(diff, "nodes", 0);
  print_total(diff, "launches", 0);
  print_total(diff, "bytes", 0);
  print_total(diff, "us", 2);
}

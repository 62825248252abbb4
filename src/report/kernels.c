// SPDX-License-Identifier: Apache-2.0
// infuse explain's text about kernels and memory.
#include "base/memory.h"
#include "base/text.h"
#include "report/doc.h"
#include "report/report.h"
#include "report/screen.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- kernels ----

void report_write_node(const json_t *node, nf_text *t) {
  report_fill(t, node, "{name}\n{text}\n{kernel}\n");
  report_fill(t, json_array_get(report_at(node, "results"), 0), "{type}");
}

bool report_is_refused(const json_t *candidate, const json_t *node) {
  return report_is(candidate, "here") && !report_alike(candidate, node, "kernel");
}

static void write_wants(json_t *wants, nf_text *t) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      nf_text_printf(t, ", wants %s padded to %.0f", extent, json_number_value(padded));
}

static void print_group(const report_group *g, void *unused) {
  (void)unused;
  const int name = (int)strcspn(g->key, "\n");
  const char *body = g->key + name + 1;
  nf_text t = {0};
  nf_text_printf(&t, "%4zux %.*s : ", g->count, name, g->key);
  REPORT_EACH(result, report_at(g->node, "results"))
  report_fill(&t, result, result_at != 0 ? ", {type}" : "{type}");
  report_line(0, 8, &t);
  report_wrapped(8, 12, "= %.*s", (int)strcspn(body, "\n"), body);
  if (report_equal(g->node, "kernel", "?")) return; // a view
  report_fill(&t, g->node,
              report_is(g->node, "declared") ? "would run {kernel}, {us:2} µs" : "runs {kernel}, {us:2} µs");
  write_wants(json_object_get(g->node, "wants"), &t);
  report_line(8, 12, &t);
  REPORT_EACH(c, report_at(g->node, "candidates")) {
    if (report_is_refused(c, g->node)) report_say(8, 12, c, "not {kernel}: {verdict}");
  }
}

void report_print_kernels(const json_t *doc, bool all) {
  report_heading("kernels");
  report_each_group(report_at(doc, "plan.nodes"), all, report_write_node, NULL, print_group, NULL);
}

// ---- memory ----

static int larger_first(const void *a, const void *b) {
  const double x = report_number(*(json_t *const *)a, "bytes"),
               y = report_number(*(json_t *const *)b, "bytes");
  return x < y ? 1 : x > y ? -1 : 0;
}

static void print_largest(const json_t *values, size_t most) {
  const size_t n = json_array_size(values);
  const json_t **order = nf_alloc(n, sizeof *order);
  if (order == NULL) return;
  for (size_t i = 0; i < n; i++) order[i] = json_array_get(values, i);
  qsort(order, n, sizeof *order, larger_first);
  for (size_t i = 0; i < n && i < most; i++)
    report_wrapped(2, 8, "%-24s %12.0f bytes at %12.0f, nodes %.0f to %.0f", report_text(order[i], "name"),
                   report_number(order[i], "bytes"), report_number(order[i], "offset"),
                   report_number(order[i], "first"), report_number(order[i], "last"));
  if (n > most) printf("  and %zu smaller ones\n", n - most);
  nf_free(order);
}

// Pools of one type are told once, by the first of them.
static void print_pools(const json_t *pools) {
  REPORT_EACH(pool, pools) {
    size_t before = 0, same = 0;
    REPORT_EACH(other, pools) {
      same += report_alike(other, pool, "type");
      before += report_alike(other, pool, "type") && other_at < pool_at;
    }
    if (before == 0)
      report_wrapped(2, 8, "%zu pools of %.0f slots of %s", same, report_number(pool, "slots"),
                     report_text(pool, "type"));
  }
}

void report_print_memory(const json_t *doc, bool all) {
  const double world = report_number(doc, "model.world");
  nf_text t = {0};
  report_fill(&t, doc, world > 1 ? "memory of all {model.world} ranks" : "memory");
  report_fill(&t, doc,
              ": weights {budget.weights:3G} GiB, caches {budget.caches:3G}, activations "
              "{budget.activations:3G}");
  nf_text_printf(&t, " (%.3f without sharing)",
                 world * report_number(doc, "plan.memory.unshared") / (1 << 30));
  report_fill(&t, doc,
              ", tables {budget.tables:3G}, scratch {budget.scratch:3G}, captures {budget.captures:3G}");
  report_heading("%s", t.failed ? "memory" : t.at);
  nf_text_deinit(&t);
  print_pools(report_at(doc, "pools"));
  print_largest(report_at(doc, "plan.memory.values"), all ? SIZE_MAX : 8);
}

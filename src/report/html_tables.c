// SPDX-License-Identifier: Apache-2.0
// The page's parts in tables and lists: where in the model time goes, what bounds it, and which ops take it,
// which adds up to the totals; families of rules; kernels, each kind of node folded; memory.
#include "base/memory.h"
#include "report/html.h"
#include "report/report.h"
#include <string.h>

// ---- time ----

static void begin_table(nf_text *t, const char *name) {
  report_html(t,
              "<div class=\"panel scroll\"><table><thead><tr><th>%s</th><th class=\"n\">launches</th>"
              "<th class=\"n\">µs</th><th class=\"n\">share</th>",
              name);
}

static double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

static void write_part(nf_text *t, const char *title, size_t layers, report_cost before, report_cost after,
                       double all) {
  report_html(t, "<tr><td>%s", title);
  if (layers > 1) report_html(t, " <span class=\"dim\">(%zu)</span>", layers);
  report_html(t,
              "</td><td class=\"n\">%zu → %zu</td><td class=\"n\">%.2f → %.2f</td><td class=\"n\">%.1f "
              "%%</td></tr>\n",
              before.launches, after.launches, before.us, after.us, percent(after.us, all));
}

static void write_parts(nf_text *t, const report_outline *o) {
  report_cost before = {0}, after = {0};
  const double all = report_sum(o->list[REPORT_AFTER], "us");
  begin_table(t, "Part, unfused → fused");
  report_html(t, "</tr></thead><tbody>\n");
  for (size_t i = 0; i < o->n_classes; i++) {
    const report_class *c = &o->class[i];
    const report_cost b = report_class_cost(o, REPORT_BEFORE, c), a = report_class_cost(o, REPORT_AFTER, c);
    write_part(t, c->title, c->n, b, a, all);
    before = (report_cost){before.launches + b.launches, before.us + b.us};
    after = (report_cost){after.launches + a.launches, after.us + a.us};
  }
  write_part(t, "all", 0, before, after, all);
  report_html(t, "</tbody></table></div>\n");
}

static void write_share(nf_text *t, const json_t *nodes, const report_share *s, bool op) {
  report_html(t, "<tr><td><code>");
  report_html_name(t, s->name);
  report_html(t, "</code></td><td class=\"n\">%zu</td><td class=\"n\">%.2f</td><td class=\"n\">%.1f %%</td>",
              s->launches, s->us, percent(s->us, report_sum(nodes, "us")));
  char *bounds = op ? report_bounds_of(nodes, s) : NULL;
  if (op) report_html(t, "<td class=\"after\">%s</td>", bounds != NULL ? bounds : "?");
  report_html(t, "</tr>\n");
  nf_free(bounds);
}

static void write_shares(nf_text *t, const json_t *nodes, const char *key) {
  const bool op = key[0] == 'o';
  size_t n;
  report_share *share = report_shares(nodes, NULL, key, &n);
  begin_table(t, op ? "Op" : "Bound by");
  report_html(t, op ? "<th class=\"after\">bound by</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n");
  for (size_t i = 0; i < n; i++) write_share(t, nodes, &share[i], op);
  report_html(t, "</tbody></table></div>\n");
  nf_free(share);
}

void report_html_time(nf_text *t, const report_outline *o) {
  report_html(t, "<section><h2>Where the time goes</h2>\n");
  write_parts(t, o);
  report_html(
      t, "<p class=\"dim\">A kernel is bound by the largest part of its estimate: moving bytes in memory, "
         "computing, bytes over links from other ranks, or its launch.</p>\n");
  write_shares(t, o->list[REPORT_AFTER], "bound");
  write_shares(t, o->list[REPORT_AFTER], "op");
  report_html(t, "</section>\n");
}

// ---- kernels ----

static void write_wants(nf_text *t, json_t *wants) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      report_html(t, "<li>wants %s padded to %.0f</li>", extent, json_number_value(padded));
}

static void write_group(const report_group *g, void *user) {
  nf_text *t = user;
  if (report_equal(g->node, "kernel", "?")) return; // a view
  const size_t name = strcspn(g->key, "\n");
  const char *text = g->key + name + 1;
  report_html(t, "<details><summary><span class=\"dim\">%zux</span><code>", g->count);
  report_html_escape(t, g->key, name);
  report_html_fill(t, g->node,
                   "</code><span class=\"dim mono\">{kernel}</span><span class=\"n\">{us:2}</span>"
                   "</summary><ul><li><code>");
  report_html_escape(t, text, strcspn(text, "\n"));
  report_html(t, "</code></li><li>gives ");
  REPORT_EACH(result, report_at(g->node, "results")) {
    report_html_fill(t, result, result_at != 0 ? ", <code>{type}</code>" : "<code>{type}</code>");
  }
  report_html(t, "</li>");
  if (report_is(g->node, "declared")) report_html(t, "<li>declared, not written yet</li>");
  write_wants(t, json_object_get(g->node, "wants"));
  REPORT_EACH(c, report_at(g->node, "candidates")) {
    if (report_is_refused(c, g->node))
      report_html_fill(t, c, "<li>not <code>{kernel}</code>: {verdict}</li>");
  }
  report_html(t, "</ul></details>\n");
}

void report_html_kernels(nf_text *t, const json_t *doc) {
  report_html(
      t, "<section><h2>Kernels</h2><p class=\"dim\">Each kind of node with its kernel and µs; unfold for the "
         "reasons against the others.</p><div class=\"panel kernels\">\n");
  report_each_group(report_at(doc, "plan.nodes"), false, report_write_node, NULL, write_group, t);
  report_html(t, "</div></section>\n");
}

// ---- fusions ----

static void write_families(nf_text *t, const json_t *doc) {
  report_html(
      t, "<section><h2>Families of rules</h2><div class=\"panel scroll\"><table><thead><tr><th>Family</th>"
         "<th class=\"n\">found</th><th class=\"n\">chosen</th><th class=\"n\">saved "
         "µs</th></tr></thead><tbody>\n");
  REPORT_EACH(f, report_at(doc, "fusion.families")) {
    report_html(t, "<tr><td><code>");
    report_html_name(t, report_text(f, "family"));
    report_html_fill(t, f,
                     "</code></td><td class=\"n\">{found}</td><td class=\"n\">{chosen}</td><td class=\"n ");
    report_html(t, report_number(f, "saved_us") > 0 ? "gain" : "dim");
    report_html_fill(t, f, "\">{saved_us:2}</td></tr>\n");
  }
  report_html(t, "</tbody></table></div>\n");
}

// A line of text, which is then empty.
static void write_line(nf_text *t, const char *what, nf_text *line) {
  if (!line->failed) report_html(t, "<p>%s%s</p>\n", what, line->at);
  nf_text_deinit(line);
}

void report_html_fusion(nf_text *t, const json_t *doc) {
  nf_text line = {0};
  write_families(t, doc);
  report_fill(&line, doc, report_all_reduce);
  write_line(t, "", &line);
  report_write_normalised(&line, doc);
  write_line(t, "normalised: ", &line);
  REPORT_EACH(plan, report_at(doc, "plans")) {
    if (!report_is_other(doc, plan)) continue;
    report_write_plan(&line, doc, plan, true);
    write_line(t, "other plan, ", &line);
  }
  report_html(t, "</section>\n");
}

// ---- memory ----

void report_html_memory(nf_text *t, const json_t *doc) {
  static const char *const parts[] = {"weights", "caches", "activations", "tables", "scratch", "captures"};
  report_html(t, "<section><h2>Memory");
  if (report_number(doc, "model.world") > 1) report_html_fill(t, doc, " of all {model.world} ranks");
  report_html(t, "</h2><div class=\"cards\">\n");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    report_html(t, "<div class=\"card\"><span>%s</span><b>%.3f</b><span>GiB</span></div>\n", parts[i],
                report_number(report_at(doc, "budget"), parts[i]) / (1 << 30));
  report_html(t, "</div></section>\n");
}

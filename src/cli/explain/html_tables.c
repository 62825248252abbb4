// SPDX-License-Identifier: Apache-2.0
// The page's parts in tables and lists: where in the model time goes, what bounds it, and which ops take it,
// which adds up to the totals; families of rules; kernels, each kind of node folded; memory.
#include "base/memory.h"
#include "cli/explain/explain.h"
#include "cli/explain/html.h"
#include <string.h>

// ---- time ----

static void begin_table(nf_text *t, const char *name) {
  cli_html(t,
           "<div class=\"panel scroll\"><table><thead><tr><th>%s</th><th class=\"n\">launches</th>"
           "<th class=\"n\">µs</th><th class=\"n\">share</th>",
           name);
}

static double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

static void write_part(nf_text *t, const char *title, size_t layers, cli_cost before, cli_cost after,
                       double all) {
  cli_html(t, "<tr><td>%s", title);
  if (layers > 1) cli_html(t, " <span class=\"dim\">(%zu)</span>", layers);
  cli_html(t,
           "</td><td class=\"n\">%zu → %zu</td><td class=\"n\">%.2f → %.2f</td><td class=\"n\">%.1f "
           "%%</td></tr>\n",
           before.launches, after.launches, before.us, after.us, percent(after.us, all));
}

static void write_parts(nf_text *t, const cli_outline *o) {
  cli_cost before = {0}, after = {0};
  const double all = cli_sum(o->list[CLI_AFTER], "us");
  begin_table(t, "Part, unfused → fused");
  cli_html(t, "</tr></thead><tbody>\n");
  for (size_t i = 0; i < o->n_classes; i++) {
    const cli_class *c = &o->class[i];
    const cli_cost b = cli_class_cost(o, CLI_BEFORE, c), a = cli_class_cost(o, CLI_AFTER, c);
    write_part(t, c->title, c->n, b, a, all);
    before = (cli_cost){before.launches + b.launches, before.us + b.us};
    after = (cli_cost){after.launches + a.launches, after.us + a.us};
  }
  write_part(t, "all", 0, before, after, all);
  cli_html(t, "</tbody></table></div>\n");
}

static void write_share(nf_text *t, const json_t *nodes, const cli_share *s, bool op) {
  cli_html(t, "<tr><td><code>");
  cli_html_name(t, s->name);
  cli_html(t, "</code></td><td class=\"n\">%zu</td><td class=\"n\">%.2f</td><td class=\"n\">%.1f %%</td>",
           s->launches, s->us, percent(s->us, cli_sum(nodes, "us")));
  char *bounds = op ? cli_bounds_of(nodes, s) : NULL;
  if (op) cli_html(t, "<td class=\"after\">%s</td>", bounds != NULL ? bounds : "?");
  cli_html(t, "</tr>\n");
  nf_free(bounds);
}

static void write_shares(nf_text *t, const json_t *nodes, const char *key) {
  const bool op = key[0] == 'o';
  size_t n;
  cli_share *share = cli_shares(nodes, NULL, key, &n);
  begin_table(t, op ? "Op" : "Bound by");
  cli_html(t, op ? "<th class=\"after\">bound by</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n");
  for (size_t i = 0; i < n; i++) write_share(t, nodes, &share[i], op);
  cli_html(t, "</tbody></table></div>\n");
  nf_free(share);
}

void cli_html_time(nf_text *t, const cli_outline *o) {
  cli_html(t, "<section><h2>Where the time goes</h2>\n");
  write_parts(t, o);
  cli_html(t,
           "<p class=\"dim\">A kernel is bound by the largest part of its estimate: moving bytes in memory, "
           "computing, bytes over links from other ranks, or its launch.</p>\n");
  write_shares(t, o->list[CLI_AFTER], "bound");
  write_shares(t, o->list[CLI_AFTER], "op");
  cli_html(t, "</section>\n");
}

// ---- kernels ----

static void write_wants(nf_text *t, json_t *wants) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      cli_html(t, "<li>wants %s padded to %.0f</li>", extent, json_number_value(padded));
}

static void write_group(const cli_group *g, void *user) {
  nf_text *t = user;
  if (cli_equal(g->node, "kernel", "?")) return; // a view
  const size_t name = strcspn(g->key, "\n");
  const char *text = g->key + name + 1;
  cli_html(t, "<details><summary><span class=\"dim\">%zux</span><code>", g->count);
  cli_html_escape(t, g->key, name);
  cli_html_fill(t, g->node,
                "</code><span class=\"dim mono\">{kernel}</span><span class=\"n\">{us:2}</span>"
                "</summary><ul><li><code>");
  cli_html_escape(t, text, strcspn(text, "\n"));
  cli_html(t, "</code></li><li>gives ");
  CLI_EACH(result, cli_at(g->node, "results")) {
    cli_html_fill(t, result, result_at != 0 ? ", <code>{type}</code>" : "<code>{type}</code>");
  }
  cli_html(t, "</li>");
  if (cli_is(g->node, "declared")) cli_html(t, "<li>declared, not written yet</li>");
  write_wants(t, json_object_get(g->node, "wants"));
  CLI_EACH(c, cli_at(g->node, "candidates")) {
    if (cli_is_refused(c, g->node)) cli_html_fill(t, c, "<li>not <code>{kernel}</code>: {verdict}</li>");
  }
  cli_html(t, "</ul></details>\n");
}

void cli_html_kernels(nf_text *t, const json_t *doc) {
  cli_html(
      t, "<section><h2>Kernels</h2><p class=\"dim\">Each kind of node with its kernel and µs; unfold for the "
         "reasons against the others.</p><div class=\"panel kernels\">\n");
  cli_each_group(cli_at(doc, "plan.nodes"), false, cli_write_node, NULL, write_group, t);
  cli_html(t, "</div></section>\n");
}

// ---- fusions ----

static void write_families(nf_text *t, const json_t *doc) {
  cli_html(t,
           "<section><h2>Families of rules</h2><div class=\"panel scroll\"><table><thead><tr><th>Family</th>"
           "<th class=\"n\">found</th><th class=\"n\">chosen</th><th class=\"n\">saved "
           "µs</th></tr></thead><tbody>\n");
  CLI_EACH(f, cli_at(doc, "fusion.families")) {
    cli_html(t, "<tr><td><code>");
    cli_html_name(t, cli_text(f, "family"));
    cli_html_fill(t, f,
                  "</code></td><td class=\"n\">{found}</td><td class=\"n\">{chosen}</td><td class=\"n ");
    cli_html(t, cli_number(f, "saved_us") > 0 ? "gain" : "dim");
    cli_html_fill(t, f, "\">{saved_us:2}</td></tr>\n");
  }
  cli_html(t, "</tbody></table></div>\n");
}

// A line of text, which is then empty.
static void write_line(nf_text *t, const char *what, nf_text *line) {
  if (!line->failed) cli_html(t, "<p>%s%s</p>\n", what, line->at);
  nf_text_deinit(line);
}

void cli_html_fusion(nf_text *t, const json_t *doc) {
  nf_text line = {0};
  write_families(t, doc);
  cli_fill(&line, doc, cli_all_reduce);
  write_line(t, "", &line);
  cli_write_normalised(&line, doc);
  write_line(t, "normalised: ", &line);
  CLI_EACH(plan, cli_at(doc, "plans")) {
    if (!cli_is_other(doc, plan)) continue;
    cli_write_plan(&line, doc, plan, true);
    write_line(t, "other plan, ", &line);
  }
  cli_html(t, "</section>\n");
}

// ---- memory ----

void cli_html_memory(nf_text *t, const json_t *doc) {
  static const char *const parts[] = {"weights", "caches", "activations", "tables", "scratch", "captures"};
  cli_html(t, "<section><h2>Memory");
  if (cli_number(doc, "model.world") > 1) cli_html_fill(t, doc, " of all {model.world} ranks");
  cli_html(t, "</h2><div class=\"cards\">\n");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    cli_html(t, "<div class=\"card\"><span>%s</span><b>%.3f</b><span>GiB</span></div>\n", parts[i],
             cli_number(cli_at(doc, "budget"), parts[i]) / (1 << 30));
  cli_html(t, "</div></section>\n");
}

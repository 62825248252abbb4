// SPDX-License-Identifier: Apache-2.0
// The page's part about time: where in the model it goes, what bounds it, and which ops take it. The parts
// add up to the totals.
#include "base/memory.h"
#include "cli/explain/doc.h"
#include "cli/explain/html.h"
#include "cli/explain/share.h"

static void begin_table(nf_text *t, const char *name) {
  cli_html(t,
           "<div class=\"panel scroll\"><table><thead><tr><th>%s</th><th class=\"n\">launches</th>"
           "<th class=\"n\">µs</th><th class=\"n\">share</th>",
           name);
}

static double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

// ---- parts of the model ----

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

// ---- bounds and ops ----

static void write_share(nf_text *t, const cli_share *s, double all, bool op) {
  cli_html(t, "<tr><td><code>");
  cli_html_name(t, s->name);
  cli_html(t, "</code></td><td class=\"n\">%zu</td><td class=\"n\">%.2f</td><td class=\"n\">%.1f %%</td>",
           s->launches, s->us, percent(s->us, all));
  char *bounds = op ? cli_share_bounds(s) : NULL;
  if (op) cli_html(t, "<td class=\"after\">%s</td>", bounds != NULL ? bounds : "?");
  cli_html(t, "</tr>\n");
  nf_free(bounds);
}

static void write_shares(nf_text *t, const json_t *nodes, const char *key) {
  const bool op = key[0] == 'o';
  size_t n;
  cli_share *share = cli_shares(nodes, key, &n);
  begin_table(t, op ? "Op" : "Bound by");
  cli_html(t, op ? "<th class=\"after\">bound by</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n");
  for (size_t i = 0; share != NULL && i < n; i++) write_share(t, &share[i], cli_sum(nodes, "us"), op);
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

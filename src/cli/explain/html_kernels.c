// SPDX-License-Identifier: Apache-2.0
// The page's part about kernels: each kind of node folded, with the reasons against the other kernels inside.
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include "cli/explain/html.h"
#include <string.h>

static void write_wants(nf_text *t, json_t *wants) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      cli_html(t, "<li>wants %s padded to %.0f</li>", extent, json_number_value(padded));
}

static void write_candidates(nf_text *t, const json_t *node) {
  write_wants(t, json_object_get(node, "wants"));
  CLI_EACH(c, json_object_get(node, "candidates")) {
    if (cli_is(c, "here") && !cli_equal(c, "kernel", cli_text(node, "kernel")))
      cli_html(t, "<li>not <code>%s</code>: %s</li>", cli_text(c, "kernel"), cli_text(c, "verdict"));
  }
}

static void write_types(nf_text *t, const json_t *node) {
  CLI_EACH(result, json_object_get(node, "results")) {
    cli_html(t, "%s<code>%s</code>", result_at != 0 ? ", " : "", cli_text(result, "type"));
  }
}

static void write_group(const cli_group *g, void *user) {
  nf_text *t = user;
  if (cli_equal(g->node, "kernel", "?")) return; // a view
  char *text = g->key + strcspn(g->key, "\n");
  if (*text != '\0') *text++ = '\0';
  text[strcspn(text, "\n")] = '\0';
  cli_html(
      t,
      "<details><summary><span class=\"dim\">%zux</span><code>%s</code><span class=\"dim mono\">%s</span>"
      "<span class=\"n\">%.2f</span></summary><ul><li><code>%s</code></li><li>gives ",
      g->count, g->key, cli_text(g->node, "kernel"), cli_number(g->node, "us"), text);
  write_types(t, g->node);
  cli_html(t, "</li>");
  if (cli_is(g->node, "declared")) cli_html(t, "<li>declared, not written yet</li>");
  write_candidates(t, g->node);
  cli_html(t, "</ul></details>\n");
}

void cli_html_kernels(nf_text *t, const json_t *doc) {
  cli_html(
      t, "<section><h2>Kernels</h2><p class=\"dim\">Each kind of node with its kernel and µs; unfold for the "
         "reasons against the others.</p><div class=\"panel kernels\">\n");
  cli_each_group(cli_in(doc, "plan", "nodes"), false, cli_write_node, NULL, write_group, t);
  cli_html(t, "</div></section>\n");
}

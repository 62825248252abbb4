// SPDX-License-Identifier: Apache-2.0
// infuse explain --brief: what was decided, a line for each site and each kind of node, and no costs: the
// form of the golden files, in which a lost fusion or another kernel is one changed line.
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <stdio.h>
#include <stdlib.h>

static void print(nf_text *t) {
  if (!t->failed) puts(t->at);
  nf_text_deinit(t);
}

static void print_filled(const json_t *object, const char *template) {
  nf_text t = {0};
  cli_fill(&t, object, template);
  print(&t);
}

static void print_candidate(const json_t *c) {
  nf_text t = {0};
  cli_fill(&t, c, "  {at}: {verdict} {rule}");
  if (cli_equal(c, "verdict", "lost")) cli_fill(&t, c, " to {lost_to}");
  if (cli_equal(c, "verdict", "refused")) cli_fill(&t, c, ": {why}");
  if (cli_chosen(c)) cli_names_of(&t, cli_at(c, "nodes"), " of ", " ");
  if (!t.failed) cli_without_layer(t.at, t.at); // what is told of one layer is true of its equals
  print(&t);
}

static void print_class(const cli_outline *o, const cli_class *c, bool all) {
  (void)all;
  if (cli_outline_count(o, CLI_SITES, c->layer) == 0) return;
  if (c->n > 1)
    printf("%s, %zu in all\n", c->title, c->n);
  else
    printf("%s\n", c->title);
  CLI_EACH_OF(site, o, CLI_SITES, c->layer) {
    CLI_EACH(candidate, cli_at(site, "candidates")) print_candidate(candidate);
  }
}

static void write_kernel(const json_t *node, nf_text *t) { cli_fill(t, node, "{name}: {op} {kernel}"); }

static void print_kernel(const cli_group *g, void *unused) {
  (void)unused;
  if (!cli_equal(g->node, "kernel", "?")) printf("  %zux %s\n", g->count, g->key);
}

static void print_counts(const json_t *doc) {
  nf_text t = {0};
  CLI_EACH(f, cli_at(doc, "fusion.families")) {
    if (cli_number(f, "found") > 0) print_filled(f, "{family}: chosen {chosen} of {found}");
  }
  print_filled(doc, cli_all_reduce);
  nf_text_printf(&t, "normalised: ");
  cli_write_normalised(&t, doc);
  print(&t);
  cli_fill(&t, doc, "launches: {plan.launches}");
  nf_text_printf(&t, ", unfused %zu", cli_launches(cli_at(doc, "unfused")));
  print(&t);
}

void cli_explain_brief(const json_t *doc) {
  print_filled(doc,
               "{model.family}, {model.layers} layers, fusions: {fusion.mode}, for steps of {range.lo} to "
               "{range.hi} tokens");
  cli_print_classes(doc, false, print_class);
  print_counts(doc);
  printf("kernels\n");
  cli_each_group(cli_at(doc, "plan.nodes"), false, write_kernel, NULL, print_kernel, NULL);
  CLI_EACH(plan, cli_at(doc, "plans")) {
    nf_text t = {0};
    if (!cli_is_other(doc, plan)) continue;
    cli_write_plan(&t, doc, plan, false);
    print(&t);
  }
}

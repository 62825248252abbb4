// SPDX-License-Identifier: Apache-2.0
// infuse explain --brief: what was decided, a line for each site and each kind of node, and no costs: the
// form of the golden files, in which a lost fusion or another kernel is one changed line.
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <stdio.h>
#include <stdlib.h>

static void print_candidate(const json_t *c) {
  nf_text t = {0};
  nf_text_printf(&t, "  %s: %s %s", cli_text(c, "at"), cli_text(c, "verdict"), cli_text(c, "rule"));
  if (cli_equal(c, "verdict", "lost")) nf_text_printf(&t, " to %s", cli_text(c, "lost_to"));
  if (cli_equal(c, "verdict", "refused")) nf_text_printf(&t, ": %s", cli_text(c, "why"));
  const json_t *nodes = cli_chosen(c) ? json_object_get(c, "nodes") : NULL;
  for (size_t i = 0; i < json_array_size(nodes); i++)
    nf_text_printf(&t, "%s%s", i == 0 ? " of " : " ", cli_name_at(nodes, i));
  if (!t.failed) cli_without_layer(t.at, t.at); // what is told of one layer is true of its equals
  if (!t.failed) puts(t.at);
  nf_text_deinit(&t);
}

static void print_class(const cli_outline *o, const cli_class *c, bool all) {
  (void)all;
  if (cli_outline_count(o, CLI_SITES, c->layer) == 0) return;
  if (c->n > 1)
    printf("%s, %zu in all\n", c->title, c->n);
  else
    printf("%s\n", c->title);
  CLI_EACH_OF(site, o, CLI_SITES, c->layer) {
    CLI_EACH(candidate, json_object_get(site, "candidates")) print_candidate(candidate);
  }
}

static void write_kernel(const json_t *node, nf_text *t) {
  nf_text_printf(t, "%s: %s %s", cli_text(node, "name"), cli_text(node, "op"), cli_text(node, "kernel"));
}

static void print_kernel(const cli_group *g, void *unused) {
  (void)unused;
  if (!cli_equal(g->node, "kernel", "?")) printf("  %zux %s\n", g->count, g->key);
}

static void print_counts(const json_t *doc) {
  const json_t *fusion = json_object_get(doc, "fusion"), *sums = json_object_get(fusion, "all_reduce");
  CLI_EACH(f, json_object_get(fusion, "families")) {
    if (cli_number(f, "found") > 0)
      printf("%s: chosen %.0f of %.0f\n", cli_text(f, "family"), cli_number(f, "chosen"),
             cli_number(f, "found"));
  }
  printf("all_reduce: fused %.0f of %.0f, with pad %.0f\n", cli_number(sums, "fused"), cli_number(sums, "of"),
         cli_number(sums, "padded"));
  char *normalised = cli_normalised(fusion);
  printf("normalised: %s\n", normalised != NULL ? normalised : "?");
  free(normalised);
  printf("launches: %.0f, unfused %zu\n", cli_number(json_object_get(doc, "plan"), "launches"),
         cli_launches(json_object_get(doc, "unfused")));
}

void cli_explain_brief(const json_t *doc) {
  const json_t *range = json_object_get(doc, "range"), *model = json_object_get(doc, "model");
  printf("%s, %.0f layers, fusions: %s, for steps of %.0f to %.0f tokens\n", cli_text(model, "family"),
         cli_number(model, "layers"), cli_text(json_object_get(doc, "fusion"), "mode"),
         cli_number(range, "lo"), cli_number(range, "hi"));
  cli_print_classes(doc, false, print_class);
  print_counts(doc);
  printf("kernels\n");
  cli_each_group(cli_in(doc, "plan", "nodes"), false, write_kernel, NULL, print_kernel, NULL);
  for (size_t i = 0; i < json_array_size(json_object_get(doc, "plans")); i++) {
    char *line = cli_other_plan(doc, i, false);
    if (line != NULL) printf("%s\n", line);
    free(line);
  }
}

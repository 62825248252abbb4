// SPDX-License-Identifier: Apache-2.0
// infuse explain --brief: what was decided, a line for each site and each kind of node, and no costs: the
// form of the golden files, in which a lost fusion or another kernel is one changed line.
#include "base/memory.h"
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// printf with the layers' numbers as '#', since what is told of one layer is true of its equals.
static void print_numberless(const nf_text *t) {
  char *line = t->failed ? NULL : nf_alloc(1, t->n + 1);
  if (line == NULL || t->n == 0) return nf_free(line);
  cli_without_layer(t->at, line);
  puts(line);
  nf_free(line);
}

static void print_candidate(const json_t *c) {
  nf_text t = {0};
  nf_text_printf(&t, "  %s: %s %s", cli_text(c, "at"), cli_text(c, "verdict"), cli_text(c, "rule"));
  if (cli_equal(c, "verdict", "lost")) nf_text_printf(&t, " to %s", cli_text(c, "lost_to"));
  if (cli_equal(c, "verdict", "refused")) nf_text_printf(&t, ": %s", cli_text(c, "why"));
  if (cli_chosen(c)) {
    const json_t *nodes = json_object_get(c, "nodes");
    for (size_t i = 0; i < json_array_size(nodes); i++)
      nf_text_printf(&t, "%s%s", i == 0 ? " of " : " ", json_string_value(json_array_get(nodes, i)));
  }
  print_numberless(&t);
  nf_text_deinit(&t);
}

static void print_class(const cli_outline *o, const cli_class *c) {
  if (cli_outline_count(o, CLI_SITES, c->layer) == 0) return;
  if (c->n > 1)
    printf("%s, %zu in all\n", c->title, c->n);
  else
    printf("%s\n", c->title);
  const json_t *site, *candidate;
  for (size_t i = 0; (site = cli_outline_next(o, CLI_SITES, c->layer, &i)) != NULL;) {
    const json_t *list = json_object_get(site, "candidates");
    for (size_t k = 0; (candidate = json_array_get(list, k)) != NULL; k++) print_candidate(candidate);
  }
}

static char *kernel_key(const json_t *node) {
  char *key = NULL;
  const char *kernel = cli_text(node, "kernel");
  return asprintf(&key, "%s: %s %s", cli_text(node, "name"), cli_text(node, "op"), kernel) < 0 ? NULL : key;
}

static void print_kernels(const json_t *nodes) {
  cli_group *groups = nf_alloc(json_array_size(nodes) + 1, sizeof *groups);
  const size_t n = groups != NULL ? cli_group_nodes(nodes, false, kernel_key, NULL, groups) : 0;
  printf("kernels\n");
  for (size_t i = 0; i < n; i++) {
    const bool view = cli_equal(groups[i].node, "kernel", "?");
    if (!view) printf("  %zux %s\n", groups[i].count, groups[i].key);
    nf_free(groups[i].key);
  }
  nf_free(groups);
}

static void print_counts(const json_t *doc) {
  const json_t *fusion = json_object_get(doc, "fusion"), *sums = json_object_get(fusion, "all_reduce");
  size_t i;
  json_t *f;
  json_array_foreach(json_object_get(fusion, "families"), i, f) {
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
  cli_outline o;
  const nf_status st = cli_outline_init(doc, false, &o);
  for (size_t i = 0; nf_is_ok(st) && i < o.n_classes; i++) print_class(&o, &o.class[i]);
  if (!nf_is_ok(st)) fprintf(stderr, "infuse: %s\n", nf_status_message(st));
  nf_status_free(st);
  cli_outline_deinit(&o);
  print_counts(doc);
  print_kernels(cli_in(doc, "plan", "nodes"));
  for (size_t i = 0; i < json_array_size(json_object_get(doc, "plans")); i++) {
    char *line = cli_other_plan(doc, i, false);
    if (line != NULL) printf("%s\n", line);
    free(line);
  }
}

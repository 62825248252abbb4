// SPDX-License-Identifier: Apache-2.0
// The difference of two documents of explain as text. What is equal but for the layer's number is told once.
#include "base/memory.h"
#include "cli/explain/diff.h"
#include "cli/explain/doc.h"
#include "cli/explain/screen.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void join(const json_t *list, char *out, size_t room) {
  size_t n = (size_t)snprintf(out, room, "%s", json_array_size(list) == 0 ? "nothing" : "");
  for (size_t i = 0; i < json_array_size(list) && n < room; i++) {
    const char *s = json_string_value(json_array_get(list, i));
    n += (size_t)snprintf(out + n, room - n, "%s%s", i != 0 ? ", " : "", s != NULL ? s : "?");
  }
}

static char *lost_key(const json_t *f) {
  char now[512], *key = NULL;
  join(json_object_get(f, "instead"), now, sizeof now);
  return asprintf(&key, "%s: %s, now %s: %s", cli_text(f, "at"), cli_text(f, "rule"), now,
                  cli_text(f, "why")) < 0
             ? NULL
             : key;
}

static char *gained_key(const json_t *f) {
  char before[512], *key = NULL;
  join(json_object_get(f, "before"), before, sizeof before);
  return asprintf(&key, "%s: %s, before %s", cli_text(f, "at"), cli_text(f, "rule"), before) < 0 ? NULL : key;
}

static char *kernel_key(const json_t *node) {
  char *key = NULL;
  return asprintf(&key, "%s: %s -> %s", cli_text(node, "name"), cli_text(node, "a"), cli_text(node, "b")) < 0
             ? NULL
             : key;
}

static char *node_key(const json_t *node) {
  char *key = NULL;
  return asprintf(&key, "%s: %s", cli_text(node, "name"), cli_text(node, "op")) < 0 ? NULL : key;
}

static void print_list(const json_t *diff, const char *what, const char *title,
                       char *(*key_of)(const json_t *), bool all) {
  const json_t *list = json_object_get(diff, what);
  cli_group *group = nf_alloc(json_array_size(list) + 1, sizeof *group);
  const size_t n = group != NULL ? cli_group_nodes(list, all, key_of, NULL, group) : 0;
  if (json_array_size(list) != 0) cli_heading("%s: %zu", title, json_array_size(list));
  for (size_t i = 0; i < n; i++) {
    cli_wrapped(2, 8, "%3zux %s", group[i].count, group[i].key);
    nf_free(group[i].key);
  }
  nf_free(group);
}

static int figure_width(void) { return cli_screen_width() >= 74 ? 16 : 11; }

static void print_total(const json_t *diff, const char *key, int decimals) {
  const double a = cli_number(json_object_get(diff, "a"), key),
               b = cli_number(json_object_get(diff, "b"), key);
  const int w = figure_width();
  printf("  %-8s %*.*f %*.*f %+*.*f", key, w, decimals, a, w, decimals, b, w, decimals, b - a);
  if (a > 0) printf("  %+7.2f %%", 100 * (b - a) / a);
  printf("\n");
}

static void print_fact(const json_t *diff, const char *key) {
  const char *a = cli_text(json_object_get(diff, "a"), key), *b = cli_text(json_object_get(diff, "b"), key);
  if (strcmp(a, b) != 0) cli_wrapped(0, 2, "%s: %s -> %s", key, a, b);
}

void cli_diff_text(const json_t *diff, bool all) {
  const size_t lost = json_array_size(json_object_get(diff, "lost")),
               gained = json_array_size(json_object_get(diff, "gained"));
  cli_wrapped(0, 2, "fusions: %zu lost, %zu gained; kernels: %zu changed", lost, gained,
              json_array_size(json_object_get(diff, "kernels")));
  print_fact(diff, "model");
  print_fact(diff, "processor");
  print_fact(diff, "mode");
  print_list(diff, "lost", "lost", lost_key, all);
  print_list(diff, "gained", "gained", gained_key, all);
  print_list(diff, "kernels", "kernels changed", kernel_key, all);
  print_list(diff, "only_a", "nodes that are gone", node_key, all);
  print_list(diff, "only_b", "nodes that are new", node_key, all);
  cli_heading("totals");
  const int w = figure_width();
  printf("  %-8s %*s %*s %*s\n", "", w, "A", w, "B", w, "B - A");
  print_total(diff, "nodes", 0);
  print_total(diff, "launches", 0);
  print_total(diff, "bytes", 0);
  print_total(diff, "us", 2);
}

// SPDX-License-Identifier: Apache-2.0
// infuse explain's text about kernels and memory.
#include "base/memory.h"
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include "cli/explain/screen.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double gib(const json_t *object, const char *key) { return cli_number(object, key) / (1 << 30); }

// ---- kernels ----

void cli_write_node(const json_t *node, nf_text *t) {
  const char *type = cli_text(json_array_get(json_object_get(node, "results"), 0), "type");
  nf_text_printf(t, "%s\n%s\n%s\n%s", cli_text(node, "name"), cli_text(node, "text"),
                 cli_text(node, "kernel"), type);
}

static void write_types(const json_t *node, nf_text *t) {
  CLI_EACH(result, json_object_get(node, "results")) {
    nf_text_printf(t, "%s%s", result_at != 0 ? ", " : "", cli_text(result, "type"));
  }
}

static void write_wants(json_t *wants, nf_text *t) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      nf_text_printf(t, ", wants %s padded to %.0f", extent, json_number_value(padded));
}

static void print_text(int indent, int hang, nf_text *t) {
  if (t->n != 0 && !t->failed) cli_wrapped(indent, hang, "%s", t->at);
  nf_text_deinit(t);
  *t = (nf_text){0};
}

static void print_refusals(const json_t *node, const char *kernel) {
  CLI_EACH(c, json_object_get(node, "candidates")) {
    if (cli_is(c, "here") && !cli_equal(c, "kernel", kernel))
      cli_wrapped(8, 12, "not %s: %s", cli_text(c, "kernel"), cli_text(c, "verdict"));
  }
}

static void print_group(const cli_group *g, void *unused) {
  (void)unused;
  const char *kernel = cli_text(g->node, "kernel");
  const int name = (int)strcspn(g->key, "\n");
  const char *body = g->key + name + 1;
  nf_text t = {0};
  nf_text_printf(&t, "%4zux %.*s : ", g->count, name, g->key);
  write_types(g->node, &t);
  print_text(0, 8, &t);
  cli_wrapped(8, 12, "= %.*s", (int)strcspn(body, "\n"), body);
  if (kernel[0] == '?') return; // a view
  nf_text_printf(&t, "%s %s, %.2f µs", cli_is(g->node, "declared") ? "would run" : "runs", kernel,
                 cli_number(g->node, "us"));
  write_wants(json_object_get(g->node, "wants"), &t);
  print_text(8, 12, &t);
  print_refusals(g->node, kernel);
}

void cli_print_kernels(const json_t *doc, bool all) {
  cli_heading("kernels");
  cli_each_group(cli_in(doc, "plan", "nodes"), all, cli_write_node, NULL, print_group, NULL);
}

// ---- memory ----

static int larger_first(const void *a, const void *b) {
  const double x = cli_number(*(json_t *const *)a, "bytes"), y = cli_number(*(json_t *const *)b, "bytes");
  return x < y ? 1 : x > y ? -1 : 0;
}

static void print_largest(const json_t *values, size_t most) {
  const size_t n = json_array_size(values);
  const json_t **order = nf_alloc(n + 1, sizeof *order);
  if (order == NULL) return;
  for (size_t i = 0; i < n; i++) order[i] = json_array_get(values, i);
  qsort(order, n, sizeof *order, larger_first);
  for (size_t i = 0; i < n && i < most; i++)
    cli_wrapped(2, 8, "%-24s %12.0f bytes at %12.0f, nodes %.0f to %.0f", cli_text(order[i], "name"),
                cli_number(order[i], "bytes"), cli_number(order[i], "offset"), cli_number(order[i], "first"),
                cli_number(order[i], "last"));
  if (n > most) printf("  and %zu smaller ones\n", n - most);
  nf_free(order);
}

// Pools of one type are told once, by the first of them.
static void print_pools(const json_t *pools) {
  CLI_EACH(pool, pools) {
    size_t before = 0, same = 0;
    CLI_EACH(other, pools) {
      const bool equal = cli_equal(other, "type", cli_text(pool, "type"));
      same += equal;
      before += equal && other_at < pool_at;
    }
    if (before == 0)
      cli_wrapped(2, 8, "%zu pools of %.0f slots of %s", same, cli_number(pool, "slots"),
                  cli_text(pool, "type"));
  }
}

void cli_print_memory(const json_t *doc, bool all) {
  const json_t *b = json_object_get(doc, "budget"), *memory = cli_in(doc, "plan", "memory");
  const double world = cli_number(json_object_get(doc, "model"), "world");
  char ranks[64] = "";
  if (world > 1) snprintf(ranks, sizeof ranks, " of all %.0f ranks", world);
  cli_heading(
      "memory%s: weights %.3f GiB, caches %.3f, activations %.3f (%.3f without sharing), tables %.3f, "
      "scratch %.3f",
      ranks, gib(b, "weights"), gib(b, "caches"), gib(b, "activations"), world * gib(memory, "unshared"),
      gib(b, "tables"), gib(b, "scratch"));
  print_pools(json_object_get(doc, "pools"));
  print_largest(json_object_get(memory, "values"), all ? SIZE_MAX : 8);
}

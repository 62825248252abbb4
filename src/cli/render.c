// SPDX-License-Identifier: Apache-2.0
#include "cli/render.h"
#include <ctype.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *object, const char *key) {
  const char *s = json_string_value(json_object_get(object, key));
  return s != NULL ? s : "?";
}
static double number(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}
static double gib(const json_t *object, const char *key) { return number(object, key) / (1 << 30); }

static json_t *parse(const char *json, size_t n) {
  json_t *doc = json_loadb(json, n, 0, NULL);
  if (doc == NULL) fprintf(stderr, "infuse: no memory to print %zu bytes\n", n);
  return doc;
}

static void print_target(const json_t *t) {
  const json_t *roof = json_object_get(t, "roofline");
  const bool gpu = number(t, "multiprocessors") > 0;
  printf("%s: %s, %.0f %s, %.1f GiB at %.0f GB/s", text(t, "device"), text(t, "name"),
         number(t, gpu ? "multiprocessors" : "cores"), gpu ? "multiprocessors" : "cores", gib(t, "memory"),
         number(roof, "bandwidth") * 1e-9);
  size_t i;
  json_t *feature;
  json_array_foreach(json_object_get(t, "features"), i, feature)
      printf("%s%s", i == 0 ? ", " : " ", json_string_value(feature));
  printf("\n");
}

void cli_render_devices(const char *json, size_t n) {
  json_t *doc = parse(json, n), *d;
  size_t i;
  json_array_foreach(json_object_get(doc, "devices"), i, d) print_target(d);
  json_array_foreach(json_object_get(doc, "unavailable"), i, d)
      printf("%s: not available: %s\n", text(d, "device"), text(d, "reason"));
  json_decref(doc);
}

// ---- explain ----

// "L12.attn.q" -> "L#.attn.q", "hidden.3" -> "hidden.#": what makes equal layers look equal. `out` has room
// for strlen(s) + 1.
static void without_layer(const char *s, char *out) {
  for (char last = ' '; *s != '\0'; s++) {
    const bool counted =
        (*s == 'L' && !isalpha((unsigned char)last)) || (*s == '.' && isalpha((unsigned char)last));
    last = *out++ = *s;
    if (!counted || !isdigit((unsigned char)s[1])) continue;
    while (isdigit((unsigned char)s[1])) s++;
    last = *out++ = '#';
  }
  *out = '\0';
}

// Nodes that differ only in their layer's number. The key holds everything that is printed.
typedef struct group {
  char *key;
  const json_t *node;
  size_t count;
} group;

static char *node_key(const json_t *node, bool all) {
  const char *type = text(json_array_get(json_object_get(node, "results"), 0), "type");
  const char *parts[] = {text(node, "name"), text(node, "text"), text(node, "kernel"), type};
  char *raw = NULL, *key;
  if (asprintf(&raw, "%s\n%s\n%s\n%s", parts[0], parts[1], parts[2], parts[3]) < 0) return NULL;
  if (all || (key = malloc(2 * strlen(raw) + 1)) == NULL) return raw;
  without_layer(raw, key);
  free(raw);
  return key;
}

static size_t group_nodes(const json_t *nodes, bool all, group *out) {
  size_t n = 0, i;
  json_t *node;
  json_array_foreach(nodes, i, node) {
    char *key = node_key(node, all);
    size_t g = 0;
    while (key != NULL && g < n && strcmp(out[g].key, key) != 0) g++;
    if (key == NULL || g < n) {
      free(key);
      if (g < n) out[g].count++;
      continue;
    }
    out[n++] = (group){.key = key, .node = node, .count = 1};
  }
  return n;
}

static void print_types(const json_t *node) {
  size_t i;
  json_t *result;
  json_array_foreach(json_object_get(node, "results"), i, result)
      printf("%s%s", i != 0 ? ", " : "", text(result, "type"));
}

static void print_wants(json_t *wants) {
  const char *extent;
  json_t *padded;
  json_object_foreach(wants, extent, padded)
      printf(", wants %s padded to %" JSON_INTEGER_FORMAT, extent, json_integer_value(padded));
}

static void print_group(const group *g) {
  const char *kernel = text(g->node, "kernel");
  const int name = (int)strcspn(g->key, "\n");
  const char *body = g->key + name + 1;
  printf("%4zux %.*s : ", g->count, name, g->key);
  print_types(g->node);
  printf("\n        = %.*s\n", (int)strcspn(body, "\n"), body);
  if (kernel[0] == '?') return; // a view
  printf("        %s %s, %.2f us", json_is_true(json_object_get(g->node, "declared")) ? "would run" : "runs",
         kernel, number(g->node, "us"));
  print_wants(json_object_get(g->node, "wants"));
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(g->node, "candidates"), i,
                     c) if (json_is_true(json_object_get(c, "here")) &&
                            strcmp(text(c, "kernel"), kernel) != 0)
      printf("\n        not %s: %s", text(c, "kernel"), text(c, "verdict"));
  printf("\n");
}

static void print_nodes(const json_t *nodes, bool all) {
  group *groups = calloc(json_array_size(nodes) + 1, sizeof *groups);
  const size_t n = groups != NULL ? group_nodes(nodes, all, groups) : 0;
  for (size_t i = 0; i < n; i++) {
    print_group(&groups[i]);
    free(groups[i].key);
  }
  free(groups);
}

static void print_model(const json_t *doc) {
  const json_t *m = json_object_get(doc, "model");
  printf("model: %s, %.0f layers, hidden %.0f, vocabulary %.0f", text(m, "family"), number(m, "layers"),
         number(m, "hidden"), number(m, "vocab"));
  if (number(m, "experts") > 0)
    printf(", %.0f experts (%.0f a token)", number(m, "experts"), number(m, "experts_per_token"));
  printf("%s\n", json_is_true(json_object_get(m, "files"))
                     ? ""
                     : "; no weight files, types from the family's inventory");
  printf("step: at most %.0f tokens of %.0f sessions of %.0f tokens, %.0f rows of logits\n",
         number(m, "batch"), number(m, "sessions"), number(m, "context"), number(m, "rows"));
}

static void print_ranks(const json_t *doc) {
  const double world = number(json_object_get(doc, "model"), "world");
  if (world > 1)
    printf(", on each of %.0f ranks, which wait for one another %.0f times", world,
           number(json_object_get(doc, "plan"), "barriers"));
}

static int larger_first(const void *a, const void *b) {
  const double x = number(*(json_t *const *)a, "bytes"), y = number(*(json_t *const *)b, "bytes");
  return x < y ? 1 : x > y ? -1 : 0;
}

static void print_largest(const json_t *values, size_t most) {
  const size_t n = json_array_size(values);
  const json_t **order = malloc((n + 1) * sizeof *order);
  if (order == NULL) return;
  for (size_t i = 0; i < n; i++) order[i] = json_array_get(values, i);
  qsort(order, n, sizeof *order, larger_first);
  for (size_t i = 0; i < n && i < most; i++)
    printf("  %-24s %12.0f bytes at %12.0f, nodes %.0f to %.0f\n", text(order[i], "name"),
           number(order[i], "bytes"), number(order[i], "offset"), number(order[i], "first"),
           number(order[i], "last"));
  if (n > most) printf("  and %zu smaller ones\n", n - most);
  free(order);
}

// Pools of one type are told once, by the first of them.
static void print_pools(const json_t *pools) {
  for (size_t i = 0; i < json_array_size(pools); i++) {
    const json_t *pool = json_array_get(pools, i);
    size_t before = 0, same = 0;
    for (size_t j = 0; j < json_array_size(pools); j++) {
      const bool equal = strcmp(text(json_array_get(pools, j), "type"), text(pool, "type")) == 0;
      same += equal;
      before += equal && j < i;
    }
    if (before == 0)
      printf("  %zu pools of %.0f slots of %s\n", same, number(pool, "slots"), text(pool, "type"));
  }
}

static void print_memory(const json_t *doc, bool all) {
  const json_t *b = json_object_get(doc, "budget"),
               *memory = json_object_get(json_object_get(doc, "plan"), "memory");
  printf("\nmemory: weights %.3f GiB, caches %.3f, activations %.3f (%.3f without sharing), tables %.3f\n",
         gib(b, "weights"), gib(b, "caches"), gib(b, "activations"),
         number(json_object_get(doc, "model"), "world") * gib(memory, "unshared"), gib(b, "tables"));
  print_pools(json_object_get(doc, "pools"));
  print_largest(json_object_get(memory, "values"), all ? SIZE_MAX : 8);
}

void cli_render_explain(const char *json, size_t n, bool all) {
  json_t *doc = parse(json, n);
  const json_t *plan = json_object_get(doc, "plan"), *nodes = json_object_get(plan, "nodes");
  if (number(plan, "declared") > 0)
    printf("note: %.0f of %.0f kernels are declared, not written yet: this plan can't be run\n",
           number(plan, "declared"), number(plan, "launches"));
  print_model(doc);
  printf("target: ");
  print_target(json_object_get(doc, "target"));
  printf("plan: %zu nodes, %.0f kernels a step, estimated %.1f us for the largest step",
         json_array_size(nodes), number(plan, "launches"), number(plan, "us"));
  print_ranks(doc);
  printf("\n\n");
  print_nodes(nodes, all);
  print_memory(doc, all);
  json_decref(doc);
}

// ---- check ----

typedef struct tally { // the cases of one kernel
  const char *kernel;
  size_t cases, failed;
  double worst; // largest error over its bound
} tally;

static void print_case(const json_t *row) {
  printf("  %-6s %-40s %s", json_is_true(json_object_get(row, "ok")) ? "ok" : "FAILED", text(row, "variant"),
         text(row, "case"));
  if (number(row, "us") > 0)
    printf("  %.1f us, %.2f GB/s, %.2f GFLOP/s", number(row, "us"), number(row, "gb_s"),
           number(row, "gflop_s"));
  if (json_string_length(json_object_get(row, "why")) != 0) printf(": %s", text(row, "why"));
  printf("\n");
}

static void count_case(const json_t *row, tally *t) {
  t->kernel = text(row, "variant");
  t->cases++;
  t->failed += !json_is_true(json_object_get(row, "ok"));
  const double ratio = number(row, "bound") > 0 ? number(row, "error") / number(row, "bound") : 0;
  t->worst = ratio > t->worst ? ratio : t->worst;
}

static void print_tally(const tally *t) {
  if (t->cases != 0)
    printf("%-36s %5zu cases  %zu failed  largest error %.2f of its bound\n", t->kernel, t->cases, t->failed,
           t->worst);
}

// One line a kernel (the rows of a kernel come together), and every case that failed or was timed.
void cli_render_check(const char *json, size_t n, bool all) {
  json_t *doc = parse(json, n), *row;
  tally t = {0};
  size_t i;
  json_array_foreach(json_object_get(doc, "rows"), i, row) {
    if (t.kernel != NULL && strcmp(t.kernel, text(row, "variant")) != 0) {
      print_tally(&t);
      t = (tally){0};
    }
    count_case(row, &t);
    if (all || number(row, "us") > 0 || !json_is_true(json_object_get(row, "ok"))) print_case(row);
  }
  print_tally(&t);
  printf("seed %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(doc, "seed")));
  json_decref(doc);
}

// ---- verify ----

// Layers' values of one kind are one line, with the worst of them.
typedef struct kind {
  char *key;
  const json_t *worst;
  size_t count;
} kind;

static size_t group_rows(const json_t *rows, bool all, kind *out) {
  size_t n = 0, i;
  json_t *row;
  json_array_foreach(rows, i, row) {
    const char *name = text(row, "name");
    char *key = malloc(2 * strlen(name) + 1);
    if (key == NULL) continue;
    if (all)
      strcpy(key, name);
    else
      without_layer(name, key);
    size_t g = 0;
    while (g < n && strcmp(out[g].key, key) != 0) g++;
    if (g == n)
      out[n++] = (kind){.key = key, .worst = row};
    else
      free(key);
    out[g].count++;
    if (number(row, "error") > number(out[g].worst, "error")) out[g].worst = row;
  }
  return n;
}

void cli_render_verify(const char *json, size_t n, bool all) {
  json_t *doc = parse(json, n);
  const json_t *rows = json_object_get(doc, "rows");
  kind *kinds = calloc(json_array_size(rows) + 1, sizeof *kinds);
  const size_t count = kinds != NULL ? group_rows(rows, all, kinds) : 0;
  printf("device %s, %.0f rank(s), %.0f tokens: %.0f kernels against the reference; the same %.0f without "
         "fusions\n",
         text(doc, "device"), number(doc, "world"), number(doc, "tokens"), number(doc, "kernels"),
         number(doc, "unfused_kernels"));
  printf("error = ||plan - reference|| / ||reference||, unfused the same without fusions\n");
  for (size_t i = 0; i < count; i++) {
    const json_t *w = kinds[i].worst;
    printf("%4zux %-24s %-15s error %.1e unfused %.1e at %-20s bound %.0e  %s\n", kinds[i].count,
           kinds[i].key, text(w, "op"), number(w, "error"), number(w, "unfused"), text(w, "name"),
           number(w, "bound"), json_is_true(json_object_get(w, "ok")) ? "ok" : "FAILED");
    free(kinds[i].key);
  }
  free(kinds);
  json_decref(doc);
}

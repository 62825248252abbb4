// SPDX-License-Identifier: Apache-2.0
#include "cli/render.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/doc.h"
#include "cli/explain.h"
#include "cli/screen.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static json_t *parse(const char *json, size_t n) {
  json_t *doc = json_loadb(json, n, 0, NULL);
  if (doc == NULL) fprintf(stderr, "infuse: no memory to print %zu bytes\n", n);
  return doc;
}

void cli_print_target(const char *before, const json_t *t) {
  const json_t *roof = json_object_get(t, "roofline");
  const bool gpu = cli_number(t, "multiprocessors") > 0;
  nf_text features = {0};
  size_t i;
  json_t *feature;
  json_array_foreach(json_object_get(t, "features"), i, feature)
      nf_text_printf(&features, "%s%s", i == 0 ? ", " : " ", json_string_value(feature));
  cli_wrapped(0, 2, "%s%s: %s, %.0f %s, %.1f GiB at %.0f GB/s%s", before, cli_text(t, "device"),
              cli_text(t, "name"), cli_number(t, gpu ? "multiprocessors" : "cores"),
              gpu ? "multiprocessors" : "cores", cli_number(t, "memory") / (1 << 30),
              cli_number(roof, "bandwidth") * 1e-9, features.n != 0 && !features.failed ? features.at : "");
  nf_text_deinit(&features);
}

void cli_render_devices(const char *json, size_t n) {
  json_t *doc = parse(json, n), *d;
  size_t i;
  json_array_foreach(json_object_get(doc, "devices"), i, d) cli_print_target("", d);
  json_array_foreach(json_object_get(doc, "unavailable"), i, d)
      printf("%s: not available: %s\n", cli_text(d, "device"), cli_text(d, "reason"));
  json_decref(doc);
}

// ---- check ----

typedef struct tally { // the cases of one kernel
  const char *kernel;
  size_t cases, failed;
  double worst; // largest error over its bound
} tally;

static void print_case(const json_t *row) {
  printf("  %-6s %-40s %s", cli_is(row, "ok") ? "ok" : "FAILED", cli_text(row, "variant"),
         cli_text(row, "case"));
  if (cli_number(row, "us") > 0)
    printf("  %.1f us, %.2f GB/s, %.2f GFLOP/s", cli_number(row, "us"), cli_number(row, "gb_s"),
           cli_number(row, "gflop_s"));
  if (json_string_length(json_object_get(row, "why")) != 0) printf(": %s", cli_text(row, "why"));
  printf("\n");
}

static void count_case(const json_t *row, tally *t) {
  t->kernel = cli_text(row, "variant");
  t->cases++;
  t->failed += !cli_is(row, "ok");
  const double ratio = cli_number(row, "bound") > 0 ? cli_number(row, "error") / cli_number(row, "bound") : 0;
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
    if (t.kernel != NULL && strcmp(t.kernel, cli_text(row, "variant")) != 0) {
      print_tally(&t);
      t = (tally){0};
    }
    count_case(row, &t);
    if (all || cli_number(row, "us") > 0 || !cli_is(row, "ok")) print_case(row);
  }
  print_tally(&t);
  printf("seed %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(doc, "seed")));
  json_decref(doc);
}

// ---- verify ----

static char *name_of(const json_t *row) { return strdup(cli_text(row, "name")); }

// Layers' values of one kind are one line, with the worst of them.
void cli_render_verify(const char *json, size_t n, bool all) {
  json_t *doc = parse(json, n);
  const json_t *rows = json_object_get(doc, "rows");
  cli_group *group = nf_alloc(json_array_size(rows) + 1, sizeof *group);
  const size_t count = group != NULL ? cli_group_nodes(rows, all, name_of, "error", group) : 0;
  printf("device %s, %.0f rank(s), %.0f tokens: %.0f kernels against the reference; the same %.0f without "
         "fusions\n",
         cli_text(doc, "device"), cli_number(doc, "world"), cli_number(doc, "tokens"),
         cli_number(doc, "kernels"), cli_number(doc, "unfused_kernels"));
  printf("error = ||plan - reference|| / ||reference||, unfused the same without fusions\n");
  for (size_t i = 0; i < count; i++) {
    const json_t *w = group[i].node;
    printf("%4zux %-24s %-15s error %.1e unfused %.1e at %-20s bound %.0e  %s\n", group[i].count,
           group[i].key, cli_text(w, "op"), cli_number(w, "error"), cli_number(w, "unfused"),
           cli_text(w, "name"), cli_number(w, "bound"), cli_is(w, "ok") ? "ok" : "FAILED");
    nf_free(group[i].key);
  }
  nf_free(group);
  json_decref(doc);
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/render.h"
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include "cli/explain/screen.h"
#include <stdio.h>
#include <string.h>

void cli_render_devices(const json_t *doc, bool all) {
  (void)all;
  CLI_EACH(d, json_object_get(doc, "devices")) cli_print_target("", d);
  CLI_EACH(d, json_object_get(doc, "unavailable")) {
    cli_wrapped(0, 2, "%s: not available: %s", cli_text(d, "device"), cli_text(d, "reason"));
  }
}

// "verify: ok, 57 values within bounds; worst L3.moe.sum: 1.6e-02 of 1e-01".
static void print_verdict(const char *command, const json_t *doc, const char *what, const char *name) {
  const json_t *worst = json_object_get(doc, "worst");
  const size_t n = json_array_size(json_object_get(doc, "rows"));
  const double failed = cli_number(doc, "failed");
  nf_text t = {0};
  nf_text_printf(&t, "%s: ", command);
  if (failed == 0)
    nf_text_printf(&t, "ok, %zu %s%s within bounds", n, what, n == 1 ? "" : "s");
  else
    nf_text_printf(&t, "FAILED: %.0f of %zu %s%s beyond bounds", failed, n, what, n == 1 ? "" : "s");
  const bool tells = cli_number(worst, "bound") > 0 || failed > 0; // else all were compared bitwise
  if (tells) nf_text_printf(&t, "; worst %s", cli_text(worst, name));
  if (tells && json_object_get(worst, "case") != NULL) nf_text_printf(&t, " (%s)", cli_text(worst, "case"));
  if (cli_number(worst, "bound") > 0)
    nf_text_printf(&t, ": %.1e of %.0e", cli_number(worst, "error"), cli_number(worst, "bound"));
  printf("\n");
  cli_wrapped(0, 2, "%s", t.failed ? "no memory for the verdict" : t.at);
  nf_text_deinit(&t);
}

// ---- check ----

typedef struct tally { // the cases of one kernel
  const char *kernel;
  size_t cases, failed;
  double worst; // largest error over its bound
} tally;

static void print_case(const json_t *row) {
  nf_text t = {0};
  nf_text_printf(&t, "%-6s %s %s", cli_is(row, "ok") ? "ok" : "FAILED", cli_text(row, "variant"),
                 cli_text(row, "case"));
  if (cli_number(row, "us") > 0)
    nf_text_printf(&t, "  %.1f µs, %.2f GB/s, %.2f GFLOP/s", cli_number(row, "us"), cli_number(row, "gb_s"),
                   cli_number(row, "gflop_s"));
  if (json_string_length(json_object_get(row, "why")) != 0) nf_text_printf(&t, ": %s", cli_text(row, "why"));
  if (!t.failed) cli_wrapped(2, 9, "%s", t.at);
  nf_text_deinit(&t);
}

static void count_case(const json_t *row, tally *t) {
  t->kernel = cli_text(row, "variant");
  t->cases++;
  t->failed += !cli_is(row, "ok");
  const double ratio = cli_number(row, "bound") > 0 ? cli_number(row, "error") / cli_number(row, "bound") : 0;
  t->worst = ratio > t->worst ? ratio : t->worst;
}

static void print_kernel(const char *name) {
  int width = 42;
  cli_fit_names(&width, 1, 7 + 7 + 12);
  cli_name(name, width);
}

static void print_tally(const tally *t) {
  if (t->cases == 0) return;
  print_kernel(t->kernel);
  printf(" %6zu %6zu %11.2f\n", t->cases, t->failed, t->worst);
}

// One line a kernel (the rows of a kernel come together), and every case that failed or was timed.
void cli_render_check(const json_t *doc, bool all) {
  tally t = {0};
  print_kernel("kernel");
  printf(" %6s %6s %11s\n", "cases", "failed", "error/bound");
  CLI_EACH(row, json_object_get(doc, "rows")) {
    if (t.kernel != NULL && strcmp(t.kernel, cli_text(row, "variant")) != 0) {
      print_tally(&t);
      t = (tally){0};
    }
    count_case(row, &t);
    if (all || cli_number(row, "us") > 0 || !cli_is(row, "ok")) print_case(row);
  }
  print_tally(&t);
  print_verdict("check", doc, "case", "variant");
  printf("seed %" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(doc, "seed")));
}

// ---- verify ----

static void write_name(const json_t *row, nf_text *t) { nf_text_printf(t, "%s", cli_text(row, "name")); }

enum { ERRORS = 6 + 1 + 2 * 8 + 6 + 5 + 7 }; // columns of a line beside its names

// Where the worst of equal layers is: its layer.
static void print_error(const cli_group *g, void *unused) {
  (void)unused;
  const json_t *w = g->node;
  const long layer = cli_layer_of(cli_text(w, "name"));
  char at[24] = "-";
  if (layer >= 0) snprintf(at, sizeof at, "%ld", layer);
  printf("%4zux ", g->count);
  cli_two_names(g->key, 24, cli_text(w, "op"), 24, ERRORS);
  printf(" %7.1e %7.1e %5.0e %4s %s\n", cli_number(w, "error"), cli_number(w, "unfused"),
         cli_number(w, "bound"), at, cli_is(w, "ok") ? "ok" : "FAILED");
}

// Layers' values of one kind are one line, with the worst of them.
void cli_render_verify(const json_t *doc, bool all) {
  cli_wrapped(
      0, 2,
      "device %s, %.0f rank%s, %.0f tokens: %.0f kernels against the reference; the same %.0f without "
      "fusions",
      cli_text(doc, "device"), cli_number(doc, "world"), cli_number(doc, "world") == 1 ? "" : "s",
      cli_number(doc, "tokens"), cli_number(doc, "kernels"), cli_number(doc, "unfused_kernels"));
  cli_wrapped(0, 2,
              "error = ||plan - reference|| / ||reference|| of the worst layer, unfused the same "
              "without fusions");
  printf("\n      ");
  cli_two_names("value", 24, "op", 24, ERRORS);
  printf(" %7s %7s %5s %4s\n", "error", "unfused", "bound", "at L");
  cli_each_group(json_object_get(doc, "rows"), all, write_name, "error", print_error, NULL);
  print_verdict("verify", doc, "value", "name");
}

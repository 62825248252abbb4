// SPDX-License-Identifier: Apache-2.0
// Text of the documents of verify, check and devices; explain has files of its own (explain/).
#include "base/text.h"
#include "cli/cli.h"
#include "report/doc.h"
#include "report/report.h"
#include "report/screen.h"
#include <stdio.h>
#include <string.h>

static void print_topology(const json_t *topology) {
  nf_text t = {0};
  REPORT_EACH(c, report_at(topology, "caches")) {
    const double kib = report_number(c, "bytes") / 1024;
    if (kib > 0)
      nf_text_printf(&t, ", L%.0f %.0f %s%s", report_number(c, "level"), kib < 1024 ? kib : kib / 1024,
                     kib < 1024 ? "KiB" : "MiB", report_number(c, "n") == 1 ? "" : " each");
  }
  if (topology != NULL && json_is_object(topology) && t.n != 0 && !t.failed)
    report_say(0, 2, topology,
               "topology: {packages} package{packages:s}, {cores} core{cores:s}, {cpus} CPU{cpus:s}, "
               "{memory_nodes} memory node{memory_nodes:s}");
  if (t.n != 0 && !t.failed) report_wrapped(0, 2, "caches: %s", t.at + 2);
  nf_text_deinit(&t);
}

// "reads 54.8 GB/s (one thread 28.5: 52 %)". Nothing for a unit that is not there.
static void print_speed(nf_text *t, const json_t *measured, const char *what, const char *key,
                        const char *unit) {
  const double all = report_number(report_at(measured, "all"), key),
               one = report_number(report_at(measured, "one"), key);
  if (all > 0)
    nf_text_printf(t, "%s%s %.*f %s (one thread %.*f: %.0f %%)", t->n != 0 ? ", " : "", what, all < 1e12,
                   all * 1e-9, unit, one < 1e12, one * 1e-9, 100 * one / all);
}

static void print_measured(const json_t *measured) {
  static const char *const rows[][3] = {{"reads", "bandwidth", "GB/s"},
                                        {"multiplies f32", "f32", "GFLOP/s"},
                                        {"bf16 in tiles", "bf16", "GFLOP/s"},
                                        {"int8 in tiles", "8bit", "Gop/s"}};
  nf_text t = {0};
  for (size_t i = 0; i < 4; i++) print_speed(&t, measured, rows[i][0], rows[i][1], rows[i][2]);
  nf_text_printf(&t, ", a launch takes %.1f µs", 1e6 * report_number(report_at(measured, "all"), "launch"));
  if (json_is_object(measured) && !t.failed)
    report_wrapped(0, 2, "measured, %.0f thread%s: %s", report_number(measured, "threads"),
                   report_number(measured, "threads") == 1 ? "" : "s", t.at);
  nf_text_deinit(&t);
}

int cli_render_devices(const json_t *doc, const cli_options *o) {
  (void)o;
  REPORT_EACH(d, report_at(doc, "devices")) {
    report_print_target("", d);
    if (json_is_object(report_at(d, "measured")))
      report_say(0, 2, d,
                 "{device} measured: reads {measured.bandwidth:0B} GB/s, copies {measured.copy:0B} GB/s");
  }
  print_topology(report_at(doc, "topology"));
  print_measured(report_at(doc, "measured"));
  REPORT_EACH(d, report_at(doc, "unavailable")) report_say(0, 2, d, "{device}: not available: {reason}");
  return 0;
}

// "verify: ok, 57 values within bounds; worst L3.moe.sum: 1.6e-02 of 1e-01".
static void print_verdict(const char *command, const json_t *doc, const char *what, const char *worst) {
  const size_t n = json_array_size(report_at(doc, "rows"));
  const double failed = report_number(doc, "failed"), bound = report_number(doc, "worst.bound");
  nf_text t = {0};
  nf_text_printf(&t, "%s: ", command);
  if (failed == 0)
    nf_text_printf(&t, "ok, %zu %s%s within bounds", n, what, n == 1 ? "" : "s");
  else
    nf_text_printf(&t, "FAILED: %.0f of %zu %s%s beyond bounds", failed, n, what, n == 1 ? "" : "s");
  if (bound > 0 || failed > 0) report_fill(&t, doc, worst); // else all were compared bitwise
  if (bound > 0) nf_text_printf(&t, ": %.1e of %.0e", report_number(doc, "worst.error"), bound);
  printf("\n");
  report_line(0, 2, &t);
}

// ---- check ----

typedef struct tally { // the cases of one kernel
  const char *kernel;
  size_t cases, failed;
  double worst; // largest error over its bound
} tally;

static void print_case(const json_t *row) {
  nf_text t = {0};
  report_fill(&t, row, report_is(row, "ok") ? "ok     {variant} {case}" : "FAILED {variant} {case}");
  if (report_number(row, "us") > 0) report_fill(&t, row, "  {us:1} µs, {gb_s:2} GB/s, {gflop_s:2} GFLOP/s");
  if (json_string_length(report_at(row, "why")) != 0) report_fill(&t, row, ": {why}");
  report_line(2, 9, &t);
}

static void count_case(const json_t *row, tally *t) {
  t->kernel = report_text(row, "variant");
  t->cases++;
  t->failed += !report_is(row, "ok");
  const double ratio =
      report_number(row, "bound") > 0 ? report_number(row, "error") / report_number(row, "bound") : 0;
  t->worst = ratio > t->worst ? ratio : t->worst;
}

static void print_kernel(const char *name) {
  int width = 42;
  report_fit_names(&width, 1, 7 + 7 + 12);
  report_name(name, width);
}

static void print_tally(const tally *t) {
  if (t->cases == 0) return;
  print_kernel(t->kernel);
  printf(" %6zu %6zu %11.2f\n", t->cases, t->failed, t->worst);
}

// One line a kernel (the rows of a kernel come together), and every case that failed or was timed.
int cli_render_check(const json_t *doc, const cli_options *o) {
  tally t = {0};
  print_kernel("kernel");
  printf(" %6s %6s %11s\n", "cases", "failed", "error/bound");
  REPORT_EACH(row, report_at(doc, "rows")) {
    if (t.kernel != NULL && strcmp(t.kernel, report_text(row, "variant")) != 0) {
      print_tally(&t);
      t = (tally){0};
    }
    count_case(row, &t);
    if (o->all || report_number(row, "us") > 0 || !report_is(row, "ok")) print_case(row);
  }
  print_tally(&t);
  print_verdict("check", doc, "case", "; worst {worst.variant} ({worst.case})");
  printf("seed %" JSON_INTEGER_FORMAT "\n", json_integer_value(report_at(doc, "seed")));
  return 0;
}

// ---- verify ----

static void write_name(const json_t *row, nf_text *t) { report_fill(t, row, "{name}"); }

enum { ERRORS = 6 + 1 + 2 * 8 + 6 + 5 + 7 }; // columns of a line beside its names

// Where the worst of equal layers is: its layer.
static void print_error(const report_group *g, void *unused) {
  (void)unused;
  const json_t *w = g->node;
  const long layer = report_layer_of(report_text(w, "name"));
  char at[24] = "-";
  if (layer >= 0) snprintf(at, sizeof at, "%ld", layer);
  printf("%4zux ", g->count);
  report_two_names(g->key, 24, report_text(w, "op"), 24, ERRORS);
  printf(" %7.1e %7.1e %5.0e %4s %s\n", report_number(w, "error"), report_number(w, "unfused"),
         report_number(w, "bound"), at, report_is(w, "ok") ? "ok" : "FAILED");
}

// Layers' values of one kind are one line, with the worst of them.
int cli_render_verify(const json_t *doc, const cli_options *o) {
  report_say(
      0, 2, doc,
      "device {device}, {world} rank{world:s}, {tokens} tokens: {kernels} kernels against the reference; "
      "the same {unfused_kernels} without fusions");
  report_wrapped(0, 2,
                 "error = ||plan - reference|| / ||reference|| of the worst layer, unfused the same "
                 "without fusions");
  printf("\n      ");
  report_two_names("value", 24, "op", 24, ERRORS);
  printf(" %7s %7s %5s %4s\n", "error", "unfused", "bound", "at L");
  report_each_group(report_at(doc, "rows"), o->all, write_name, "error", print_error, NULL);
  print_verdict("verify", doc, "value", "; worst {worst.name}");
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// infuse bench: rows of text, laid out as vLLM's are.
#include "base/json.h"
#include "cli/bench.h"
#include "report/doc.h"
#include "report/screen.h"
#include <stdio.h>
#include <string.h>

enum { WIDTH = 50, LABEL = 40 };

void cli_print_title(const char *title, char fill) {
  char line[WIDTH + 1];
  const int n = (int)strlen(title), left = (WIDTH - n) / 2;
  memset(line, fill, WIDTH);
  memcpy(line + left, title, (size_t)n);
  line[WIDTH] = '\0';
  puts(line);
}

void cli_print_row(const json_t *doc, const char *label, const char *key) {
  const bool whole = json_is_integer(report_at(doc, key));
  printf("%-*s %-10.*f\n", LABEL, label, whole ? 0 : 2, report_number(doc, key));
}

// ---- times ----

static void print_time(const json_t *doc, const char *what, const char *key_of, const char *name,
                       const char *label) {
  char text[LABEL + 1], key[64];
  snprintf(text, sizeof text, "%s %s (ms):", what, label);
  snprintf(key, sizeof key, "%s_%s_ms", key_of, name);
  // A percentile's key may hold a point, which report_at takes for a path.
  printf("%-*s %-10.2f\n", LABEL, text, json_number_value(json_object_get(doc, key)));
}

void cli_print_times(const json_t *doc, const char *title, const char *name, const char *label,
                     const double *percent, size_t n) {
  cli_print_title(title, '-');
  print_time(doc, "Mean", "mean", name, label);
  print_time(doc, "Median", "median", name, label);
  for (size_t i = 0; i < n; i++) {
    char what[32], key[32];
    snprintf(what, sizeof what, "P%g", percent[i]);
    snprintf(key, sizeof key, "p%g", percent[i]);
    print_time(doc, what, key, name, label);
  }
}

void cli_print_reads(const json_t *doc) {
  if (report_number(doc, "weight_gb_s") <= 0) return;
  cli_print_title("Reading of weights while decoding", '-');
  cli_print_row(doc, "Weights read a step (MB):", "weight_mb_per_step");
  cli_print_row(doc, "Weights read (GB/s):", "weight_gb_s");
  if (report_number(doc, "read_gb_s") <= 0) return;
  cli_print_row(doc, "Memory reads, measured (GB/s):", "read_gb_s");
  cli_print_row(doc, "Share of what memory reads:", "read_share");
}

// ---- kernels ----

typedef struct totals { // of a step, µs
  double measured, roof;
} totals;

static void print_kernel(const json_t *row, totals *t) {
  const double us = report_number(row, "us"), roof = report_number(row, "roof_us"),
               n = report_number(row, "nodes");
  int width = 34;
  report_fit_names(&width, 1, 7 + 11 + 11 + 9 + 9 + 7);
  report_name(report_text(row, "variant"), width);
  printf(" %6.0f %10.1f %10.1f %8.1f %8.1f %6.0f\n", n, us, n * us, report_number(row, "gb_s"),
         report_number(row, "gflop_s"), 100 * roof / us);
  report_wrapped(2, 4, "%s", report_text(row, "case"));
  t->measured += n * us;
  t->roof += n * roof;
}

static void print_step(const json_t *doc, double tokens) {
  totals t = {0};
  report_heading("a step of %.0f token%s", tokens, tokens == 1 ? "" : "s");
  printf("kernel: nodes, us each, us of all, GB/s, GFLOP/s, %% of the roof that the cost model states\n");
  REPORT_EACH(row, report_at(doc, "rows")) {
    if (report_number(row, "tokens") == tokens) print_kernel(row, &t);
  }
  printf("total: %.1f us, %.0f %% of its roof\n", t.measured, t.measured > 0 ? 100 * t.roof / t.measured : 0);
}

// Rows are of steps of one token, and where steps may be larger of the largest.
void cli_show_kernels(const json_t *doc) {
  double most = 1;
  REPORT_EACH(row, report_at(doc, "rows")) {
    if (report_number(row, "tokens") > most) most = report_number(row, "tokens");
  }
  print_step(doc, 1);
  if (most > 1) print_step(doc, most);
}

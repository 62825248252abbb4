// SPDX-License-Identifier: Apache-2.0
// infuse eval: its document as text, and held to bounds.
#include "cli/eval.h"
#include "report/doc.h"
#include <math.h>
#include <stdio.h>

// ---- tasks ----

static void show_rate(const json_t *task, const char *key, const char *what) {
  const json_t *rate = report_at(task, key);
  if (rate != NULL)
    printf("  %-16s %6.1f %% ± %.1f  of %.0f\n", what, 100 * report_number(rate, "value"),
           100 * report_number(rate, "stderr"), report_number(rate, "n"));
}

static void show_text(const json_t *task) {
  const json_t *text = report_at(task, "text");
  if (text == NULL) return;
  printf("  %-16s %8.3f ± %.3f  over %.0f tokens\n", "perplexity", report_number(text, "perplexity"),
         report_number(text, "perplexity_stderr"), report_number(text, "tokens"));
  printf("  %-16s %8.3f\n", "bits per byte", report_number(text, "bits_per_byte"));
}

static void show_task(const json_t *task, const char *name) {
  static const char *const rates[][2] = {{"exact_match", "exact match"},
                                         {"valid_call", "valid calls"},
                                         {"exact_call", "exact calls"},
                                         {"acc", "acc"},
                                         {"acc_norm", "acc_norm"}};
  printf("%s\n", name);
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) show_rate(task, rates[i][0], rates[i][1]);
  show_text(task);
  const double cut = report_number(task, "cut");
  if (cut > 0) printf("  %-16s %6.0f answers ended for want of room (-n, --ctx)\n", "cut", cut);
}

// ---- others ----

static void show_pairs(const json_t *p) {
  if (p == NULL) return;
  const double n = report_number(p, "n");
  printf("  %-16s %6.1f %% and %.1f %%: %+.2f points; only the base %.0f, only this one %.0f; McNemar p = "
         "%.2g\n",
         "scores", 100 * report_number(p, "base") / n, 100 * report_number(p, "other") / n,
         report_number(p, "points"), report_number(p, "only_base"), report_number(p, "only_other"),
         report_number(p, "p"));
}

static void show_other(const json_t *other) {
  printf("against %s\n", report_text(other, "options"));
  printf("  %-16s %.3g ± %.1g nats a token, %.3g at most, over %.0f tokens\n", "KL",
         report_number(other, "kl"), report_number(other, "kl_stderr"), report_number(other, "kl_max"),
         report_number(other, "tokens"));
  printf("  %-16s %6.2f %% ± %.2f\n", "top-1 the same", 100 * report_number(other, "top1"),
         100 * report_number(other, "top1_stderr"));
  show_pairs(report_at(other, "paired"));
}

void cli_show_eval(const json_t *doc) {
  const json_t *tasks = report_at(doc, "tasks");
  REPORT_EACH(task, tasks) show_task(task, report_text(task, "file"));
  if (json_array_size(tasks) > 1) show_task(report_at(doc, "total"), "all files");
  REPORT_EACH(other, report_at(doc, "against")) show_other(other);
  printf("%.0f tokens in %.1f s (%.0f/s), %.0f of them drawn\n", report_number(doc, "base.tokens"),
         report_number(doc, "base.seconds"), report_number(doc, "base.tokens_per_second"),
         report_number(doc, "base.drawn"));
}

// ---- bounds ----

typedef struct bound {
  const char *option, *what;
  double limit; // below 0: none
  double value;
  bool least; // the value must not be below it, else not above
} bound;

static bool holds(const bound *b, const json_t *other) {
  if (b->limit < 0 || (b->least ? b->value >= b->limit : b->value <= b->limit)) return true;
  fprintf(stderr, "infuse: --against '%s': %s is %.4g, %s %s %.4g\n", report_text(other, "options"), b->what,
          b->value, b->least ? "below" : "above", b->option, b->limit);
  return false;
}

static bool within(const json_t *other, const cli_options *o) {
  const bool paired = report_at(other, "paired") != NULL;
  const bound bounds[] = {
      {"--max-kl", "the mean KL", o->max_kl, report_number(other, "kl"), false},
      {"--min-top1", "top-1 agreement in percent", o->min_top1, 100 * report_number(other, "top1"), true},
      {"--max-points", "the difference in points", o->max_points, fabs(report_number(other, "paired.points")),
       false},
      {"--min-p-value", "McNemar's p", o->min_p_value, paired ? report_number(other, "paired.p") : 1, true}};
  bool all = true;
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) all &= holds(&bounds[i], other);
  return all;
}

int cli_check_bounds(const json_t *doc, const cli_options *o) {
  bool all = true;
  REPORT_EACH(other, report_at(doc, "against")) all &= within(other, o);
  return all ? 0 : 1;
}

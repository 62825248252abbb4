// SPDX-License-Identifier: Apache-2.0
// infuse explain as text: what was fused in each distinct layer and why not the rest; what it is worth;
// kernels; memory.
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include "cli/explain/outline.h"
#include "cli/explain/screen.h"
#include "cli/explain/share.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NEAR = 5, SHOWN_OPS = 8 };

// ---- the head ----

void cli_print_target(const char *before, const json_t *t) {
  const json_t *roof = json_object_get(t, "roofline");
  const bool gpu = cli_number(t, "multiprocessors") > 0;
  nf_text features = {0};
  const json_t *list = json_object_get(t, "features");
  for (size_t i = 0; i < json_array_size(list); i++)
    nf_text_printf(&features, "%s%s", i == 0 ? ", " : " ", cli_name_at(list, i));
  cli_wrapped(0, 2, "%s%s: %s, %.0f %s, %.1f GiB at %.0f GB/s%s", before, cli_text(t, "device"),
              cli_text(t, "name"), cli_number(t, gpu ? "multiprocessors" : "cores"),
              gpu ? "multiprocessors" : "cores", cli_number(t, "memory") / (1 << 30),
              cli_number(roof, "bandwidth") * 1e-9, features.n != 0 && !features.failed ? features.at : "");
  nf_text_deinit(&features);
}

static void print_head(const json_t *doc) {
  const json_t *m = json_object_get(doc, "model"), *plan = json_object_get(doc, "plan");
  if (cli_number(plan, "declared") > 0)
    cli_wrapped(0, 2, "note: %.0f of %.0f kernels are declared, not written yet: this plan can't be run",
                cli_number(plan, "declared"), cli_number(plan, "launches"));
  char experts[64] = "";
  if (cli_number(m, "experts") > 0)
    snprintf(experts, sizeof experts, ", %.0f experts (%.0f a token)", cli_number(m, "experts"),
             cli_number(m, "experts_per_token"));
  cli_wrapped(0, 2, "model: %s, %.0f layers, hidden %.0f, vocabulary %.0f%s%s", cli_text(m, "family"),
              cli_number(m, "layers"), cli_number(m, "hidden"), cli_number(m, "vocab"), experts,
              cli_is(m, "files") ? "" : "; no weight files, types from the family's inventory");
  cli_wrapped(0, 2, "step: at most %.0f tokens of %.0f sessions of %.0f tokens, %.0f rows of logits",
              cli_number(m, "batch"), cli_number(m, "sessions"), cli_number(m, "context"),
              cli_number(m, "rows"));
  cli_print_target("target: ", json_object_get(doc, "target"));
  if (cli_number(m, "world") > 1)
    cli_wrapped(0, 2, "ranks: %.0f, each with a share of the weights; %.0f barriers a step",
                cli_number(m, "world"), cli_number(plan, "barriers"));
  char *fit = cli_fit(doc);
  if (fit != NULL) cli_wrapped(0, 2, "memory: %s", fit);
  free(fit);
}

// For whoever sees such a report for the first time.
static void print_guide(const json_t *doc) {
  cli_wrapped(0, 2,
              "how to read this: a fusion replaces several nodes of the graph by one kernel. For each "
              "distinct layer there is a line for every place where one was chosen, with the estimated "
              "µs of the nodes before and of the kernel after; below it the fusions that were not "
              "chosen, and why. Near misses are fusions of which only the first nodes matched. Then "
              "totals, where the time goes, the kernel of every node, and memory. µs are estimates for "
              "comparing plans, not forecasts%s.",
              cli_number(json_object_get(doc, "model"), "world") > 1 ? "; they are one rank's" : "");
}

// ---- sites ----

enum { FIGURES = 2 + 1 + 3 * 9 }; // columns of a line beside its names

static void print_names(const char *site, const char *rule) {
  printf("  ");
  cli_two_names(site, 24, rule, 38, FIGURES);
}

static void print_chosen(const cli_outline *o, const json_t *site) {
  size_t n = 0;
  CLI_EACH(c, json_object_get(site, "candidates")) {
    if (!cli_chosen(c)) continue;
    const double before = cli_number(c, "before_us"), after = cli_number(c, "after_us");
    print_names(cli_text(c, "at"), cli_text(c, "rule"));
    printf(" %8.2f %8.2f %8.2f\n", before, after, before - after);
    char *joins = cli_outline_joins(o, c);
    if (joins != NULL) cli_wrapped(4, 8, "joins %s", joins);
    free(joins);
    n++;
  }
  if (n == 0) print_names(cli_text(site, "at"), "none"), printf("\n");
}

static void print_others(const json_t *site) {
  CLI_EACH(c, json_object_get(site, "candidates")) {
    char *verdict = cli_chosen(c) ? NULL : cli_verdict(c);
    const bool here = cli_equal(c, "at", cli_text(site, "at"));
    if (verdict != NULL)
      cli_wrapped(4, 8, "%s%s%s: %s", cli_text(c, "rule"), here ? "" : " at ", here ? "" : cli_text(c, "at"),
                  verdict);
    free(verdict);
  }
  if (json_is_false(json_object_get(site, "exact")))
    printf("    the best that was found; the search was cut short\n");
}

static void print_reason(const cli_reason *r) {
  const double depth = cli_number(r->near, "depth");
  cli_wrapped(4, 8, "%s at %s, %.0f node%s deep: %s: %s", r->rules, cli_text(r->near, "at"), depth,
              depth == 1 ? "" : "s", cli_text(r->near, "node"), cli_text(r->near, "why"));
}

static void print_near(const cli_outline *o, const cli_class *c, bool all) {
  cli_reason *reason = NULL;
  const size_t n = cli_reasons(o, c->layer, &reason), shown = all || n <= SHOWN_NEAR ? n : SHOWN_NEAR;
  if (n != 0) printf("  near misses:\n");
  for (size_t i = 0; i < shown; i++) print_reason(&reason[i]);
  if (shown < n) printf("    and %zu more, no deeper (--all prints them)\n", n - shown);
  cli_reasons_free(reason, n);
}

static void print_class(const cli_outline *o, const cli_class *c, bool all) {
  const bool sites = cli_outline_count(o, CLI_SITES, c->layer) != 0;
  if (!sites && cli_outline_count(o, CLI_NEAR, c->layer) == 0) return;
  if (c->n > 1)
    cli_heading("%s (%zu equal ones; names and costs of layer %zu)", c->title, c->n, c->layer - 1);
  else
    cli_heading("%s", c->title);
  if (sites) print_names("site", "fusion"), printf(" %8s %8s %8s\n", "before", "after", "saved µs");
  CLI_EACH_OF(site, o, CLI_SITES, c->layer) {
    print_chosen(o, site);
    print_others(site);
  }
  print_near(o, c, all);
}

// ---- totals ----

// Figures in columns as wide as the screen has room for.
static int figure_width(void) {
  const size_t wide = cli_screen_width();
  return wide >= 80 ? 14 : wide >= 66 ? 11 : 9;
}

// What a line is about, beside so many columns of figures.
static void print_label(const char *what, int figures) {
  int width = 30;
  cli_fit_names(&width, 1, 2 + figures);
  printf("  ");
  cli_name(what, width);
}

static void print_total(const char *what, double unfused, double fused, int decimals) {
  const int w = figure_width();
  print_label(what, 4 * (w + 1));
  printf(" %*.*f %*.*f %*.*f", w, decimals, unfused, w, decimals, fused, w, decimals, unfused - fused);
  if (unfused > 0) printf(" %*.1f %%", w - 6, 100 * (unfused - fused) / unfused);
  printf("\n");
}

static void print_totals(const json_t *doc) {
  const json_t *plan = json_object_get(doc, "plan"), *nodes = json_object_get(plan, "nodes"),
               *unfused = json_object_get(doc, "unfused");
  const double tokens = cli_number(json_object_get(doc, "range"), "at"), per = tokens > 0 ? tokens : 1,
               world = cli_number(json_object_get(doc, "model"), "world"), before = cli_sum(unfused, "us"),
               after = cli_number(plan, "us");
  char rank[64] = "";
  if (world > 1) snprintf(rank, sizeof rank, ", of one rank of %.0f", world);
  cli_heading("totals of a step of %.0f token%s, estimated%s", per, per == 1 ? "" : "s", rank);
  const int w = figure_width();
  print_label("", 4 * (w + 1));
  printf(" %*s %*s %*s\n", w, "unfused", w, "fused", w, "saved");
  print_total("nodes", (double)json_array_size(unfused), (double)json_array_size(nodes), 0);
  print_total("launches", (double)cli_launches(unfused), cli_number(plan, "launches"), 0);
  print_total("MB moved", cli_sum(unfused, "bytes") / 1e6, cli_sum(nodes, "bytes") / 1e6, 1);
  print_total("µs per token", before / per, after / per, 2);
  if (before <= 0 || after <= 0) return;
  print_label(world > 1 ? "tokens/s of all ranks" : "tokens/s", 4 * (w + 1));
  printf(" %*.1f %*.1f\n", w, per * 1e6 / before, w, per * 1e6 / after);
}

// ---- where the time goes ----

static void print_share(const cli_share *s, double all, bool op) {
  int width[2] = {30, op ? 30 : 0}; // of the name, and of what bounds an op
  cli_fit_names(width, 2, 2 + 30 + 2);
  printf("  ");
  cli_name(s->name, width[0]);
  printf(" %9.2f µs %5.1f %% %5zux", s->us, all > 0 ? 100 * s->us / all : 0, s->launches);
  char *bounds = op ? cli_share_bounds(s) : NULL;
  if (bounds != NULL) printf("  ");
  cli_last_name(bounds != NULL ? bounds : "", width[1]);
  free(bounds);
}

static void print_shares(const json_t *doc, const char *key, const char *title, size_t most) {
  const json_t *nodes = cli_in(doc, "plan", "nodes");
  size_t n;
  cli_share *share = cli_shares(nodes, key, &n);
  cli_heading("%s", title);
  for (size_t i = 0; share != NULL && i < n && i < most; i++)
    print_share(&share[i], cli_sum(nodes, "us"), strcmp(key, "op") == 0);
  if (n > most) printf("  and %zu more (--all prints them)\n", n - most);
  free(share);
}

static void print_time(const json_t *doc, bool all) {
  print_shares(doc, "bound", "where the time goes: what kernels are bound by", SIZE_MAX);
  print_shares(doc, "op", "where the time goes: ops", all ? SIZE_MAX : SHOWN_OPS);
}

static void print_families(const json_t *fusion) {
  CLI_EACH(f, json_object_get(fusion, "families")) {
    print_label(cli_text(f, "family"), 11 + 13 + 19);
    printf(" found %4.0f, chosen %4.0f, saves %8.2f µs\n", cli_number(f, "found"), cli_number(f, "chosen"),
           cli_number(f, "saved_us"));
  }
  const json_t *sums = json_object_get(fusion, "all_reduce");
  printf("all_reduce: fused %.0f of %.0f, with pad %.0f\n", cli_number(sums, "fused"), cli_number(sums, "of"),
         cli_number(sums, "padded"));
}

static void print_normalised(const json_t *fusion) {
  char *line = cli_normalised(fusion);
  if (line != NULL) cli_wrapped(0, 2, "normalised: %s", line);
  free(line);
}

static void print_plans(const json_t *doc) {
  for (size_t i = 0; i < json_array_size(json_object_get(doc, "plans")); i++) {
    char *line = cli_other_plan(doc, i, true);
    if (line != NULL) cli_wrapped(0, 2, "other plan, %s (--range LO:HI tells more)", line);
    free(line);
  }
}

static void print_fusions(const json_t *doc, bool all) {
  const json_t *fusion = json_object_get(doc, "fusion"), *range = json_object_get(doc, "range");
  cli_heading("fusions (%s) for steps of %.0f to %.0f tokens, with costs at %.0f", cli_text(fusion, "mode"),
              cli_number(range, "lo"), cli_number(range, "hi"), cli_number(range, "at"));
  print_plans(doc);
  cli_print_classes(doc, all, print_class);
  print_totals(doc);
  print_time(doc, all);
  cli_heading("families of rules");
  print_families(fusion);
  print_normalised(fusion);
}

void cli_explain_text(const json_t *doc, bool all) {
  print_head(doc);
  print_guide(doc);
  print_fusions(doc, all);
  cli_print_kernels(doc, all);
  cli_print_memory(doc, all);
}

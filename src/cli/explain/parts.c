// SPDX-License-Identifier: Apache-2.0
// What the forms of infuse explain have in common: orders, and facts in one line.
#include "base/memory.h"
#include "base/text.h"
#include "cli/explain/doc.h"
#include "cli/explain/explain.h"
#include <stdio.h>
#include <string.h>

// ---- near misses ----

// Ties stay as they were in the document, which is the order of the graph.
static bool deeper(const json_t *a, const json_t *b) {
  return cli_number(a, "depth") > cli_number(b, "depth");
}

static void nearest_first(const cli_outline *o, size_t layer, const json_t **out) {
  size_t n = 0;
  CLI_EACH_OF(near, o, CLI_NEAR, layer) {
    size_t k = n++;
    for (; k > 0 && deeper(near, out[k - 1]); k--) out[k] = out[k - 1];
    out[k] = near;
  }
}

static bool same_reason(const json_t *a, const json_t *b) {
  return b != NULL && cli_equal(a, "at", cli_text(b, "at")) && cli_equal(a, "node", cli_text(b, "node")) &&
         cli_equal(a, "why", cli_text(b, "why"));
}

// The reason of near[0], which is taken out with all that share it.
static bool take_reason(const json_t **near, size_t n, cli_reason *out) {
  nf_text rules = {0};
  out->near = near[0];
  for (size_t i = 0; i < n; i++) {
    if (!same_reason(out->near, near[i])) continue;
    nf_text_printf(&rules, "%s%s", i != 0 ? ", " : "", cli_text(near[i], "rule"));
    near[i] = NULL;
  }
  out->rules = cli_taken(&rules);
  return out->rules != NULL;
}

size_t cli_reasons(const cli_outline *o, size_t layer, cli_reason **out) {
  const size_t n = cli_outline_count(o, CLI_NEAR, layer);
  const json_t **near = nf_alloc(n + 1, sizeof *near);
  *out = nf_alloc(n + 1, sizeof **out);
  size_t found = 0;
  if (near != NULL && *out != NULL) nearest_first(o, layer, near);
  for (size_t i = 0; near != NULL && *out != NULL && i < n; i++)
    if (near[i] != NULL) found += take_reason(near + i, n - i, &(*out)[found]);
  nf_free(near);
  return found;
}

void cli_reasons_free(cli_reason *r, size_t n) {
  for (size_t i = 0; i < n; i++) nf_free(r[i].rules);
  nf_free(r);
}

void cli_print_classes(const json_t *doc, bool all,
                       void (*print)(const cli_outline *, const cli_class *, bool)) {
  cli_outline o;
  const nf_status st = cli_outline_init(doc, all, &o);
  for (size_t i = 0; nf_is_ok(st) && i < o.n_classes; i++) print(&o, &o.class[i], all);
  if (!nf_is_ok(st)) fprintf(stderr, "infuse: %s\n", nf_status_message(st));
  nf_status_free(st);
  cli_outline_deinit(&o);
}

// ---- lines ----

char *cli_verdict(const json_t *c) {
  nf_text t = {0};
  if (cli_equal(c, "verdict", "lost"))
    nf_text_printf(&t, "lost to %s by %.2f µs", cli_text(c, "lost_to"), cli_number(c, "by_us"));
  else if (cli_chosen(c))
    nf_text_printf(&t, "chosen");
  else
    nf_text_printf(&t, "%s: %s", cli_text(c, "verdict"), cli_text(c, "why"));
  return cli_taken(&t);
}

static double gib(const json_t *object, const char *key) { return cli_number(object, key) / (1 << 30); }

static const char *owner(const json_t *doc, const json_t *budget, bool ranks) {
  if (cli_equal(budget, "limit_of", "option")) return "--memory";
  if (cli_equal(budget, "limit_of", "rank")) return ranks ? "its GPU" : "the GPU";
  return json_is_string(cli_in(doc, "target", "target")) ? "the target" : "this machine";
}

// What alone would help, as options.
static void write_would_fit(nf_text *t, const json_t *budget) {
  static const char *const keys[][2] = {
      {"context", "--ctx"}, {"sessions", "--sessions"}, {"world", "--world"}};
  const json_t *would = json_object_get(budget, "would_fit");
  const char *before = "; would fit with";
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (json_object_get(would, keys[i][0]) == NULL) continue;
    nf_text_printf(t, "%s %s %.0f", before, keys[i][1], cli_number(would, keys[i][0]));
    before = ", or";
  }
  if (json_object_size(would) == 0)
    nf_text_printf(t, "; no shorter context, fewer sessions or more ranks alone would do");
}

char *cli_fit(const json_t *doc) {
  const json_t *b = json_object_get(doc, "budget");
  const double world = cli_number(json_object_get(doc, "model"), "world"), need = gib(b, "need"),
               limit = gib(b, "limit");
  nf_text t = {0};
  nf_text_printf(&t, "%s: ", cli_is(b, "fits") ? "fits" : "does not fit");
  if (world <= 1)
    nf_text_printf(&t, "needs");
  else if (cli_equal(b, "limit_of", "rank"))
    nf_text_printf(&t, "a rank needs");
  else
    nf_text_printf(&t, "all %.0f ranks together need", world);
  nf_text_printf(&t, " %.*f GiB of %s's %.1f, %.1f %s", need < 1 ? 3 : 1, need, owner(doc, b, world > 1),
                 limit, need > limit ? need - limit : limit - need,
                 cli_is(b, "fits") ? "to spare" : "too much");
  if (!cli_is(b, "fits")) write_would_fit(&t, b);
  return cli_taken(&t);
}

static size_t times(const json_t *list, const char *rule, size_t from) {
  size_t n = 0;
  CLI_EACH(item, list) n += item_at >= from && cli_equal(item, "rule", rule);
  return n;
}

char *cli_normalised(const json_t *fusion) {
  const json_t *list = json_object_get(fusion, "normalised");
  const size_t n = json_array_size(list);
  nf_text t = {0};
  for (size_t i = 0; i < n; i++) {
    const char *rule = cli_text(json_array_get(list, i), "rule");
    const size_t all = times(list, rule, 0), rest = times(list, rule, i);
    if (all == rest)
      nf_text_printf(&t, "%s%s %zu time%s", i != 0 ? ", " : "", rule, all, all == 1 ? "" : "s");
  }
  if (n == 0) nf_text_printf(&t, "nothing");
  return cli_taken(&t);
}

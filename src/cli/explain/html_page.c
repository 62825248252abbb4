// SPDX-License-Identifier: Apache-2.0
// infuse explain --html: one page that needs nothing else, neither files nor a script.
#include "base/file.h"
#include "cli/explain/explain.h"
#include "cli/explain/html.h"
#include <math.h>
#include <string.h>

// ---- the head ----

// The last part of a model's path, or all of it where that has no name: ".", "..".
static void write_name(nf_text *t, const json_t *doc, const cli_page *page) {
  const char *path = page->model != NULL ? page->model : cli_text(doc, "model.family");
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') begin--;
  const bool named = end > begin && path[begin] != '.';
  nf_text name = {0};
  nf_text_append(&name, named ? path + begin : path, named ? end - begin : strlen(path));
  cli_html(t, "%s on %s", name.failed ? "?" : name.at, cli_text(doc, "target.name"));
  nf_text_deinit(&name);
}

static void write_origin(nf_text *t, const cli_page *page) {
  if (page->version == NULL && page->command == NULL && page->date == NULL) return;
  cli_html(t, "<p class=\"dim\">Made by infuse");
  if (page->version != NULL) cli_html(t, " %s", page->version);
  if (page->date != NULL) cli_html(t, " on %s", page->date);
  if (page->command != NULL) cli_html(t, " with <code>%s</code>", page->command);
  cli_html(t, ".</p>\n");
}

static void write_facts(nf_text *t, const json_t *doc) {
  cli_html_fill(t, doc,
                "<p class=\"dim\">{model.family}: {model.layers} layers, hidden {model.hidden}, vocabulary "
                "{model.vocab}");
  if (cli_number(doc, "model.experts") > 0)
    cli_html_fill(t, doc, ", {model.experts} experts ({model.experts_per_token} a token)");
  cli_html_fill(t, doc,
                ". Steps of {range.lo} to {range.hi} tokens, costs estimated at {range.at}. Fusions: "
                "{fusion.mode}.");
  if (cli_number(doc, "model.world") > 1)
    cli_html_fill(t, doc,
                  " On {model.world} ranks, with {plan.barriers} barriers a step; times, launches, nodes and "
                  "bytes are one rank's.");
  cli_html(t, "</p>\n");
}

static void write_notes(nf_text *t, const json_t *doc) {
  if (cli_number(doc, "plan.declared") > 0)
    cli_html_fill(
        t, doc,
        "<p class=\"note\">{plan.declared} of {plan.launches} kernels are declared, not written yet: "
        "this plan can't be run.</p>\n");
  nf_text fit = {0};
  cli_write_fit(&fit, doc);
  if (!fit.failed)
    cli_html(t, "<p class=\"note%s\">Memory %s.</p>\n", cli_is(doc, "budget.fits") ? " good" : "", fit.at);
  nf_text_deinit(&fit);
}

// `more`: a larger figure is the better one. `of`: of which ranks they are.
static void write_card(nf_text *t, const char *what, const char *of, double unfused, double fused,
                       int decimals, bool more) {
  cli_html(t, "<div class=\"card\"><span>%s%s</span>", what, of);
  nf_text_printf(t, "<b>%.*f</b><span>unfused %.*f</span>", decimals, fused, decimals, unfused);
  const double share = unfused > 0 ? 100 * fabs(unfused - fused) / unfused : 0;
  if (share >= 0.05 && (fused > unfused) == more)
    cli_html(t, " <span class=\"saved\">%s%.1f %%</span>", more ? "+" : "−", share);
  cli_html(t, "</div>\n");
}

static void write_totals(nf_text *t, const json_t *doc) {
  const json_t *nodes = cli_at(doc, "plan.nodes"), *unfused = cli_at(doc, "unfused");
  const double per = fmax(cli_number(doc, "range.at"), 1), before = cli_sum(unfused, "us"),
               after = cli_number(doc, "plan.us");
  const bool ranks = cli_number(doc, "model.world") > 1;
  const char *one = ranks ? ", one rank" : "", *all = ranks ? " of all ranks" : "";
  cli_html(t, "<div class=\"cards\">\n");
  if (before > 0 && after > 0) write_card(t, "tokens/s", all, per * 1e6 / before, per * 1e6 / after, 2, true);
  write_card(t, "µs per token", one, before / per, after / per, 2, false);
  write_card(t, "launches", one, (double)cli_launches(unfused), cli_number(doc, "plan.launches"), 0, false);
  write_card(t, "nodes", one, (double)json_array_size(unfused), (double)json_array_size(nodes), 0, false);
  write_card(t, "MB moved", one, cli_sum(unfused, "bytes") / 1e6, cli_sum(nodes, "bytes") / 1e6, 2, false);
  cli_html(t, "</div>\n");
}

// ---- the page ----

static void write_legend(nf_text *t) {
  cli_html(t,
           "<p class=\"dim\">Below, each distinct layer before and after fusing. A fusion replaces several "
           "nodes of the graph by one kernel: a coloured frame holds what it takes in, or what it made. "
           "Figures are estimated µs; dashed are values from and to elsewhere; views, which cost nothing, "
           "are not drawn.</p>\n");
}

static nf_status write_page(nf_text *t, const json_t *doc, const cli_page *page, const cli_outline *o) {
  cli_html(t, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
              "content=\"width=device-width, initial-scale=1\"><title>");
  write_name(t, doc, page);
  cli_html(t, ": infuse explain</title>\n<style>");
  nf_text_printf(t, "%s", cli_html_style);
  cli_html(t, "</style></head>\n<body>\n<h1>");
  write_name(t, doc, page);
  cli_html(t, "</h1>\n");
  write_facts(t, doc);
  write_origin(t, page);
  write_notes(t, doc);
  write_totals(t, doc);
  cli_html_time(t, o);
  cli_html_fusion(t, doc);
  write_legend(t);
  NF_TRY(cli_html_layers(t, o));
  cli_html_kernels(t, doc);
  cli_html_memory(t, doc);
  cli_html(t, "</body></html>\n");
  return nf_text_status(t);
}

static nf_status write_file(const char *path, const nf_text *t) {
  nf_new_file f;
  NF_TRY(nf_new_file_create(path, &f));
  const nf_status st = nf_new_file_write(&f, 0, t->at, t->n);
  if (nf_is_ok(st)) return nf_new_file_commit(&f);
  nf_new_file_close(&f);
  return st;
}

nf_status cli_explain_html(const json_t *doc, const cli_page *page, const char *path) {
  nf_text t = {0};
  cli_outline o;
  nf_status st = cli_outline_init(doc, false, &o);
  if (nf_is_ok(st)) st = write_page(&t, doc, page, &o);
  if (nf_is_ok(st)) st = write_file(path, &t);
  cli_outline_deinit(&o);
  nf_text_deinit(&t);
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// infuse explain --html: one page that needs nothing else, neither files nor a script.
#include "base/file.h"
#include "report/html.h"
#include "report/report.h"
#include <math.h>
#include <string.h>

// ---- the head ----

// The last part of a model's path, or all of it where that has no name: ".", "..".
static void write_name(nf_text *t, const json_t *doc, const report_page *page) {
  const char *path = page->model != NULL ? page->model : report_text(doc, "model.family");
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') begin--;
  const bool named = end > begin && path[begin] != '.';
  nf_text name = {0};
  nf_text_append(&name, named ? path + begin : path, named ? end - begin : strlen(path));
  report_html(t, "%s on %s", name.failed ? "?" : name.at, report_text(doc, "target.name"));
  nf_text_deinit(&name);
}

static void write_origin(nf_text *t, const report_page *page) {
  if (page->version == NULL && page->command == NULL && page->date == NULL) return;
  report_html(t, "<p class=\"dim\">Made by infuse");
  if (page->version != NULL) report_html(t, " %s", page->version);
  if (page->date != NULL) report_html(t, " on %s", page->date);
  if (page->command != NULL) report_html(t, " with <code>%s</code>", page->command);
  report_html(t, ".</p>\n");
}

static void write_facts(nf_text *t, const json_t *doc) {
  report_html_fill(
      t, doc,
      "<p class=\"dim\">{model.family}: {model.layers} layers, hidden {model.hidden}, vocabulary "
      "{model.vocab}");
  if (report_number(doc, "model.experts") > 0)
    report_html_fill(t, doc, ", {model.experts} experts ({model.experts_per_token} a token)");
  report_html_fill(t, doc,
                   ". Steps of {range.lo} to {range.hi} tokens, costs estimated at {range.at}. Fusions: "
                   "{fusion.mode}.");
  if (report_number(doc, "model.world") > 1)
    report_html_fill(
        t, doc,
        " On {model.world} ranks, with {plan.barriers} barriers a step; times, launches, nodes and "
        "bytes are one rank's.");
  report_html(t, "</p>\n");
}

static void write_notes(nf_text *t, const json_t *doc) {
  if (report_number(doc, "plan.declared") > 0)
    report_html_fill(
        t, doc,
        "<p class=\"note\">{plan.declared} of {plan.launches} kernels are declared, not written yet: "
        "this plan can't be run.</p>\n");
  nf_text fit = {0};
  report_write_fit(&fit, doc);
  if (!fit.failed)
    report_html(t, "<p class=\"note%s\">Memory %s.</p>\n", report_is(doc, "budget.fits") ? " good" : "",
                fit.at);
  nf_text_deinit(&fit);
}

// `more`: a larger figure is the better one. `of`: of which ranks they are.
static void write_card(nf_text *t, const char *what, const char *of, double unfused, double fused,
                       int decimals, bool more) {
  report_html(t, "<div class=\"card\"><span>%s%s</span>", what, of);
  nf_text_printf(t, "<b>%.*f</b><span>unfused %.*f</span>", decimals, fused, decimals, unfused);
  const double share = unfused > 0 ? 100 * fabs(unfused - fused) / unfused : 0;
  if (share >= 0.05 && (fused > unfused) == more)
    report_html(t, " <span class=\"saved\">%s%.1f %%</span>", more ? "+" : "−", share);
  report_html(t, "</div>\n");
}

static void write_totals(nf_text *t, const json_t *doc) {
  const json_t *nodes = report_at(doc, "plan.nodes"), *unfused = report_at(doc, "unfused");
  const double per = fmax(report_number(doc, "range.at"), 1), before = report_sum(unfused, "us"),
               after = report_number(doc, "plan.us");
  const bool ranks = report_number(doc, "model.world") > 1;
  const char *one = ranks ? ", one rank" : "", *all = ranks ? " of all ranks" : "";
  report_html(t, "<div class=\"cards\">\n");
  if (before > 0 && after > 0) write_card(t, "tokens/s", all, per * 1e6 / before, per * 1e6 / after, 2, true);
  write_card(t, "µs per token", one, before / per, after / per, 2, false);
  write_card(t, "launches", one, (double)report_launches(unfused), report_number(doc, "plan.launches"), 0,
             false);
  write_card(t, "nodes", one, (double)json_array_size(unfused), (double)json_array_size(nodes), 0, false);
  write_card(t, "MB moved", one, report_sum(unfused, "bytes") / 1e6, report_sum(nodes, "bytes") / 1e6, 2,
             false);
  report_html(t, "</div>\n");
}

// ---- the page ----

static void write_legend(nf_text *t) {
  report_html(
      t, "<p class=\"dim\">Below, each distinct layer before and after fusing. A fusion replaces several "
         "nodes of the graph by one kernel: a coloured frame holds what it takes in, or what it made. "
         "Figures are estimated µs; dashed are values from and to elsewhere; views, which cost nothing, "
         "are not drawn.</p>\n");
}

static nf_status write_page(nf_text *t, const json_t *doc, const report_page *page, const report_outline *o) {
  report_html(t, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                 "content=\"width=device-width, initial-scale=1\"><title>");
  write_name(t, doc, page);
  report_html(t, ": infuse explain</title>\n<style>");
  nf_text_printf(t, "%s", report_html_style);
  report_html(t, "</style></head>\n<body>\n<h1>");
  write_name(t, doc, page);
  report_html(t, "</h1>\n");
  write_facts(t, doc);
  write_origin(t, page);
  write_notes(t, doc);
  write_totals(t, doc);
  report_html_time(t, o);
  report_html_fusion(t, doc);
  write_legend(t);
  NF_TRY(report_html_layers(t, o));
  report_html_kernels(t, doc);
  report_html_memory(t, doc);
  report_html(t, "</body></html>\n");
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

nf_status report_write_page(const json_t *doc, const report_page *page, nf_text *out) {
  report_outline o;
  nf_status st = report_outline_init(doc, false, &o);
  if (nf_is_ok(st)) st = write_page(out, doc, page, &o);
  report_outline_deinit(&o);
  return st;
}

nf_status report_save_page(const json_t *doc, const report_page *page, const char *path) {
  nf_text t = {0};
  nf_status st = report_write_page(doc, page, &t);
  if (nf_is_ok(st)) st = write_file(path, &t);
  nf_text_deinit(&t);
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// The page's part about layers: for each distinct one the graph before and after, its sites, its near misses.
#include "base/memory.h"
#include "report/doc.h"
#include "report/html.h"
#include "report/report.h"
#include <string.h>

// ---- drawings ----

enum { SIDE_BY_SIDE = 580 }; // the widest of which two fit beside each other

// Of equal layers whose costs differ: the first one's, and that of them all.
static void write_cost(nf_text *t, const report_outline *o, const report_class *c, report_part part) {
  const report_cost one = report_outline_cost(o, part, c->layer), all = report_class_cost(o, part, c);
  report_html(t, "%zu launch%s, %.2f µs", one.launches, one.launches == 1 ? "" : "es", one.us);
  if (c->n > 1) report_html(t, " (all %zu layers: %.2f µs)", c->n, all.us);
}

static void write_graph(nf_text *t, const char *title, const report_outline *o, const report_class *c,
                        report_part part, const report_drawing *d) {
  report_html(t, "<div class=\"panel\"><h3>%s: ", title);
  write_cost(t, o, c, part);
  report_html(t,
              "</h3><p class=\"swipe dim\" style=\"--w:%.0fpx\">Wider than the screen: swipe or scroll "
              "sideways.</p><div class=\"scroll\">",
              d->size.x);
  if (d->fits)
    report_svg(t, d);
  else
    report_html(t, "<p class=\"dim\">Too large to be drawn.</p>");
  report_html(t, "</div></div>\n");
}

// But for what uses its values elsewhere.
static bool same_graph(const report_drawing *a, const report_drawing *b) {
  bool same = a->n_boxes == b->n_boxes && a->n_frames == 0;
  for (size_t i = 0; same && i < a->n_boxes; i++)
    same = a->box[i].kind == b->box[i].kind &&
           (a->box[i].kind != REPORT_NODE ||
            (strcmp(a->box[i].name, b->box[i].name) == 0 && strcmp(a->box[i].op, b->box[i].op) == 0));
  return same;
}

static nf_status write_drawings(nf_text *t, const report_outline *o, const report_class *c) {
  report_drawing before, after = {0};
  nf_status st = report_draw(o, c, REPORT_BEFORE, &before);
  if (nf_is_ok(st)) st = report_draw(o, c, REPORT_AFTER, &after);
  const bool same = nf_is_ok(st) && same_graph(&before, &after);
  const bool wide = before.size.x > SIDE_BY_SIDE || after.size.x > SIDE_BY_SIDE;
  report_html(t, "<div class=\"%s\">", same || wide ? "stack" : "pair");
  if (nf_is_ok(st))
    write_graph(t, same ? "Unchanged" : "Before", o, c, same ? REPORT_AFTER : REPORT_BEFORE, &before);
  if (nf_is_ok(st) && !same) write_graph(t, "After", o, c, REPORT_AFTER, &after);
  report_html(t, "</div>\n");
  report_drawing_deinit(&before);
  report_drawing_deinit(&after);
  return st;
}

// ---- sites ----

static void write_chosen(nf_text *t, const report_outline *o, const json_t *c, size_t frame) {
  report_html(t, "<tr><td><span class=\"dot c%zu\"></span><b class=\"mono\">", frame % REPORT_FRAME_COLOURS);
  report_html_name(t, report_text(c, "rule"));
  report_html(t, "</b><br><span class=\"dim\">at <code>");
  report_html_name(t, report_text(c, "at"));
  report_html(t, "</code></span>");
  char *joins = report_outline_joins(o, c);
  if (joins != NULL) report_html(t, "<br><span class=\"joins\">joins %s</span>", joins);
  nf_free(joins);
  report_html_fill(t, c, "</td><td class=\"n\">{before_us:2}</td><td class=\"n\">{after_us:2}</td>");
  report_html(t, "<td class=\"n gain\">%.2f</td></tr>\n",
              report_number(c, "before_us") - report_number(c, "after_us"));
}

static size_t write_all_chosen(nf_text *t, const report_outline *o, const json_t *site, size_t *frame) {
  size_t n = 0;
  REPORT_EACH(c, report_at(site, "candidates")) {
    if (!report_chosen(c)) continue;
    write_chosen(t, o, c, (*frame)++);
    n++;
  }
  if (n == 0)
    report_html_fill(t, site,
                     "<tr><td colspan=\"4\">no fusion<br><span class=\"dim\">at <code>{at}</code></span>"
                     "</td></tr>\n");
  return n;
}

// What was not chosen, and that the search was cut short, in a row below.
static void write_others(nf_text *t, const json_t *site, size_t chosen) {
  const bool cut = json_is_false(json_object_get(site, "exact"));
  if (json_array_size(report_at(site, "candidates")) <= chosen && !cut) return;
  report_html(t, "<tr class=\"not\"><td colspan=\"4\"><ul>");
  REPORT_EACH(c, report_at(site, "candidates")) {
    if (report_chosen(c)) continue;
    report_html_fill(t, c,
                     report_alike(c, site, "at") ? "<li><code>{rule}</code>: "
                                                 : "<li><code>{rule} at {at}</code>: ");
    report_html_fill(t, c, report_verdict(c));
    report_html(t, "</li>");
  }
  if (cut) report_html(t, "<li>the best that was found; the search was cut short</li>");
  report_html(t, "</ul></td></tr>\n");
}

static void write_sites(nf_text *t, const report_outline *o, const report_class *c) {
  size_t frame = 0; // as the drawings count them
  if (report_outline_count(o, REPORT_SITES, c->layer) == 0) return;
  report_html(t, "<div class=\"panel scroll\"><table><thead><tr><th>Fusion</th><th class=\"n\">before</th>"
                 "<th class=\"n\">after</th><th class=\"n\">saved µs</th></tr></thead><tbody>\n");
  REPORT_EACH_OF(site, o, REPORT_SITES, c->layer) write_others(t, site, write_all_chosen(t, o, site, &frame));
  report_html(t, "</tbody></table></div>\n");
}

// ---- near misses ----

static void write_near(nf_text *t, const report_outline *o, const report_class *c) {
  json_t *list = report_near(o, c->layer);
  const size_t n = json_array_size(list);
  if (n != 0) report_html(t, "<details class=\"panel\"><summary>Near misses: %zu</summary><ul>\n", n);
  REPORT_EACH(near, list) {
    report_html_fill(t, near,
                     "<li><code>{rule}</code> at <code>{at}</code>, {depth} node{depth:s} deep: "
                     "<code>{node}</code>: {why}</li>\n");
  }
  if (n != 0) report_html(t, "</ul></details>\n");
  json_decref(list);
}

// ---- the whole ----

static nf_status write_class(nf_text *t, const report_outline *o, const report_class *c) {
  report_html(t, "<section><h2>%s", c->title);
  if (c->n > 1)
    report_html(t, " <span class=\"dim\">(%zu equal ones; names of layer %zu)</span>", c->n, c->layer - 1);
  report_html(t, "</h2>\n");
  NF_TRY(write_drawings(t, o, c));
  write_sites(t, o, c);
  write_near(t, o, c);
  report_html(t, "</section>\n");
  return nf_text_status(t);
}

nf_status report_html_layers(nf_text *t, const report_outline *o) {
  report_html(t, "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs><marker id=\"tip\" "
                 "viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
                 "orient=\"auto-start-reverse\"><path d=\"M0 1L8 4L0 7z\"/></marker></defs></svg>\n");
  for (size_t i = 0; i < o->n_classes; i++) NF_TRY(write_class(t, o, &o->class[i]));
  return nf_ok();
}

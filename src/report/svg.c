// SPDX-License-Identifier: Apache-2.0
// A drawing as SVG. Frames lie below: what a fusion takes in is outlined as one shape, by drawing its boxes
// and wires thick in the rim's colour and again, thinner, in the fill's.
#include "report/html.h"
#include <stdio.h>
#include <string.h>

enum { RIM = 9 };

static void write_path(nf_text *t, const report_wire *w) {
  const report_point *p = w->point;
  report_html(t, "M%.1f %.1f", p[0].x, p[0].y);
  for (size_t i = 1; i < w->n_points; i += 2) { // a curve to the next rank, then straight through it
    const double middle = (p[i - 1].y + p[i].y) / 2;
    report_html(t, "C%.1f %.1f %.1f %.1f %.1f %.1f", p[i - 1].x, middle, p[i].x, middle, p[i].x, p[i].y);
    if (i + 1 < w->n_points) report_html(t, "L%.1f %.1f", p[i + 1].x, p[i + 1].y);
  }
}

static void rectangle(nf_text *t, const report_place *p, double grown, double round) {
  report_html(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\"/>",
              p->x - p->w / 2 - grown, p->y - p->h / 2 - grown, p->w + 2 * grown, p->h + 2 * grown, round);
}

// ---- frames ----

static void write_shape(nf_text *t, const report_drawing *d, size_t frame, double grown) {
  for (size_t i = 0; i < d->n_boxes; i++)
    if (d->box[i].frame == frame) rectangle(t, &d->place[i], grown, grown + 4);
  for (size_t i = 0; i < d->n_wires; i++) {
    if (d->box[d->wire[i].from].frame != frame || d->box[d->wire[i].to].frame != frame) continue;
    report_html(t, "<path stroke-width=\"%.1f\" d=\"", 2 * grown);
    write_path(t, &d->wire[i]);
    report_html(t, "\"/>");
  }
}

static void write_frame(nf_text *t, const report_drawing *d, size_t frame) {
  report_html(t, "<g class=\"frame c%zu rim\">", frame % REPORT_FRAME_COLOURS);
  write_shape(t, d, frame, RIM);
  report_html(t, "</g><g class=\"frame c%zu fill\">", frame % REPORT_FRAME_COLOURS);
  write_shape(t, d, frame, RIM - 1.5);
  report_html(t, "</g>");
}

// The rule's name above the topmost box, within the picture, and which layers it joins.
static void write_label(nf_text *t, const report_drawing *d, size_t frame) {
  const report_place *top = NULL;
  for (size_t i = 0; i < d->n_boxes; i++)
    if (d->box[i].frame == frame && (top == NULL || d->place[i].y < top->y)) top = &d->place[i];
  if (top == NULL) return;
  const double most = d->size.x - report_box_text_width(strlen(d->frame[frame])) - 4;
  double x = top->x - top->w / 2 - RIM + 4;
  x = x > most ? most : x;
  report_html(t, "<text class=\"label c%zu\" x=\"%.1f\" y=\"%.1f\">%s</text>", frame % REPORT_FRAME_COLOURS,
              x > 4 ? x : 4, top->y - top->h / 2 - RIM - 4, d->frame[frame]);
}

// ---- boxes ----

// Cut in the middle, where names of one layer are alike, to what the box has room for.
static void write_fitting(nf_text *t, const char *s, double room) {
  const size_t n = strlen(s), most = (size_t)(room / report_box_text_width(1) + 0.5);
  char cut[128];
  if (n <= most || most < 8 || nf_utf8_check(s, n) < n || most >= sizeof cut - 4) {
    report_html(t, "%s", s);
    return;
  }
  size_t head = most / 2, tail = n - (most - head - 1); // not within a character
  while (head > 0 && ((unsigned char)s[head] & 0xC0) == 0x80) head--;
  while (tail < n && ((unsigned char)s[tail] & 0xC0) == 0x80) tail++;
  snprintf(cut, sizeof cut, "%.*s…%s", (int)head, s, s + tail);
  report_html(t, "%s", cut);
}

static void write_node(nf_text *t, const report_box *b, const report_place *p) {
  const double left = p->x - p->w / 2 + 9, right = p->x + p->w / 2 - 9;
  report_html(t, "<text class=\"op\" x=\"%.1f\" y=\"%.1f\">", left, p->y - 4);
  write_fitting(t, b->op, p->w - 18 - report_box_text_width(5));
  report_html(t, "</text><text class=\"us\" x=\"%.1f\" y=\"%.1f\">%.2f", right, p->y - 4, b->least_us);
  if (b->most_us - b->least_us >= 0.005) report_html(t, "–%.2f", b->most_us);
  report_html(t, "</text><text class=\"name\" x=\"%.1f\" y=\"%.1f\">", left, p->y + 11);
}

static void write_box(nf_text *t, const report_box *b, const report_place *p) {
  static const char *const classes[] = {
      [REPORT_NODE] = "node", [REPORT_COMES] = "pill", [REPORT_GOES] = "pill"};
  report_html(t, "<g class=\"%s\"><title>%s%s%s</title>", classes[b->kind], b->op != NULL ? b->op : "",
              b->op != NULL             ? ": "
              : b->kind == REPORT_COMES ? "from elsewhere: "
                                        : "used elsewhere, by ",
              b->name);
  rectangle(t, p, 0, b->kind == REPORT_NODE ? 5 : p->h / 2);
  if (b->kind == REPORT_NODE)
    write_node(t, b, p);
  else
    report_html(t, "<text class=\"name\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">", p->x, p->y + 4);
  write_fitting(t, b->name, p->w - 18);
  report_html(t, "</text></g>");
}

void report_svg(nf_text *t, const report_drawing *d) {
  report_html(t,
              "<svg class=\"graph\" style=\"--w:%.0fpx\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
              "aria-label=\"graph of %zu boxes\">\n",
              d->size.x, d->size.x, d->size.y, d->n_boxes);
  for (size_t f = 0; f < d->n_frames; f++) write_frame(t, d, f);
  report_html(t, "\n");
  for (size_t i = 0; i < d->n_wires; i++) {
    report_html(t, "<path class=\"wire\" d=\"");
    write_path(t, &d->wire[i]);
    report_html(t, "\"/>\n");
  }
  for (size_t i = 0; i < d->n_boxes; i++) {
    write_box(t, &d->box[i], &d->place[i]);
    report_html(t, "\n");
  }
  for (size_t f = 0; f < d->n_frames; f++) write_label(t, d, f);
  report_html(t, "</svg>");
}

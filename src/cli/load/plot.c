// SPDX-License-Identifier: Apache-2.0
// The plot of bench serve.
#include "cli/load/plot.h"
#include "report/doc.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 760, HEIGHT = 300, LEFT = 58, TOP = 52, WIDE = 300, HIGH = 190, BETWEEN = 80, MOST_TICKS = 5 };

typedef struct axis {
  double lo, hi;
  bool logarithmic;
} axis;

typedef struct field { // one of the two
  const json_t *points;
  const char *name, *title;
  axis x, y;
  double left;
} field;

typedef struct curve {
  const char *what, *colour, *label;
} curve;
static const curve curves[] = {{"median", "#1f6fb4", "median"}, {"p99", "#c4561a", "99th percentile"}};
enum { N_CURVES = sizeof curves / sizeof *curves };

static double value(const field *f, const json_t *point, const curve *c) {
  char key[32];
  snprintf(key, sizeof key, "%s_%s_ms", c->what, f->name);
  return report_number(point, key);
}

// ---- axes ----

static double place(const axis *a, double v) {
  if (a->logarithmic) return log(v / a->lo) / log(a->hi / a->lo);
  return (v - a->lo) / (a->hi - a->lo);
}

static double at_x(const field *f, double v) { return f->left + WIDE * place(&f->x, v); }
static double at_y(const field *f, double v) { return TOP + HIGH * (1 - place(&f->y, v)); }

// 1, 2 or 5 times a power of ten, so that at most MOST_TICKS of it make `range`.
static double step_of(double range) {
  const double raw = range / MOST_TICKS, power = pow(10, floor(log10(raw)));
  const double times = raw / power;
  return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

// Linear from 0; logarithmic, between powers of ten, where values are more than 30 times apart.
static axis axis_of(double least, double most, bool may_be_logarithmic) {
  if (!(most > 0)) return (axis){0, 1, false};
  if (may_be_logarithmic && least > 0 && most > 30 * least)
    return (axis){pow(10, floor(log10(least))), pow(10, ceil(log10(most))), true};
  const double step = step_of(most);
  return (axis){0, step * ceil(most / step), false};
}

static void find_axes(field *f) {
  double fastest = 0, least = INFINITY, most = 0;
  REPORT_EACH(p, f->points) {
    fastest = fmax(fastest, report_number(p, "output_throughput"));
    for (int c = 0; c < N_CURVES; c++) {
      least = fmin(least, value(f, p, &curves[c]));
      most = fmax(most, value(f, p, &curves[c]));
    }
  }
  f->x = axis_of(0, fastest, false);
  f->y = axis_of(least, most, true);
}

static double next_tick(const axis *a, double v) { return a->logarithmic ? v * 10 : v + step_of(a->hi); }

static void write_ticks(nf_text *t, const field *f) {
  for (double v = f->y.lo; v <= f->y.hi * 1.0001; v = next_tick(&f->y, v))
    nf_text_printf(t,
                   "<path class=\"g\" d=\"M%.1f %.1fh%d\"/><text text-anchor=\"end\" x=\"%.1f\" "
                   "y=\"%.1f\">%.6g</text>\n",
                   f->left, at_y(f, v), WIDE, f->left - 6, at_y(f, v) + 4, v);
  for (double v = f->x.lo; v <= f->x.hi * 1.0001; v = next_tick(&f->x, v))
    nf_text_printf(
        t,
        "<path class=\"g\" d=\"M%.1f %dv%d\"/><text text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%.6g</text>\n",
        at_x(f, v), TOP, HIGH, at_x(f, v), TOP + HIGH + 16, v);
}

// ---- points ----

// What a point was asked for: its limit of requests at a time, its rate, or both.
static void write_label(nf_text *t, const json_t *point) {
  const bool limited = json_is_integer(report_at(point, "max_concurrency"));
  const bool paced = json_is_real(report_at(point, "request_rate"));
  if (limited) nf_text_printf(t, "%.0f", report_number(point, "max_concurrency"));
  if (paced) nf_text_printf(t, "%s%.3g/s", limited ? ", " : "", report_number(point, "request_rate"));
}

static void write_curve(nf_text *t, const field *f, const curve *c, bool labelled) {
  nf_text_printf(t, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" d=\"", c->colour);
  REPORT_EACH(p, f->points)
  nf_text_printf(t, "%s%.1f %.1f", p_at == 0 ? "M" : "L", at_x(f, report_number(p, "output_throughput")),
                 at_y(f, value(f, p, c)));
  nf_text_printf(t, "\"/>\n");
  REPORT_EACH(p, f->points) {
    const double x = at_x(f, report_number(p, "output_throughput")), y = at_y(f, value(f, p, c));
    nf_text_printf(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x, y, c->colour);
    if (!labelled) continue;
    nf_text_printf(t, "<text class=\"p\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">", x, y - 7);
    write_label(t, p);
    nf_text_printf(t, "</text>\n");
  }
}

static void write_field(nf_text *t, field *f) {
  find_axes(f);
  write_ticks(t, f);
  nf_text_printf(t, "<text class=\"h\" x=\"%.1f\" y=\"%d\">%s</text>\n", f->left, TOP - 10, f->title);
  nf_text_printf(t, "<text text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">output tokens/s</text>\n",
                 f->left + WIDE / 2.0, TOP + HIGH + 32);
  for (int c = N_CURVES - 1; c >= 0; c--) write_curve(t, f, &curves[c], c == N_CURVES - 1);
}

static void write_legend(nf_text *t) {
  double x = LEFT;
  for (int c = 0; c < N_CURVES; c++, x += 90)
    nf_text_printf(t,
                   "<circle cx=\"%.1f\" cy=\"%d\" r=\"3\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n",
                   x, HEIGHT - 12, curves[c].colour, x + 8, HEIGHT - 8, curves[c].label);
  nf_text_printf(t, "<text x=\"%.1f\" y=\"%d\">numbers: requests at the same time, or sent a second</text>\n",
                 x + 50, HEIGHT - 8);
}

void load_plot(nf_text *out, const json_t *points, const char *title) {
  field first = {points, "ttft", "time to first token, ms", {0}, {0}, LEFT};
  field each = {points, "tpot", "time per output token, ms", {0}, {0}, LEFT + WIDE + BETWEEN};
  nf_text_printf(
      out,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
      "role=\"img\" "
      "font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n"
      "<style>.g{stroke:#e2e2e2}.h{font-weight:bold}.p{font-size:10px;fill:#666}</style>\n"
      "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text font-size=\"13\" x=\"%d\" y=\"22\">",
      WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
  report_html_escape(out, title, strlen(title));
  nf_text_printf(out, "</text>\n");
  write_field(out, &first);
  write_field(out, &each);
  write_legend(out);
  nf_text_printf(out, "</svg>\n");
}

// SPDX-License-Identifier: Apache-2.0
// infuse explain --html: the parts of the page. Markup stands in formats; what comes from the document goes
// through %s, which escapes it.
#pragma once
#include "base/text.h"
#include "report/drawing.h"
#include "report/outline.h"
#include <jansson.h>

// printf of %s (escaped), %zu, %d, %f with a precision, and %%.
void report_html(nf_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A template of report_fill, whose values are escaped.
void report_html_fill(nf_text *t, const json_t *object, const char *template);
void report_html_escape(nf_text *t, const char *s, size_t n);
void report_html_name(nf_text *t, const char *name); // escaped, and may be broken behind '_' and '.'
enum { REPORT_FRAME_COLOURS = 6 };
extern const char report_html_style[];

void report_svg(nf_text *t, const report_drawing *d);
void report_html_time(nf_text *t, const report_outline *o);
void report_html_fusion(nf_text *t, const json_t *doc);
nf_status report_html_layers(nf_text *t,
                             const report_outline *o); // drawings, sites and near misses of each class
void report_html_kernels(nf_text *t, const json_t *doc);
void report_html_memory(nf_text *t, const json_t *doc);

// SPDX-License-Identifier: Apache-2.0
// infuse explain --html: the parts of the page. Markup stands in formats; what comes from the document goes
// through %s, which escapes it.
#pragma once
#include "base/text.h"
#include "cli/explain/drawing.h"
#include "cli/explain/outline.h"
#include <jansson.h>

// printf of %s (escaped), %zu, %d, %f with a precision, and %%.
void cli_html(nf_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A template of cli_fill, whose values are escaped.
void cli_html_fill(nf_text *t, const json_t *object, const char *template);
void cli_html_escape(nf_text *t, const char *s, size_t n);
void cli_html_name(nf_text *t, const char *name); // escaped, and may be broken behind '_' and '.'
enum { CLI_FRAME_COLOURS = 6 };
extern const char cli_html_style[];

void cli_svg(nf_text *t, const cli_drawing *d);
void cli_html_time(nf_text *t, const cli_outline *o);
void cli_html_fusion(nf_text *t, const json_t *doc);
nf_status cli_html_layers(nf_text *t, const cli_outline *o); // drawings, sites and near misses of each class
void cli_html_kernels(nf_text *t, const json_t *doc);
void cli_html_memory(nf_text *t, const json_t *doc);

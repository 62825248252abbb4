// SPDX-License-Identifier: Apache-2.0
// Text for people on standard output: as wide as the terminal, headings that stand out there. Where no
// terminal is, and COLUMNS says nothing, every item is one line and every name whole.
#pragma once
#include "base/text.h"
#include <jansson.h>
#include <stddef.h>

enum { REPORT_NARROWEST = 40 };
size_t report_screen_width(void); // columns, at least REPORT_NARROWEST; SIZE_MAX: not limited
void report_heading(const char *fmt, ...)
    __attribute__((format(printf, 1, 2))); // an empty line, then bold on a terminal
// printf, broken at spaces; the first line begins behind `indent` columns, the others behind `hang`.
void report_wrapped(int indent, int hang, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void report_line(int indent, int hang, nf_text *t); // the same of a text, which is then empty
void report_say(int indent, int hang, const json_t *object, const char *template); // the same of report_fill

// Widths of a table's n columns of names, which are given as they would best be: where they don't fit beside
// `others` columns, each loses its share.
void report_fit_names(int *width, int n, int others);
// A name and then spaces; on a terminal with its middle as "…" where it is longer.
void report_name(const char *s, int width);
// Two of them with a space between, as wide as given where they fit.
void report_two_names(const char *a, int a_width, const char *b, int b_width, int others);
void report_last_name(const char *s, int width); // a name, then the line's end instead of spaces

// SPDX-License-Identifier: Apache-2.0
// Text for people on standard output: lines of at most 100 columns, headings that stand out on a terminal.
#pragma once

enum { CLI_COLUMNS = 100 };
void cli_heading(const char *fmt, ...)
    __attribute__((format(printf, 1, 2))); // an empty line, then bold on a terminal
// printf, broken at spaces; the first line begins behind `indent` columns, the others behind `hang`.
void cli_wrapped(int indent, int hang, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// SPDX-License-Identifier: Apache-2.0
// What a user types: edited, with a history, where standard input and output are a terminal; else lines as
// they come. Thread-compatible; one at a time.
#pragma once
#include "base/text.h"

typedef struct cli_line cli_line;

typedef enum cli_typed {
  CLI_TYPED_TEXT,
  CLI_TYPED_INTERRUPT, // Ctrl-C; a signal's handler must let system calls end for this
  CLI_TYPED_END,       // Ctrl-D, the end of the input
  CLI_TYPED_NO_MEMORY,
} cli_typed;

cli_line *cli_line_open(void);          // NULL: no memory
void cli_line_close(cli_line *l);       // NULL is fine
bool cli_line_edits(const cli_line *l); // it is a terminal
// A text, until the next call: one line, several where all but the last end in a backslash, or those from """
// to """. Of other results *out is untouched.
cli_typed cli_line_read(cli_line *l, nf_view *out);

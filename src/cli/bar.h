// SPDX-License-Identifier: Apache-2.0
// A progress bar on a terminal, with the time that is left.
#pragma once
#include "cli/cli.h"

typedef struct cli_bar { // zeroed: not shown yet
  double begun, last;    // seconds: when it was shown first, and last
} cli_bar;
// Draws it, at most ten times a second, and takes it away when all is done. Nothing where standard error is
// no terminal or --quiet was given.
void cli_bar_show(cli_bar *b, const cli_options *o, const char *what, size_t done, size_t total);

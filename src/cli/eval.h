// SPDX-License-Identifier: Apache-2.0
// What the files of infuse eval share.
#pragma once
#include "cli/cli.h"

void cli_show_eval(const json_t *doc); // of eval_document, to stdout
// 1 if something in it is beyond a bound that was given, with a line on stderr for each.
int cli_check_bounds(const json_t *doc, const cli_options *o);

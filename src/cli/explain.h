// SPDX-License-Identifier: Apache-2.0
// infuse explain: its parts, each of which shows a parsed document of schema infuse.explain/1.
#pragma once
#include "base/status.h"
#include "cli/outline.h"
#include <jansson.h>
#include <stdbool.h>

void cli_explain_text(const json_t *doc, bool all);
void cli_explain_brief(const json_t *doc); // what was decided, without costs: tests/golden/explain/
nf_status cli_explain_html(const json_t *doc, const char *path);

// Their parts, on standard output.
void cli_print_target(const char *before, const json_t *target);
void cli_print_kernels(const json_t *doc, bool all);
void cli_print_memory(const json_t *doc, bool all);

// The near misses of a layer, the deepest first, into out[cli_outline_count()].
void cli_nearest_first(const cli_outline *o, size_t layer, const json_t **out);
// One line each, to be freed: rules that normalised, with counts; the ranges, NULL when there is but one.
char *cli_normalised(const json_t *fusion);
char *cli_ranges(const json_t *doc);

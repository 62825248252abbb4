// SPDX-License-Identifier: Apache-2.0
// infuse explain --diff A.json B.json: what changed from one document of explain to another.
#pragma once
#include "base/status.h"
#include "cli/cli.h"
#include <jansson.h>

int cli_explain_diff(const cli_options *o); // 1 when a fusion was lost, 2 when a file is no such document

// infuse.explain_diff/1, of two documents of infuse.explain/2. docs/explain.md.
nf_status cli_diff(const json_t *a, const json_t *b, json_t **out);
void cli_diff_text(const json_t *diff, bool all);

// SPDX-License-Identifier: Apache-2.0
// What changed from one document of explain to another.
#pragma once
#include "base/status.h"
#include <jansson.h>

// infuse.explain_diff/1, of two documents of infuse.explain/2. docs/explain.md.
nf_status cli_diff(const json_t *a, const json_t *b, json_t **out);
void cli_diff_text(const json_t *diff, bool all);

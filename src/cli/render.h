// SPDX-License-Identifier: Apache-2.0
// Rendering the library's JSON documents as text for people; explain has files of its own (explain.h).
#pragma once
#include <jansson.h>
#include <stdbool.h>

// Each prints one document to stdout. They read documents that this very program made, so a missing key is a
// bug and prints as "?". `all`: every row, not just kinds.
void cli_render_verify(const json_t *doc, bool all);
void cli_render_check(const json_t *doc, bool all);
void cli_render_devices(const json_t *doc, bool all);

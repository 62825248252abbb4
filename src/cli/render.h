// SPDX-License-Identifier: Apache-2.0
// Rendering the library's JSON documents as text for people; explain has files of its own (explain.h).
#pragma once
#include "cli/cli.h"

// Each prints one document to stdout and gives 0. They read documents that this very program made, so a
// missing key is a bug and prints as "?".
int cli_render_verify(const json_t *doc, const cli_options *o);
int cli_render_check(const json_t *doc, const cli_options *o);
int cli_render_devices(const json_t *doc, const cli_options *o);

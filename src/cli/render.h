// SPDX-License-Identifier: Apache-2.0
// Rendering the library's JSON documents as text for people; explain has files of its own (explain.h).
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Each prints one document to stdout. They read documents that this very program made, so a missing key is a
// bug and prints as "?".
void cli_render_verify(const char *json, size_t n, bool all);
void cli_render_check(const char *json, size_t n, bool all);
void cli_render_devices(const char *json, size_t n);

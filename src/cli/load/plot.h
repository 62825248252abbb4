// SPDX-License-Identifier: Apache-2.0
// Throughput against latency as a drawing: two fields side by side, time to first token and time per output
// token over output tokens a second, medians and 99th percentiles, a point for each document.
#pragma once
#include "base/text.h"
#include <jansson.h>

// Documents of load_document, in the order in which points are joined. SVG 1.1 with a ground of its own, so
// that it can be read on any page. `title` may hold anything.
void load_plot(nf_text *out, const json_t *points, const char *title);

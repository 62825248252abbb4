// SPDX-License-Identifier: Apache-2.0
// infuse explain: its parts, each of which shows a parsed document of schema infuse.explain/2.
#pragma once
#include "base/status.h"
#include "cli/explain/doc.h"
#include "cli/explain/outline.h"
#include <jansson.h>
#include <stdbool.h>

void cli_explain_text(const json_t *doc, bool all);
void cli_explain_brief(const json_t *doc); // what was decided, without costs: tests/golden/explain/
typedef struct cli_page {                  // what the document does not say; NULL: left out
  const char *model, *command, *version, *date;
} cli_page;
nf_status cli_explain_html(const json_t *doc, const cli_page *page, const char *path); // "-": standard output

// Their parts, on standard output.
void cli_print_target(const char *before, const json_t *target);
void cli_print_kernels(const json_t *doc, bool all);
void cli_print_memory(const json_t *doc, bool all);
void cli_print_classes(const json_t *doc, bool all, // each distinct layer
                       void (*print)(const cli_outline *o, const cli_class *c, bool all));

void cli_write_node(const json_t *node,
                    nf_text *t); // for cli_each_group: name, text, kernel, type, a line each

// Near misses of a layer that have one reason at one node, whichever rules met it.
typedef struct cli_reason {
  const json_t *near; // the first of them
  char *rules;        // "a, b"
} cli_reason;
// The deepest first. Gives how many there are; 0 and *out NULL when memory is out as well.
size_t cli_reasons(const cli_outline *o, size_t layer, cli_reason **out);
void cli_reasons_free(cli_reason *r, size_t n);

// One line each, to be freed; NULL when memory is out.
char *cli_verdict(const json_t *candidate); // "lost to add_rms_norm_pad by 3.00 µs"
char *cli_normalised(const json_t *fusion); // "unpad_of_pad 36 times", "nothing"
char *cli_fit(const json_t *doc);           // "fits: needs 1.5 GiB of this machine's 23.5, 22.0 to spare"
// What plan i of the document does otherwise than the one that is told in full; NULL for that one itself.
char *cli_other_plan(const json_t *doc, size_t i, bool costs);

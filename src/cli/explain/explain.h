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

// Near misses of a layer, the deepest first: copies, to be freed by json_decref. Those that have one reason
// at one node are one, of rule "a, b".
json_t *cli_near(const cli_outline *o, size_t layer);
bool cli_is_refused(const json_t *candidate, const json_t *node); // a kernel that could run here

extern const char cli_all_reduce[];                       // template of a document's line about them
const char *cli_verdict(const json_t *candidate);         // template: "lost to {lost_to} by {by_us:2} µs"
void cli_write_normalised(nf_text *t, const json_t *doc); // "unpad_of_pad 36 times", "nothing"
void cli_write_fit(nf_text *t,
                   const json_t *doc); // "fits: needs 1.5 GiB of this machine's 23.5, 22.0 to spare"
bool cli_is_other(const json_t *doc, const json_t *plan); // of `plans`: not the one that is told in full
// What it does otherwise than that one.
void cli_write_plan(nf_text *t, const json_t *doc, const json_t *plan, bool costs);

// Where a plan's estimated time goes.
typedef struct cli_share {
  const char *name; // borrowed from the document
  size_t launches;
  double us;
} cli_share;
// Nodes of plan.nodes, or those of one op, by what they have under `key` ("bound", "op"), those that take
// longest first; views are left out. To be freed by nf_free; NULL and *out_n 0 when memory is out.
cli_share *cli_shares(const json_t *nodes, const char *op, const char *key, size_t *out_n);
// "memory", or where nodes of the op differ "memory 80 %, launch 20 %". To be freed; NULL when memory is out.
char *cli_bounds_of(const json_t *nodes, const cli_share *op);

// ---- differences ----

// infuse.explain_diff/1, of two documents of infuse.explain/2. docs/explain.md.
nf_status cli_diff(const json_t *a, const json_t *b, json_t **out);
void cli_diff_text(const json_t *diff, bool all);

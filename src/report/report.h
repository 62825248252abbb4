// SPDX-License-Identifier: Apache-2.0
// infuse explain: its parts, each of which shows a parsed document of schema infuse.explain/2.
#pragma once
#include "base/status.h"
#include "report/doc.h"
#include "report/outline.h"
#include <jansson.h>
#include <stdbool.h>

void report_print(const json_t *doc, bool all);
void report_print_brief(const json_t *doc); // what was decided, without costs: tests/golden/explain/
typedef struct report_page {                // what the document does not say; NULL: left out
  const char *model, *command, *version, *date;
} report_page;
nf_status report_write_page(const json_t *doc, const report_page *page, nf_text *out); // HTML, one file
nf_status report_save_page(const json_t *doc, const report_page *page,
                           const char *path); // "-": standard output

// Their parts, on standard output.
void report_print_target(const char *before, const json_t *target);
void report_print_kernels(const json_t *doc, bool all);
void report_print_memory(const json_t *doc, bool all);
void report_print_classes(const json_t *doc, bool all, // each distinct layer
                          void (*print)(const report_outline *o, const report_class *c, bool all));

void report_write_node(const json_t *node,
                       nf_text *t); // for report_each_group: name, text, kernel, type, a line each

// Near misses of a layer, the deepest first: copies, to be freed by json_decref.
// Those that have one reason at one node are one, of rule "a, b".
json_t *report_near(const report_outline *o, size_t layer);
bool report_is_refused(const json_t *candidate,
                       const json_t *node); // a kernel that could run here

extern const char report_all_reduce[];               // template of a document's line about them
const char *report_verdict(const json_t *candidate); // template: "lost to {lost_to} by {by_us:2} µs"
void report_write_normalised(nf_text *t,
                             const json_t *doc); // "unpad_of_pad 36 times", "nothing"
void report_write_fit(nf_text *t,
                      const json_t *doc); // "fits: needs 1.5 GiB of this
                                          // machine's 23.5, 22.0 to spare"
bool report_is_other(const json_t *doc,
                     const json_t *plan); // of `plans`: not the one that is told in full
// What it does otherwise than that one.
void report_write_plan(nf_text *t, const json_t *doc, const json_t *plan, bool costs);

// Where a plan's estimated time goes.
typedef struct report_share {
  const char *name; // borrowed from the document
  size_t launches;
  double us;
} report_share;
// Nodes of plan.nodes, or those of one op, by what they have under `key`
// ("bound", "op"), those that take longest first; views are left out. To be freed
// by nf_free; NULL and *out_n 0 when memory is out.
report_share *report_shares(const json_t *nodes, const char *op, const char *key, size_t *out_n);
// "memory", or where nodes of the op differ "memory 80 %, launch 20 %". To be
// freed; NULL when memory is out.
char *report_bounds_of(const json_t *nodes, const report_share *op);

// ---- differences ----

// infuse.explain_diff/1, of two documents of infuse.explain/2. docs/explain.md.
nf_status report_diff(const json_t *a, const json_t *b, json_t **out);
void report_diff_text(const json_t *diff, bool all);

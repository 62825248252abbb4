// SPDX-License-Identifier: Apache-2.0
// Reading the library's documents: access that never fails (a missing text is "?", a missing number 0),
// templates, and the layer that a value's name tells.
//
// Keys may be paths: "plan.nodes".
#pragma once
#include "base/text.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// REPORT_EACH(node, nodes) {...}: for each item of an array; node_at is its index. A break would leave the
// item alone, not the array.
#define REPORT_EACH(item, list)                                              \
  for (size_t item##_at = 0; item##_at < json_array_size(list); item##_at++) \
    for (const json_t *item = json_array_get(list, item##_at); item != NULL; item = NULL)

const json_t *report_at(const json_t *object, const char *path); // NULL: not there
// For each candidate of all sites of a document, in their order.
#define REPORT_EACH_CANDIDATE(c, doc) \
  REPORT_EACH(c##_site, report_at(doc, "fusion.sites")) REPORT_EACH(c, report_at(c##_site, "candidates"))

const char *report_text(const json_t *object, const char *key);
double report_number(const json_t *object, const char *key);
bool report_is(const json_t *object, const char *key);                        // true and there
bool report_equal(const json_t *object, const char *key, const char *wanted); // the text under key
bool report_alike(const json_t *a, const json_t *b, const char *key);         // the texts under key
bool report_chosen(const json_t *candidate);                                  // of a site
double report_sum(const json_t *rows, const char *key);                       // of numbers in an array
bool report_is_view(const json_t *node);                                      // nothing runs
size_t report_launches(const json_t *nodes);                                  // rows that are no views
const char *report_name_at(const json_t *list, size_t i);                     // a text, or an object's name
// All of them, one behind `first` and the others behind `between`.
void report_names_of(nf_text *t, const json_t *list, const char *first, const char *between);
// Made for the caller, who frees them by json_decref; NULL when memory is out.
json_t *report_by_name(const json_t *nodes); // {name: node}

// Appends a template, in which "{key}" stands for a text of the object or a whole number, "{key:2}" for a
// number with so many digits behind the point, "{key:1G}" for it in GiB ("M" and "B": in 10^6 and 10^9), and
// "{key:s}" for the "s" that the plural of so many has.
void report_fill(nf_text *t, const json_t *object, const char *template);
// The same; `put` appends each value.
void report_fill_with(nf_text *t, const json_t *object, const char *template,
                      void (*put)(nf_text *t, const char *value, size_t n));

char *report_taken(nf_text *t); // the text, to be freed; NULL when memory was out, or nothing was written

// "L12.attn.q" -> "L#.attn.q", "hidden.3" -> "hidden.#": what makes equal layers look equal. `out` has room
// for strlen(s) + 1.
void report_without_layer(const char *s, char *out);
// 12 of "L12.attn.q", "hidden.12" and "hidden.12.rows"; -1 where there is none.
long report_layer_of(const char *name);

// Nodes that differ only in their layer's number. The key holds the lines that are printed.
typedef struct report_group {
  const char *key;
  const json_t *node;
  size_t count;
} report_group;
// Shows each group, in the order of their first nodes. `key_of` writes that by which nodes are told apart.
// `all`: by layers too. Of equal ones the first is `node`, or the first with the largest number under
// `worst`, unless that is NULL.
void report_each_group(const json_t *nodes, bool all, void (*key_of)(const json_t *node, nf_text *t),
                       const char *worst, void (*show)(const report_group *g, void *user), void *user);

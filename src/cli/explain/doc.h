// SPDX-License-Identifier: Apache-2.0
// Reading the library's documents: access that never fails (a missing text is "?", a missing number 0), and
// the layer that a value's name tells.
#pragma once
#include "base/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

const char *cli_text(const json_t *object, const char *key);
double cli_number(const json_t *object, const char *key);
bool cli_is(const json_t *object, const char *key);                             // true and there
const json_t *cli_in(const json_t *object, const char *outer, const char *key); // object.outer.key
bool cli_equal(const json_t *object, const char *key, const char *wanted);      // the text under key
bool cli_chosen(const json_t *candidate);                                       // of a site
double cli_sum(const json_t *rows, const char *key);                            // of numbers in an array
bool cli_is_view(const json_t *node);                                           // nothing runs
size_t cli_launches(const json_t *nodes);                                       // rows that are no views

// "L12.attn.q" -> "L#.attn.q", "hidden.3" -> "hidden.#": what makes equal layers look equal. `out` has room
// for strlen(s) + 1.
void cli_without_layer(const char *s, char *out);
// 12 of "L12.attn.q", "hidden.12" and "hidden.12.rows"; -1 where there is none.
long cli_layer_of(const char *name);

// Nodes that differ only in their layer's number. The key holds the lines that are printed.
typedef struct cli_group {
  char *key; // freed by nf_free
  const json_t *node;
  size_t count;
} cli_group;
// `key_of` gives the text, from malloc, by which nodes are told apart. `all`: by layers too. Of equal ones
// the first is `node`, or the first with the largest number under `worst`, unless that is NULL. `out` has
// room for every node; gives how many there are.
size_t cli_group_nodes(const json_t *nodes, bool all, char *(*key_of)(const json_t *node), const char *worst,
                       cli_group *out);

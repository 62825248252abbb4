// SPDX-License-Identifier: Apache-2.0
// Task files: what a model is asked, and what is right. A file whose name ends in .jsonl has an item on each
// line, whose keys say of which kind it is; any other file is one item, a text. docs/accuracy.md has the
// form.
#pragma once
#include "base/json.h"
#include "base/memory.h"
#include <infuse/infuse.h>

typedef enum eval_kind {
  EVAL_EXACT,   // an answer that is drawn, and equal or not
  EVAL_CALL,    // a call of a tool
  EVAL_CHOICES, // the likeliest of several ways to go on
  EVAL_TEXT,    // a text, by how likely it is
  EVAL_KINDS
} eval_kind;

typedef struct eval_item { // strings and values are the task's
  eval_kind kind;
  const char *file;
  size_t line;                   // from 1; 0: the whole file
  const infuse_message *message; // [n_messages] of EXACT and CALL
  size_t n_messages;
  const char *prompt; // of these, where it is one text, without the system message; NULL: messages are given
  const char *tools;  // of these, in OpenAI's form; NULL: none
  const json_t *functions; // the same as a value
  const char *answer;      // of EXACT
  const char *name;        // of CALL, and
  const json_t *arguments; // an object
  nf_view text;            // of TEXT, and in front of each
  const json_t *choices;   // of CHOICES: texts, two or more, none empty
  size_t right;            // index of the right one
  size_t task, index;      // of who asks: the number of its task, and its own among all items
} eval_item;

typedef struct eval_task {
  char *file;
  eval_item *item; // [n], n >= 1
  size_t n, cap;
  nf_arena texts;
  json_t *values; // an array of all lines
} eval_task;

// `limit`: at most so many items, 0: all. `system`: a message in front of those that have none of their own,
// NULL: none; lives as long as the task. Errors are NF_BAD_INPUT and name file and line, and what would be
// right; nothing needs to be freed then.
nf_status eval_task_load(const char *path, size_t limit, const char *system, eval_task *out);
nf_status eval_task_parse(const char *name, nf_view text, size_t limit, const char *system, eval_task *out);
void eval_task_deinit(eval_task *t); // a zeroed one is fine

// ---- inside the room ----

// What the object says. *out has file, line and the kind EVAL_TEXT; the object is among the task's values.
nf_status eval_item_read(eval_task *t, const nf_json_at *root, const char *system, eval_item *out);

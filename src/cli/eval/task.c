// SPDX-License-Identifier: Apache-2.0
// Task files: lines of JSON, or a text.
#include "cli/eval/task.h"
#include "base/file.h"
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a task"); }

static nf_status add_item(eval_task *t, eval_item **out) {
  if (!nf_grow(&t->item, &t->cap, t->n + 1, sizeof *t->item)) return no_memory();
  *out = &t->item[t->n++];
  **out = (eval_item){.kind = EVAL_TEXT, .file = t->file};
  return nf_ok();
}

static nf_status read_line(eval_task *t, nf_view line, size_t number, const char *system) {
  eval_item *item = NULL;
  nf_json doc;
  const char *where = nf_arena_printf(&t->texts, "%s:%zu", t->file, number);
  if (where == NULL) return no_memory();
  NF_TRY(nf_json_parse(line.at, line.n, where, &doc));
  nf_status st = json_array_append(t->values, doc.root) == 0 ? add_item(t, &item) : no_memory();
  if (nf_is_ok(st)) {
    const nf_json_at root = nf_json_root(&doc);
    item->line = number;
    st = eval_item_read(t, &root, system, item);
  }
  nf_json_deinit(&doc);
  return st;
}

static bool is_blank(nf_view line) {
  while (line.n != 0 && strchr(" \t\r", line.at[line.n - 1]) != NULL && line.at[line.n - 1] != '\0') line.n--;
  return line.n == 0;
}

static nf_status read_lines(eval_task *t, nf_view text, size_t limit, const char *system) {
  size_t number = 0;
  while (text.n != 0 && (limit == 0 || t->n < limit)) {
    const char *end = memchr(text.at, '\n', text.n);
    const nf_view line = {text.at, end != NULL ? (size_t)(end - text.at) : text.n};
    number++;
    if (!is_blank(line)) NF_TRY(read_line(t, line, number, system));
    const size_t skip = line.n + (end != NULL);
    text = (nf_view){text.at + skip, text.n - skip};
  }
  return t->n != 0 ? nf_ok()
                   : nf_error(NF_BAD_INPUT, "%s: no items: it wants a JSON object on each line", t->file);
}

static nf_status read_plain(eval_task *t, nf_view text) {
  eval_item *item = NULL;
  if (text.n == 0) return nf_error(NF_BAD_INPUT, "%s: is empty; it wants a text", t->file);
  NF_TRY(add_item(t, &item));
  item->text = (nf_view){nf_arena_copy(&t->texts, text.at, text.n), text.n};
  return item->text.at != NULL ? nf_ok() : no_memory();
}

static bool has_lines(const char *name) {
  static const char ending[] = ".jsonl";
  const size_t n = strlen(name), m = sizeof ending - 1;
  return n >= m && strcmp(name + n - m, ending) == 0;
}

nf_status eval_task_parse(const char *name, nf_view text, size_t limit, const char *system, eval_task *out) {
  eval_task t = {.values = json_array()};
  t.file = nf_arena_copy(&t.texts, name, strlen(name));
  nf_status st = t.file != NULL && t.values != NULL ? nf_ok() : no_memory();
  if (nf_is_ok(st)) st = has_lines(name) ? read_lines(&t, text, limit, system) : read_plain(&t, text);
  if (nf_is_ok(st))
    *out = t;
  else
    eval_task_deinit(&t);
  return st;
}

nf_status eval_task_load(const char *path, size_t limit, const char *system, eval_task *out) {
  enum { MOST = 256 << 20 };
  char *text;
  size_t n;
  NF_TRY(nf_file_load(path, MOST, &text, &n));
  const nf_status st = eval_task_parse(path, (nf_view){text, n}, limit, system, out);
  nf_free(text);
  return st;
}

void eval_task_deinit(eval_task *t) {
  nf_free(t->item);
  json_decref(t->values);
  nf_arena_deinit(&t->texts);
  *t = (eval_task){0};
}

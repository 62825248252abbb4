// SPDX-License-Identifier: Apache-2.0
// JSON documents and typed access to their values.
#include "base/json.h"
#include "base/file.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nf_status nf_json_load(const char *path, size_t max_bytes, nf_json *out) {
  *out = (nf_json){0};
  char *text;
  size_t n;
  NF_TRY(nf_file_load(path, max_bytes, &text, &n));
  nf_status st = nf_json_parse(text, n, path, out);
  nf_free(text);
  return st;
}

void nf_json_deinit(nf_json *j) {
  json_decref(j->root);
  nf_free(j->where);
  *j = (nf_json){0};
}

nf_json_at nf_json_root(const nf_json *j) { return (nf_json_at){.doc = j, .value = j->root}; }

static json_t *unless_null(json_t *value) { return json_is_null(value) ? NULL : value; }

nf_json_at nf_json_get(const nf_json_at *object, const char *key) {
  json_t *value = unless_null(json_object_get(object->value, key));
  return (nf_json_at){.doc = object->doc, .value = value, .parent = object, .key = key};
}

nf_json_at nf_json_item(const nf_json_at *array, size_t index) {
  json_t *value = unless_null(json_array_get(array->value, index));
  return (nf_json_at){.doc = array->doc, .value = value, .parent = array, .index = index};
}

// ---- references ----

enum { ESCAPED_MAX = 256 }; // bytes

static bool unescape(nf_view part, nf_view *out, char name[ESCAPED_MAX]) { // of a JSON pointer
  size_t n = 0;
  if (part.n > ESCAPED_MAX) return false;
  for (size_t i = 0; i < part.n; i++) {
    char c = part.at[i];
    if (c == '~') {
      if (i + 1 == part.n || (part.at[i + 1] != '0' && part.at[i + 1] != '1')) return false;
      c = part.at[++i] == '0' ? '~' : '/';
    }
    name[n++] = c;
  }
  return *out = (nf_view){name, n}, true;
}

static json_t *child_of(json_t *value, nf_view part) {
  char name[ESCAPED_MAX];
  int64_t index;
  if (json_is_array(value))
    return nf_parse_i64(part, &index) && index >= 0 ? json_array_get(value, (size_t)index) : NULL;
  if (memchr(part.at, '~', part.n) != NULL && !unescape(part, &part, name)) return NULL;
  return json_object_getn(value, part.at, part.n);
}

json_t *nf_json_refer(json_t *root, nf_view reference) {
  const char *p = reference.at, *end = p + reference.n;
  if (reference.n == 0 || *p++ != '#' || (p < end && *p != '/')) return NULL;
  while (p < end && root != NULL) {
    const char *part = p + 1, *slash = memchr(part, '/', (size_t)(end - part));
    p = slash != NULL ? slash : end;
    root = child_of(root, (nf_view){part, (size_t)(p - part)});
  }
  return root;
}

// ---- paths ----

void nf_json_path(const nf_json_at *at, nf_text *t) {
  if (at->parent == NULL) return;
  nf_json_path(at->parent, t);
  if (at->key != NULL)
    nf_text_printf(t, "%s%s", at->parent->parent != NULL ? "." : "", at->key);
  else
    nf_text_printf(t, "[%zu]", at->index);
}

static void print_line(const nf_json_at *at, const char *fmt, va_list args, nf_text *out) {
  char text[NF_LINE];
  nf_line(text, fmt, args);
  nf_text path = {0};
  nf_json_path(at, &path);
  nf_text_printf(out, "%s: %s%s%s", at->doc->where, path.n ? path.at : "", path.n ? ": " : "", text);
  out->failed |= path.failed;
  nf_text_deinit(&path);
}

nf_status nf_json_error(const nf_json_at *at, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  nf_text line = {0};
  print_line(at, fmt, args, &line);
  va_end(args);
  nf_status st = line.failed ? nf_text_status(&line) : nf_error(NF_BAD_INPUT, "%s", line.at);
  nf_text_deinit(&line);
  return st;
}

void nf_json_log(const nf_json_at *at, nf_level level, const char *fmt, ...) {
  if (at->doc->log == NULL || level > at->doc->log->level) return;
  va_list args;
  va_start(args, fmt);
  nf_text line = {0};
  print_line(at, fmt, args, &line);
  va_end(args);
  if (!line.failed) nf_log_print(at->doc->log, level, "%s", line.at);
  nf_text_deinit(&line);
}

const char *nf_json_quote(const json_t *value, char *text, size_t n) {
  static const char ellipsis[] = "\xe2\x80\xa6";
  char *all = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  if (value == NULL) return "missing";
  if (all == NULL) return "what there is no memory to tell";
  size_t fits = strlen(all);
  const bool cut = fits >= n;
  if (cut) fits = n - sizeof ellipsis;
  while (cut && fits != 0 && (all[fits] & 0xc0) == 0x80) fits--; // within a character
  snprintf(text, n, "%.*s%s", (int)fits, all, cut ? ellipsis : "");
  free(all);
  return text;
}

static const char *kind_of(const json_t *value) {
  static const char *const name[] = {
      [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
      [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
      [JSON_FALSE] = "false",      [JSON_NULL] = "null",
  };
  return name[json_typeof(value)];
}

nf_status nf_json_wants(const nf_json_at *at, const char *right) {
  if (at->value == NULL) return nf_json_error(at, "is missing, should be %s", right);
  return nf_json_error(at, "is %s, should be %s", kind_of(at->value), right);
}

nf_status nf_json_object(const nf_json_at *at) {
  return json_is_object(at->value) ? nf_ok() : nf_json_wants(at, "an object");
}

nf_status nf_json_array(const nf_json_at *at, size_t *out_n) {
  if (!json_is_array(at->value)) return nf_json_wants(at, "an array");
  *out_n = json_array_size(at->value);
  return nf_ok();
}

static bool as_integer(const json_t *value, int64_t *out) {
  if (json_is_integer(value)) return *out = json_integer_value(value), true;
  double real = json_real_value(value);
  if (!(real >= -0x1p63 && real < 0x1p63) || (double)(int64_t)real != real) return false;
  *out = (int64_t)real;
  return true;
}

nf_status nf_json_i64(const nf_json_at *at, int64_t lo, int64_t hi, int64_t *out) {
  char right[80];
  snprintf(right, sizeof right, "an integer from %lld to %lld", (long long)lo, (long long)hi);
  if (!json_is_number(at->value)) return nf_json_wants(at, right);
  int64_t value;
  if (!as_integer(at->value, &value))
    return nf_json_error(at, "is %g, should be %s", json_real_value(at->value), right);
  if (value < lo || value > hi) return nf_json_error(at, "is %lld, should be %s", (long long)value, right);
  *out = value;
  return nf_ok();
}

nf_status nf_json_f64(const nf_json_at *at, double lo, double hi, double *out) {
  char right[80];
  snprintf(right, sizeof right, "a number from %g to %g", lo, hi);
  if (!json_is_number(at->value)) return nf_json_wants(at, right);
  double value = json_number_value(at->value);
  if (!(value >= lo && value <= hi)) return nf_json_error(at, "is %g, should be %s", value, right);
  *out = value;
  return nf_ok();
}

nf_status nf_json_bool(const nf_json_at *at, bool *out) {
  if (!json_is_boolean(at->value)) return nf_json_wants(at, "true or false");
  *out = json_is_true(at->value);
  return nf_ok();
}

nf_status nf_json_string(const nf_json_at *at, nf_view *out) {
  if (!json_is_string(at->value)) return nf_json_wants(at, "a string");
  *out = (nf_view){json_string_value(at->value), json_string_length(at->value)};
  return nf_ok();
}

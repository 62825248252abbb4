// SPDX-License-Identifier: Apache-2.0
// JSON: strict parsing of hostile files into jansson's values, and typed access with errors that name file
// and key.
//
// Duplicate keys, invalid UTF-8, NUL in strings, trailing text and depth above NF_JSON_DEPTH are refused.
// Values are borrowed from the document and live as long as it does. Thread-compatible.
//
// The parser is ours because jansson's own (2.14, load.c) ignores failed growth of its token buffer: out of
// memory it cuts strings or reads past the buffer.
#pragma once
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include <jansson.h>

#define NF_JSON_DEPTH 64 // arrays and objects inside each other

typedef struct nf_json {
  json_t *root;
  char *where;       // name for messages, usually the path; owned
  const nf_log *log; // borrowed, for remarks on its values; NULL: silent. Loading leaves it NULL
} nf_json;

// An integer beyond 64 bits becomes a real (tokenizer_config.json holds 1e30 written out); a real beyond a
// double is refused. Errors: "<where>: line 3, column 7 (byte 40): <what>"; lines and columns (in bytes)
// count from 1.
nf_status nf_json_load(const char *path, size_t max_bytes, nf_json *out);
nf_status nf_json_parse(const char *text, size_t n, const char *where, nf_json *out);
// The same for what clients send: NUL in a string is text where the string is a value, so it has to be read
// by its length; in a key it is refused.
nf_status nf_json_parse_nul(const char *text, size_t n, const char *where, nf_json *out);
void nf_json_deinit(nf_json *j); // a zeroed document is fine

// A value with the path that led to it, for messages: "config.json: rope_scaling.factor: ...".
typedef struct nf_json_at {
  const nf_json *doc;
  json_t *value;
  const struct nf_json_at *parent; // must outlive the child
  const char *key;                 // NULL at the root and for an item of an array
  size_t index;                    // of an item
} nf_json_at;
nf_json_at nf_json_root(const nf_json *j);
// Member `key` of an object; .value is NULL when it is missing or JSON null.
nf_json_at nf_json_get(const nf_json_at *object, const char *key);
// Item `index` of an array; .value is NULL when there is none or it is JSON null.
nf_json_at nf_json_item(const nf_json_at *array, size_t index);

// What a reference within the document names, "#/$defs/a/0": a JSON pointer (RFC 6901) behind '#', which is
// not percent-encoded. NULL: it leads to nothing, or is no such text, or spells a name of more than 256 bytes
// with ~0 or ~1.
json_t *nf_json_refer(json_t *root, nf_view reference);

void nf_json_path(const nf_json_at *at, nf_text *out); // appends "a.b[2]"; of the root nothing

// An NF_BAD_INPUT error about this value: "<where>: <key path>: <text>".
nf_status nf_json_error(const nf_json_at *at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The same where the value is of another kind than it should be: "is a number, should be <right>".
nf_status nf_json_wants(const nf_json_at *at, const char *right);
// The same as a line of the document's log.
void nf_json_log(const nf_json_at *at, nf_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// A value (NULL: "missing") as a message quotes it, in text[0..n), n >= 8, cut between characters with an
// ellipsis to what fits.
const char *nf_json_quote(const json_t *value, char *text, size_t n);
// Each checks kind and range; the error says what was found and what would be right. A missing value is an
// error.
nf_status nf_json_object(const nf_json_at *at);
nf_status nf_json_array(const nf_json_at *at, size_t *out_n);
nf_status nf_json_i64(const nf_json_at *at, int64_t lo, int64_t hi, int64_t *out); // 3.0 counts as 3
nf_status nf_json_f64(const nf_json_at *at, double lo, double hi, double *out);
nf_status nf_json_bool(const nf_json_at *at, bool *out);
nf_status nf_json_string(const nf_json_at *at, nf_view *out);

// ---- making documents ----
// Both take the value, also where they fail, which they do on NULL: so nothing that jansson makes needs a
// check of its own. They say whether the value is in.
static inline bool nf_json_put(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}
static inline bool nf_json_push(json_t *array, json_t *value) {
  return json_array_append_new(array, value) == 0;
}
// The value if it is whole; else it is freed, and the answer is NULL.
static inline json_t *nf_json_whole(json_t *value, bool ok) {
  if (ok) return value;
  json_decref(value);
  return NULL;
}

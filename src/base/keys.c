// SPDX-License-Identifier: Apache-2.0
// Tables of keys: finding a key's row, and whether its value is one that changes nothing.
#include "base/keys.h"
#include <string.h>

bool nf_next_word(const char **words, nf_view *out) {
  *words += strspn(*words, " ");
  *out = (nf_view){*words, strcspn(*words, " ")};
  *words += out->n;
  return out->n != 0;
}

bool nf_has_word(const char *words, nf_view word) {
  for (nf_view own; nf_next_word(&words, &own);)
    if (nf_view_equal(own, word)) return true;
  return false;
}

static bool is_among(const char *names, const char *name) {
  for (nf_view pattern; nf_next_word(&names, &pattern);)
    if (nf_glob(pattern.at, name)) return true;
  return false;
}

static const nf_key *find(const nf_keys *known, const char *name) {
  for (; known != NULL; known = known->also)
    for (size_t i = 0; i < known->n; i++)
      if (is_among(known->key[i].names, name)) return &known->key[i];
  return NULL;
}

static bool is_word(const json_t *value, nf_view word) {
  double number;
  char text[64]; // "true", "[]", "{}" are whole in it
  if (json_is_number(value)) return nf_parse_f64(word, &number) && number == json_number_value(value);
  const bool bare = json_is_string(value) && json_string_length(value) != 0;
  const char *s = bare ? json_string_value(value) : nf_json_quote(value, text, sizeof text);
  return nf_view_equal(word, nf_view_of(s));
}

static bool is_plain(const nf_key *key, const json_t *value) {
  if (json_is_null(value)) return true;
  const char *plain = key->plain != NULL ? key->plain : "";
  for (nf_view word; nf_next_word(&plain, &word);)
    if (is_word(value, word)) return true;
  return false;
}

// "silu or swish or absent"
static void print_plain(const nf_key *key, nf_text *out) {
  const char *plain = key->plain != NULL ? key->plain : "";
  for (nf_view word; nf_next_word(&plain, &word);) nf_text_printf(out, "%.*s or ", (int)word.n, word.at);
  nf_text_append(out, "absent", 6);
}

static nf_status refuse(const nf_json_at *at, const nf_key *key) {
  char value[64];
  nf_text plain = {0};
  print_plain(key, &plain);
  nf_status st = nf_text_status(&plain);
  if (nf_is_ok(st))
    st = nf_json_error(at, "%s is not supported, should be %s", nf_json_quote(at->value, value, sizeof value),
                       plain.at);
  nf_text_deinit(&plain);
  return st;
}

// The row of `at` when it changes the result; what is unknown is told.
static const nf_key *changing(const nf_json_at *at, const nf_keys *known) {
  const nf_key *key = find(known, at->key);
  if (key == NULL) nf_json_log(at, NF_LOG_INFO, "is not known, and not used");
  return key != NULL && key->use == NF_KEY_CHANGES && !is_plain(key, at->value) ? key : NULL;
}

nf_status nf_keys_refuse(const nf_json_at *object, const nf_keys *known) {
  const char *name;
  json_t *value;
  json_object_foreach(object->value, name, value) {
    const nf_json_at at = {.doc = object->doc, .value = value, .parent = object, .key = name};
    const nf_key *key = changing(&at, known);
    if (key != NULL) return refuse(&at, key);
  }
  return nf_ok();
}

void nf_keys_list(const nf_json_at *object, const nf_keys *known, nf_text *out) {
  const char *name;
  json_t *value;
  json_object_foreach(object->value, name, value) {
    const nf_json_at at = {.doc = object->doc, .value = value, .parent = object, .key = name};
    char text[64];
    if (changing(&at, known) != NULL)
      nf_text_printf(out, "%s%s %s", out->n ? ", " : "", name, nf_json_quote(value, text, sizeof text));
  }
}

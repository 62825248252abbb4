// SPDX-License-Identifier: Apache-2.0
// Two schemas as one that allows what both allow.
#include "base/memory.h"
#include "constrain/schema.h"
#include <string.h>

enum { CHOICES_MAX = 256 }; // of two lists of alternatives

void nf_made_deinit(nf_made *m) {
  for (size_t i = 0; i < m->n; i++) json_decref(m->at[i]);
  nf_free(m->at);
  *m = (nf_made){0};
}

nf_status nf_made_keep(nf_made *m, json_t *value) {
  if (value != NULL && nf_grow(&m->at, &m->cap, m->n + 1, sizeof *m->at))
    return m->at[m->n++] = value, nf_ok();
  json_decref(value);
  return nf_error(NF_NO_MEMORY, "no memory for a schema");
}

bool nf_is_annotation(const char *word) {
  static const char *const words[] = {"title",
                                      "description",
                                      "default",
                                      "examples",
                                      "example",
                                      "$comment",
                                      "$schema",
                                      "$id",
                                      "id",
                                      "readOnly",
                                      "writeOnly",
                                      "deprecated",
                                      "$defs",
                                      "definitions",
                                      "$anchor",
                                      "nullable",
                                      "discriminator",
                                      "xml",
                                      "externalDocs",
                                      "contentEncoding",
                                      "contentMediaType",
                                      "contentSchema",
                                      "$vocabulary",
                                      "strict"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i], word) == 0) return true;
  return strncmp(word, "x-", 2) == 0;
}

static nf_status put(json_t *object, const char *key, json_t *value) {
  return nf_json_put(object, key, value) ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a schema");
}

// A schema of what both allow, to be merged when it is looked at.
static json_t *both(json_t *a, json_t *b) {
  if (json_is_true(a) || json_is_false(b)) return json_incref(b);
  if (json_is_true(b) || json_is_false(a)) return json_incref(a);
  return json_pack("{s:[O,O]}", "allOf", a, b);
}

typedef struct merging {
  nf_made *made;
  const nf_json_at *at;
  json_t *a, *b, *out;
} merging;

static nf_status refuse(const merging *m, const char *word) {
  return nf_json_error(m->at, "two of %s can't be merged into one", word);
}

static nf_status keep_if_equal(const merging *m, const char *word, json_t *a, json_t *b) {
  return json_equal(a, b) ? nf_ok() : refuse(m, word);
}

static nf_status take_larger(const merging *m, const char *word, json_t *a, json_t *b) {
  if (!json_is_number(a) || !json_is_number(b)) return refuse(m, word);
  return json_number_value(b) > json_number_value(a) ? put(m->out, word, json_incref(b)) : nf_ok();
}

static nf_status take_smaller(const merging *m, const char *word, json_t *a, json_t *b) {
  if (!json_is_number(a) || !json_is_number(b)) return refuse(m, word);
  return json_number_value(b) < json_number_value(a) ? put(m->out, word, json_incref(b)) : nf_ok();
}

static nf_status take_both(const merging *m, const char *word, json_t *a, json_t *b) {
  return put(m->out, word, both(a, b));
}

static bool contains(const json_t *list, const json_t *value) {
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) if (json_equal(item, value)) return true;
  return false;
}

static nf_status take_union(const merging *m, const char *word, json_t *a, json_t *b) {
  size_t i;
  json_t *item, *all = json_is_array(a) ? json_copy(a) : NULL;
  if (!json_is_array(a) || !json_is_array(b)) return json_decref(all), refuse(m, word);
  bool ok = all != NULL;
  json_array_foreach(b, i, item) if (ok && !contains(all, item)) ok = nf_json_push(all, json_incref(item));
  return put(m->out, word, nf_json_whole(all, ok));
}

static nf_status take_common(const merging *m, const char *word, json_t *a, json_t *b) {
  size_t i;
  json_t *item, *all = json_array();
  if (!json_is_array(a) || !json_is_array(b)) return json_decref(all), refuse(m, word);
  bool ok = all != NULL;
  json_array_foreach(a, i, item) if (ok && contains(b, item)) ok = nf_json_push(all, json_incref(item));
  return put(m->out, word, nf_json_whole(all, ok));
}

// Of one list of alternatives and another: each with each.
static nf_status take_product(const merging *m, const char *word, json_t *a, json_t *b) {
  size_t i, k;
  json_t *x, *y, *all = json_array();
  if (!json_is_array(a) || !json_is_array(b) || json_array_size(a) * json_array_size(b) > CHOICES_MAX)
    return json_decref(all), refuse(m, word);
  bool ok = all != NULL;
  json_array_foreach(a, i, x) json_array_foreach(b, k, y) ok = ok && nf_json_push(all, both(x, y));
  return put(m->out, word, nf_json_whole(all, ok));
}

static nf_status take_all(const merging *m, const char *word, json_t *a, json_t *b) {
  json_t *all = json_is_array(a) ? json_copy(a) : NULL;
  if (!json_is_array(a) || !json_is_array(b)) return json_decref(all), refuse(m, word);
  const bool ok = all != NULL && json_array_extend(all, b) == 0;
  return put(m->out, word, nf_json_whole(all, ok));
}

// ---- types ----

static json_t *type_list(json_t *type) {
  return json_is_string(type) ? json_pack("[O]", type) : json_incref(type);
}

static bool has_type(const json_t *list, const char *name) {
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) if (json_is_string(item) &&
                                        strcmp(json_string_value(item), name) == 0) return true;
  return false;
}

// Integers are numbers too.
static bool allows_type(const json_t *list, const char *name) {
  return has_type(list, name) || (strcmp(name, "integer") == 0 && has_type(list, "number"));
}

static bool add_common_types(json_t *out, const json_t *a, const json_t *b) {
  size_t i;
  json_t *item;
  json_array_foreach(a, i, item) {
    const char *name = json_string_value(item);
    if (name != NULL && allows_type(b, name) && !has_type(out, name) && !nf_json_push(out, json_incref(item)))
      return false;
  }
  return true;
}

static nf_status take_types(const merging *m, const char *word, json_t *a, json_t *b) {
  json_t *x = type_list(a), *y = type_list(b), *all = json_array();
  const bool ok =
      x != NULL && y != NULL && all != NULL && add_common_types(all, x, y) && add_common_types(all, y, x);
  json_decref(x);
  json_decref(y);
  return put(m->out, word, nf_json_whole(all, ok));
}

// ---- properties: those that only one knows are additional ones to the other ----

static nf_status add_properties(json_t *out, json_t *mine, json_t *theirs, json_t *their_additional) {
  const char *name;
  json_t *schema;
  json_object_foreach(mine, name, schema) {
    json_t *other = json_object_get(theirs, name);
    if (json_object_get(out, name) != NULL) continue;
    if (other == NULL) other = their_additional;
    NF_TRY(put(out, name, other != NULL ? both(schema, other) : json_incref(schema)));
  }
  return nf_ok();
}

static nf_status merge_properties(const merging *m) {
  static const char additional[] = "additionalProperties";
  json_t *a = json_object_get(m->a, "properties"), *b = json_object_get(m->b, "properties"),
         *more_a = json_object_get(m->a, additional), *more_b = json_object_get(m->b, additional);
  if (a == NULL && b == NULL && (more_a == NULL || more_b == NULL)) return nf_ok();
  if ((a != NULL && !json_is_object(a)) || (b != NULL && !json_is_object(b))) return refuse(m, "properties");
  json_t *all = json_object();
  nf_status st = put(m->out, "properties", all); // the object is the owner now
  if (nf_is_ok(st)) st = add_properties(all, a, b, more_b);
  if (nf_is_ok(st)) st = add_properties(all, b, a, more_a);
  if (nf_is_ok(st) && more_a != NULL && more_b != NULL) st = put(m->out, additional, both(more_a, more_b));
  return st;
}

// ---- all words ----

static const struct {
  const char *word;
  nf_status (*merge)(const merging *m, const char *word, json_t *a, json_t *b);
} words[] = {
    {"type", take_types},
    {"required", take_union},
    {"items", take_both},
    {"minimum", take_larger},
    {"exclusiveMinimum", take_larger},
    {"minLength", take_larger},
    {"minItems", take_larger},
    {"maximum", take_smaller},
    {"exclusiveMaximum", take_smaller},
    {"maxLength", take_smaller},
    {"maxItems", take_smaller},
    {"enum", take_common},
    {"const", keep_if_equal},
    {"pattern", keep_if_equal},
    {"format", keep_if_equal},
    {"prefixItems", keep_if_equal},
    {"anyOf", take_product},
    {"oneOf", take_product},
    {"allOf", take_all},
};

static nf_status merge_word(const merging *m, const char *word, json_t *b) {
  json_t *a = json_object_get(m->a, word);
  if (a == NULL) return put(m->out, word, json_incref(b));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].word, word) == 0) return words[i].merge(m, word, a, b);
  return nf_ok(); // properties have been merged; of annotations the first one stays
}

static nf_status merge(const merging *m) {
  const char *word;
  json_t *value;
  const bool lists =
                 json_object_get(m->a, "prefixItems") != NULL || json_object_get(m->b, "prefixItems") != NULL,
             items = json_object_get(m->a, "items") != NULL || json_object_get(m->b, "items") != NULL;
  if (lists && items &&
      !json_equal(json_object_get(m->a, "prefixItems"), json_object_get(m->b, "prefixItems")))
    return refuse(m, "items and prefixItems");
  json_object_foreach(m->b, word, value) {
    if (strcmp(word, "$ref") == 0 && json_object_get(m->a, word) != NULL) return refuse(m, word);
    NF_TRY(merge_word(m, word, value));
  }
  return merge_properties(m);
}

nf_status nf_merge_schemas(nf_made *made, const nf_json_at *at, json_t *a, json_t *b, json_t **out) {
  if (!json_is_object(a) || !json_is_object(b)) {
    if ((!json_is_object(a) && !json_is_boolean(a)) || (!json_is_object(b) && !json_is_boolean(b)))
      return nf_json_error(at, "should be a schema (an object, true or false)");
    return *out = json_is_true(a) || json_is_false(b) ? b : a, nf_ok();
  }
  json_t *merged = json_copy(a);
  NF_TRY(nf_made_keep(made, merged));
  *out = merged;
  return merge(&(merging){made, at, a, b, merged});
}

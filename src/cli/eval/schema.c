// SPDX-License-Identifier: Apache-2.0
// Values against JSON schemas: a row for each keyword.
#include "cli/eval/schema.h"
#include <math.h>
#include <string.h>

// ---- values ----

static bool equal_arrays(const json_t *a, const json_t *b) {
  if (json_array_size(a) != json_array_size(b)) return false;
  for (size_t i = 0; i < json_array_size(a); i++)
    if (!eval_equal(json_array_get(a, i), json_array_get(b, i))) return false;
  return true;
}

static bool equal_objects(const json_t *a, const json_t *b) {
  const char *key;
  json_t *value;
  if (json_object_size(a) != json_object_size(b)) return false;
  json_object_foreach((json_t *)a, key, value) {
    const json_t *other = json_object_get(b, key);
    if (other == NULL || !eval_equal(value, other)) return false;
  }
  return true;
}

bool eval_equal(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b)) return json_integer_value(a) == json_integer_value(b);
  if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
  if (json_is_array(a) && json_is_array(b)) return equal_arrays(a, b);
  if (json_is_object(a) && json_is_object(b)) return equal_objects(a, b);
  return json_equal(a, b) != 0;
}

// ---- types ----

static bool is_integer(const json_t *v) {
  return json_is_integer(v) || (json_is_real(v) && json_real_value(v) == floor(json_real_value(v)));
}
static bool is_number(const json_t *v) { return json_is_number(v); }
static bool is_string(const json_t *v) { return json_is_string(v); }
static bool is_boolean(const json_t *v) { return json_is_boolean(v); }
static bool is_array(const json_t *v) { return json_is_array(v); }
static bool is_object(const json_t *v) { return json_is_object(v); }
static bool is_null(const json_t *v) { return json_is_null(v); }

typedef struct type {
  const char *name;
  bool (*holds)(const json_t *v);
} type;
static const type types[] = {{"integer", is_integer}, {"number", is_number}, {"string", is_string},
                             {"boolean", is_boolean}, {"array", is_array},   {"object", is_object},
                             {"null", is_null}};
enum { N_TYPES = sizeof types / sizeof *types };

static const type *find_type(const json_t *name) {
  for (int i = 0; json_is_string(name) && i < N_TYPES; i++)
    if (strcmp(types[i].name, json_string_value(name)) == 0) return &types[i];
  return NULL;
}

static nf_status check_type_name(const nf_json_at *name) {
  nf_view text;
  NF_TRY(nf_json_string(name, &text));
  if (find_type(name->value) != NULL) return nf_ok();
  return nf_json_error(name,
                       "'%.*s' is no type; there are integer, number, string, boolean, array, object, null",
                       (int)text.n, text.at);
}

static nf_status each(const nf_json_at *list, nf_status (*check)(const nf_json_at *item)) {
  size_t n;
  NF_TRY(nf_json_array(list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    NF_TRY(check(&item));
  }
  return nf_ok();
}

static nf_status check_type(const nf_json_at *at) {
  return json_is_array(at->value) ? each(at, check_type_name) : check_type_name(at);
}

static bool admits_type(const json_t *schema, const json_t *names, const json_t *value) {
  (void)schema;
  if (!json_is_array(names)) return find_type(names)->holds(value);
  for (size_t i = 0; i < json_array_size(names); i++)
    if (find_type(json_array_get(names, i))->holds(value)) return true;
  return false;
}

// ---- objects and arrays ----

static nf_status check_properties(const nf_json_at *at) {
  const char *key;
  json_t *value;
  NF_TRY(nf_json_object(at));
  json_object_foreach(at->value, key, value) {
    const nf_json_at property = nf_json_get(at, key);
    NF_TRY(eval_schema_check(&property));
  }
  return nf_ok();
}

static bool admits_properties(const json_t *schema, const json_t *properties, const json_t *value) {
  const char *key;
  json_t *member;
  const bool closed = json_object_get(schema, "additionalProperties") == NULL;
  if (!json_is_object(value)) return true;
  json_object_foreach((json_t *)value, key, member) {
    const json_t *property = json_object_get(properties, key);
    if (property != NULL ? !eval_admits(property, member) : closed) return false;
  }
  return true;
}

static nf_status check_additional(const nf_json_at *at) {
  return json_is_boolean(at->value) ? nf_ok() : eval_schema_check(at);
}

static bool admits_additional(const json_t *schema, const json_t *additional, const json_t *value) {
  const json_t *properties = json_object_get(schema, "properties");
  const char *key;
  json_t *member;
  if (!json_is_object(value) || json_is_true(additional)) return true;
  json_object_foreach((json_t *)value, key, member) {
    if (json_object_get(properties, key) != NULL) continue;
    if (json_is_false(additional) || !eval_admits(additional, member)) return false;
  }
  return true;
}

static nf_status check_name(const nf_json_at *at) {
  nf_view text;
  return nf_json_string(at, &text);
}

static nf_status check_required(const nf_json_at *at) { return each(at, check_name); }

static bool admits_required(const json_t *schema, const json_t *names, const json_t *value) {
  (void)schema;
  for (size_t i = 0; json_is_object(value) && i < json_array_size(names); i++)
    if (json_object_get(value, json_string_value(json_array_get(names, i))) == NULL) return false;
  return true;
}

static bool admits_items(const json_t *schema, const json_t *items, const json_t *value) {
  (void)schema;
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!eval_admits(items, json_array_get(value, i))) return false;
  return true;
}

// ---- single values ----

static nf_status check_anything(const nf_json_at *at) { return (void)at, nf_ok(); }
static nf_status check_enum(const nf_json_at *at) { return each(at, check_anything); }

static bool admits_enum(const json_t *schema, const json_t *values, const json_t *value) {
  (void)schema;
  for (size_t i = 0; i < json_array_size(values); i++)
    if (eval_equal(json_array_get(values, i), value)) return true;
  return false;
}

static bool admits_const(const json_t *schema, const json_t *wanted, const json_t *value) {
  return (void)schema, eval_equal(wanted, value);
}

static nf_status check_number(const nf_json_at *at) {
  double value;
  return nf_json_f64(at, -INFINITY, INFINITY, &value);
}

static bool admits_minimum(const json_t *schema, const json_t *least, const json_t *value) {
  return (void)schema, !json_is_number(value) || json_number_value(value) >= json_number_value(least);
}

static bool admits_maximum(const json_t *schema, const json_t *most, const json_t *value) {
  return (void)schema, !json_is_number(value) || json_number_value(value) <= json_number_value(most);
}

// ---- all ----

typedef struct keyword {
  const char *name;
  nf_status (*check)(const nf_json_at *at);
  bool (*admits)(const json_t *schema, const json_t *at, const json_t *value); // NULL: it only describes
} keyword;
static const keyword keywords[] = {{"type", check_type, admits_type},
                                   {"properties", check_properties, admits_properties},
                                   {"additionalProperties", check_additional, admits_additional},
                                   {"required", check_required, admits_required},
                                   {"items", eval_schema_check, admits_items},
                                   {"enum", check_enum, admits_enum},
                                   {"const", check_anything, admits_const},
                                   {"minimum", check_number, admits_minimum},
                                   {"maximum", check_number, admits_maximum},
                                   {"title", check_anything, NULL},
                                   {"description", check_anything, NULL},
                                   {"default", check_anything, NULL},
                                   {"examples", check_anything, NULL},
                                   {"format", check_anything, NULL}};
enum { N_KEYWORDS = sizeof keywords / sizeof *keywords };

static const keyword *find(const char *name) {
  for (int i = 0; i < N_KEYWORDS; i++)
    if (strcmp(keywords[i].name, name) == 0) return &keywords[i];
  return NULL;
}

nf_status eval_schema_check(const nf_json_at *schema) {
  const char *key;
  json_t *value;
  if (schema->value == NULL) return nf_ok();
  NF_TRY(nf_json_object(schema));
  json_object_foreach(schema->value, key, value) {
    const keyword *k = find(key);
    const nf_json_at at = {.doc = schema->doc, .value = value, .parent = schema, .key = key};
    if (k == NULL)
      return nf_json_error(&at,
                           "this keyword is not checked; there are type, properties, additionalProperties, "
                           "required, items, enum, const, minimum, maximum");
    NF_TRY(k->check(&at));
  }
  return nf_ok();
}

bool eval_admits(const json_t *schema, const json_t *value) {
  const char *key;
  json_t *at;
  json_object_foreach((json_t *)schema, key, at) {
    const keyword *k = find(key);
    if (k->admits != NULL && !k->admits(schema, at, value)) return false;
  }
  return true;
}

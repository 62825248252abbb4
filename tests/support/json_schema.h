// SPDX-License-Identifier: Apache-2.0
// Whether a JSON document is valid by a schema, checked on jansson's values and with PCRE2: shares nothing
// with what constrains texts, so that one can be held against the other. Knows the words that tests use.
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <jansson.h>
#include <math.h>
#include <pcre2.h>
#include <string.h>

static inline size_t schema_characters(const json_t *s) {
  size_t n = 0;
  const char *p = json_string_value(s);
  for (size_t i = 0; i < json_string_length(s); i++) n += (p[i] & 0xc0) != 0x80;
  return n;
}

static inline bool schema_matches(const char *pattern, const char *text, size_t n) {
  int code;
  size_t at;
  pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_DOLLAR_ENDONLY,
                                 &code, &at, NULL);
  if (re == NULL) return false;
  pcre2_match_data *found = pcre2_match_data_create_from_pattern(re, NULL);
  const bool yes = pcre2_match(re, (PCRE2_SPTR)text, n, 0, 0, found, NULL) >= 0;
  pcre2_match_data_free(found);
  pcre2_code_free(re);
  return yes;
}

static inline bool schema_is(const json_t *v, const char *type) {
  if (strcmp(type, "object") == 0) return json_is_object(v);
  if (strcmp(type, "array") == 0) return json_is_array(v);
  if (strcmp(type, "string") == 0) return json_is_string(v);
  if (strcmp(type, "boolean") == 0) return json_is_boolean(v);
  if (strcmp(type, "null") == 0) return json_is_null(v);
  if (strcmp(type, "integer") == 0)
    return json_is_integer(v) || (json_is_real(v) && json_real_value(v) == trunc(json_real_value(v)));
  return json_is_number(v);
}

static inline bool schema_type(const json_t *type, const json_t *v) {
  size_t i;
  json_t *t;
  if (type == NULL) return true;
  if (json_is_string(type)) return schema_is(v, json_string_value(type));
  json_array_foreach(type, i, t) if (schema_is(v, json_string_value(t))) return true;
  return false;
}

static inline double schema_number(const json_t *s, const char *word, double standard) {
  const json_t *x = json_object_get(s, word);
  return json_is_number(x) ? json_number_value(x) : standard;
}

static bool schema_valid(const json_t *root, const json_t *s, const json_t *v);

static inline const json_t *schema_target(const json_t *root, const char *ref) { // "#", "#/a/b"
  char part[128];
  for (ref += 1; *ref == '/' && root != NULL;) {
    const size_t n = strcspn(ref + 1, "/");
    snprintf(part, sizeof part, "%.*s", (int)n, ref + 1);
    root = json_object_get(root, part);
    ref += n + 1;
  }
  return root;
}

static inline bool schema_object(const json_t *root, const json_t *s, const json_t *v) {
  const json_t *properties = json_object_get(s, "properties"),
               *more = json_object_get(s, "additionalProperties");
  const char *name;
  json_t *member, *required;
  size_t i;
  json_array_foreach(json_object_get(s, "required"), i,
                     required) if (json_object_get(v, json_string_value(required)) == NULL) return false;
  json_object_foreach((json_t *)v, name, member) {
    const json_t *one = json_object_get(properties, name);
    if (one == NULL) one = more;
    if (one != NULL && !schema_valid(root, one, member)) return false;
  }
  return true;
}

static inline bool schema_array(const json_t *root, const json_t *s, const json_t *v) {
  const json_t *prefix = json_object_get(s, "prefixItems"), *rest = json_object_get(s, "items");
  const double n = (double)json_array_size(v);
  for (size_t i = 0; i < json_array_size(v); i++) {
    const json_t *one = i < json_array_size(prefix) ? json_array_get(prefix, i) : rest;
    if (one != NULL && !schema_valid(root, one, json_array_get(v, i))) return false;
  }
  return n >= schema_number(s, "minItems", 0) && n <= schema_number(s, "maxItems", 1e9);
}

static inline bool schema_string(const json_t *s, const json_t *v) {
  static const char *const formats[][2] = {
      {"date", "^\\d{4}-(0\\d|1[0-2])-([0-2]\\d|3[01])$"},
      {"date-time", "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$"},
      {"uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
      {"email", "^[^@\"]+@[^@\"]+\\.[^@\"]+$"},
      {"ipv4", "^(\\d{1,3}\\.){3}\\d{1,3}$"}};
  const double n = (double)schema_characters(v);
  const char *pattern = json_string_value(json_object_get(s, "pattern")),
             *format = json_string_value(json_object_get(s, "format"));
  if (n < schema_number(s, "minLength", 0) || n > schema_number(s, "maxLength", 1e9)) return false;
  for (size_t i = 0; format != NULL && i < sizeof formats / sizeof *formats; i++)
    if (strcmp(format, formats[i][0]) == 0 &&
        !schema_matches(formats[i][1], json_string_value(v), json_string_length(v)))
      return false;
  return pattern == NULL || schema_matches(pattern, json_string_value(v), json_string_length(v));
}

static inline bool schema_bounds(const json_t *s, const json_t *v) {
  const double x = json_number_value(v);
  return x >= schema_number(s, "minimum", -1e308) && x <= schema_number(s, "maximum", 1e308) &&
         (json_object_get(s, "exclusiveMinimum") == NULL || x > schema_number(s, "exclusiveMinimum", 0)) &&
         (json_object_get(s, "exclusiveMaximum") == NULL || x < schema_number(s, "exclusiveMaximum", 0));
}

static inline bool schema_any(const json_t *root, const json_t *list, const json_t *v) {
  size_t i;
  json_t *one;
  if (list == NULL) return true;
  json_array_foreach(list, i, one) if (schema_valid(root, one, v)) return true;
  return false;
}

static inline bool schema_all(const json_t *root, const json_t *list, const json_t *v) {
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) if (!schema_valid(root, one, v)) return false;
  return true;
}

static inline bool schema_constant(const json_t *s, const json_t *v) {
  const json_t *constant = json_object_get(s, "const"), *list = json_object_get(s, "enum");
  size_t i;
  json_t *one;
  if (constant != NULL && !json_equal(constant, v)) return false;
  if (list == NULL) return true;
  json_array_foreach(list, i, one) if (json_equal(one, v)) return true;
  return false;
}

static bool schema_valid(const json_t *root, const json_t *s, const json_t *v) {
  if (json_is_boolean(s)) return json_is_true(s);
  const char *ref = json_string_value(json_object_get(s, "$ref"));
  if (ref != NULL && !schema_valid(root, schema_target(root, ref), v)) return false;
  return schema_type(json_object_get(s, "type"), v) && schema_constant(s, v) &&
         schema_any(root, json_object_get(s, "anyOf"), v) &&
         schema_any(root, json_object_get(s, "oneOf"), v) &&
         schema_all(root, json_object_get(s, "allOf"), v) &&
         (!json_is_object(v) || schema_object(root, s, v)) &&
         (!json_is_array(v) || schema_array(root, s, v)) && (!json_is_string(v) || schema_string(s, v)) &&
         (!json_is_number(v) || schema_bounds(s, v));
}

static inline bool schema_valid_text(const char *schema, const char *text, size_t n) {
  json_error_t error;
  json_t *s = json_loads(schema, JSON_DECODE_ANY, &error), *v = json_loadb(text, n, JSON_DECODE_ANY, &error);
  const bool valid = s != NULL && v != NULL && schema_valid(s, s, v);
  json_decref(s);
  json_decref(v);
  return valid;
}

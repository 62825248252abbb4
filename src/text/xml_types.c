// SPDX-License-Identifier: Apache-2.0
// What a parameter's value is, by its schema.
#include "text/tools.h"
#include <string.h>

enum { MOST = 256 }; // schemas that are looked at for one parameter

bool nf_is_text_type(const char *type) {
  static const char *const names[] = {"string", "str", "text", "varchar", "char", "enum"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(type, names[i]) == 0) return true;
  return false;
}

// What was found of a value: its first type, and whether it may be null.
typedef struct finding {
  json_t *root;
  int left; // schemas that may still be looked at
  bool known, text, null;
} finding;

static void find_type(finding *f, const json_t *type) {
  const char *name = json_string_value(type);
  if (name == NULL) return;
  if (strcmp(name, "null") == 0) {
    f->null = true;
  } else if (!f->known) {
    f->known = true;
    f->text = nf_is_text_type(name);
  }
}

static void find_value(finding *f, const json_t *value) {
  if (json_is_null(value)) {
    f->null = true;
  } else if (value != NULL && !f->known) {
    f->known = true;
    f->text = json_is_string(value);
  }
}

static void look(finding *f, const json_t *schema) {
  static const char *const several[] = {"anyOf", "oneOf", "allOf"};
  size_t i;
  json_t *item;
  if (f->left-- <= 0 || !json_is_object(schema)) return;
  const json_t *type = json_object_get(schema, "type"), *list = json_object_get(schema, "enum");
  const json_t *other = json_object_get(schema, "$ref");
  find_type(f, type);
  json_array_foreach(type, i, item) find_type(f, item);
  if (other != NULL) look(f, nf_json_refer(f->root, nf_view_of(json_string_value(other))));
  for (size_t k = 0; k < sizeof several / sizeof *several; k++)
    json_array_foreach(json_object_get(schema, several[k]), i, item) look(f, item);
  json_array_foreach(list, i, item) find_value(f, item);
  find_value(f, json_object_get(schema, "const"));
  if (json_object_get(schema, "properties") != NULL || json_object_get(schema, "items") != NULL)
    f->known = true;
}

const json_t *nf_parameter_declared(const json_t *parameters, nf_view name) {
  return json_object_getn(json_object_get(parameters, "properties"), name.at, name.n);
}

nf_value_kind nf_parameter_kind(const json_t *parameters, nf_view name) {
  finding f = {.root = (json_t *)parameters, .left = MOST};
  look(&f, nf_parameter_declared(parameters, name));
  if (f.known && !f.text) return NF_VALUE_JSON;
  return f.null ? NF_VALUE_TEXT_OR_NULL : NF_VALUE_TEXT;
}

// SPDX-License-Identifier: Apache-2.0
// Function tools as harmony declares them: a JSON schema becomes a TypeScript type, letter by letter as the
// openai-harmony library writes it (0.0.8), with what that leaves out (anyOf, allOf, const: "any").
#include "base/keys.h"
#include "text/chat_format.h"
#include "text/tools.h"
#include <string.h>

enum { DEEPER = 4, VARIANT_DEEPER = 3 }; // spaces

static void put_type(nf_text *out, const json_t *schema, int indent);

static const char *get_string(const json_t *schema, const char *key) { // the parser lets no NUL in
  return json_string_value(json_object_get(schema, key));
}
static const json_t *get_array(const json_t *schema, const char *key) {
  const json_t *v = json_object_get(schema, key);
  return json_is_array(v) ? v : NULL;
}

static void put(nf_text *out, const char *s) { nf_text_append(out, s, strlen(s)); }
static void put_line(nf_text *out, int indent, const char *before, const char *s, const char *behind) {
  nf_text_printf(out, "%*s%s%s%s\n", indent, "", before, s, behind);
}

// ---- defaults ----

// Strings that are no choice of an enum are quoted, not escaped. Those that are have no quotes (`bare`), or
// have them as JSON.
static void put_default(nf_text *out, const json_t *schema, bool bare) {
  const json_t *value = json_object_get(schema, "default");
  const bool choice = json_array_size(json_object_get(schema, "enum")) > 0;
  put(out, "default: ");
  if (json_is_string(value) && (bare || !choice))
    nf_text_printf(out, choice ? "%s" : "\"%s\"", json_string_value(value));
  else
    nf_json_print(value, &nf_json_rust, (nf_view){0}, out);
}

// Behind a variant: its description unless `silent`, and its default.
static void put_remarks(nf_text *out, const json_t *variant, bool silent, bool bare) {
  const char *description = silent ? NULL : get_string(variant, "description");
  const bool has_default = json_object_get(variant, "default");
  if (!description && !has_default) return;
  nf_text_printf(out, " // %s%s", description ? description : "", description && has_default ? " " : "");
  if (has_default) put_default(out, variant, bare);
}

// ---- types ----

static void put_nullable_type(nf_text *out, const json_t *schema, int indent) {
  const size_t begin = out->n;
  put_type(out, schema, indent);
  if (!json_is_true(json_object_get(schema, "nullable")) || out->failed) return;
  if (out->n == begin || !memmem(out->at + begin, out->n - begin, "null", 4)) put(out, " | null");
}

static bool same_text(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

// A line for each, without the description `told`, which stands above them, nor with `above` that of the
// first.
static void put_variants(nf_text *out, const json_t *variants, int indent, const char *told, bool above,
                         bool bare) {
  size_t i;
  json_t *variant;
  json_array_foreach(variants, i, variant) {
    nf_text_printf(out, "\n%*s | ", indent, "");
    put_nullable_type(out, variant, indent + VARIANT_DEEPER);
    const bool silent = (i == 0 && above) || same_text(told, get_string(variant, "description"));
    put_remarks(out, variant, silent, bare);
  }
}

// The strings of a list, names of types or (`quote`) choices, with bars between; false: there is none.
static bool put_strings(nf_text *out, const json_t *list, const char *quote) {
  size_t i;
  json_t *item;
  bool any = false;
  json_array_foreach(list, i, item) {
    const char *s = json_string_value(item);
    if (!s) continue;
    if (!*quote && strcmp(s, "integer") == 0) s = "number";
    nf_text_printf(out, "%s%s%s%s", any ? " | " : "", quote, s, quote);
    any = true;
  }
  return any;
}

static void put_array_type(nf_text *out, const json_t *schema, int indent) {
  const json_t *items = json_object_get(schema, "items");
  if (!items) return put(out, "Array<any>");
  put_type(out, items, indent);
  put(out, "[]");
}

// ---- objects ----

static bool is_required(const json_t *schema, const char *key) {
  size_t i;
  json_t *name;
  json_array_foreach(json_object_get(schema, "required"), i, name) {
    if (same_text(json_string_value(name), key)) return true;
  }
  return false;
}

// Lines above a property.
static void put_head(nf_text *out, const json_t *property, int indent) {
  const char *title = get_string(property, "title"), *description = get_string(property, "description");
  const json_t *examples = json_object_get(property, "examples");
  size_t i;
  json_t *example;
  if (title) nf_text_printf(out, "%*s// %s\n%*s//\n", indent, "", title, indent, "");
  if (description && !json_object_get(property, "oneOf")) put_line(out, indent, "// ", description, "");
  if (json_array_size(examples)) put_line(out, indent, "// Examples:", "", "");
  json_array_foreach(examples, i, example) if (json_is_string(example))
      put_line(out, indent, "// - \"", json_string_value(example), "\"");
}

static void put_name(nf_text *out, const json_t *object, const char *key, int indent) {
  nf_text_printf(out, "%*s%s%s", indent, "", key, is_required(object, key) ? ":" : "?:");
}

// A property of several kinds: its description and default stand above, each kind has a line of its own.
static void put_choice(nf_text *out, const json_t *property, const json_t *variants, int indent,
                       const char *name, const json_t *object) {
  const char *description = get_string(property, "description"),
             *first = get_string(json_array_get(variants, 0), "description");
  const bool above = description && !same_text(description, first);
  if (above) put_line(out, indent, "// ", description, "");
  if (json_object_get(property, "default")) {
    nf_text_printf(out, "%*s// ", indent, "");
    put_default(out, property, true);
    put(out, "\n");
  }
  put_name(out, object, name, indent);
  put_variants(out, variants, indent, description, above, true);
  nf_text_printf(out, "\n%*s,\n", indent, "");
}

static void put_property(nf_text *out, const json_t *object, const char *name, const json_t *property,
                         int indent) {
  const json_t *variants = get_array(property, "oneOf");
  put_head(out, property, indent);
  if (variants) return put_choice(out, property, variants, indent, name, object);
  put_name(out, object, name, indent);
  put(out, " ");
  put_nullable_type(out, property, indent + DEEPER);
  put(out, ",");
  if (!json_object_get(property, "oneOf") && json_object_get(property, "default")) {
    put(out, " // ");
    put_default(out, property, true);
  }
  put(out, "\n");
}

static void put_object_type(nf_text *out, const json_t *schema, int indent) {
  const char *description = get_string(schema, "description"), *name;
  json_t *properties = json_object_get(schema, "properties"), *property;
  if (description) put_line(out, indent, "// ", description, "");
  put(out, "{\n");
  json_object_foreach(properties, name, property) put_property(out, schema, name, property, indent);
  nf_text_printf(out, "%*s}", indent, "");
}

static void put_type(nf_text *out, const json_t *schema, int indent) {
  const json_t *variants = get_array(schema, "oneOf");
  const char *type = get_string(schema, "type");
  if (variants) return put_variants(out, variants, indent, NULL, false, false);
  if (put_strings(out, json_object_get(schema, "type"), "")) return;
  if (same_text(type, "object")) return put_object_type(out, schema, indent);
  if (same_text(type, "array")) return put_array_type(out, schema, indent);
  if (same_text(type, "string") && put_strings(out, json_object_get(schema, "enum"), "\"")) return;
  if (same_text(type, "integer")) return put(out, "number");
  put(out, type && nf_has_word("string boolean number", nf_view_of(type)) ? type : "any");
}

// ---- tools ----

// "// " before each line; the end of the text ends its last line.
static void put_description(nf_text *out, nf_view text) {
  while (text.n) {
    nf_view line = nf_next_line(&text);
    const bool ended = line.at + line.n < text.at;
    if (ended && line.n && line.at[line.n - 1] == '\r') line.n--;
    nf_text_printf(out, "// %.*s\n", (int)line.n, line.at);
  }
}

static void put_function(nf_text *out, const json_t *function) {
  const json_t *parameters = json_object_get(function, "parameters");
  put_description(out, nf_view_of(get_string(function, "description")));
  nf_text_printf(out, "type %s = (", get_string(function, "name"));
  if (json_is_object(parameters)) {
    put(out, "_: ");
    put_type(out, parameters, 0);
  }
  put(out, ") => any;");
}

nf_status nf_harmony_declare(nf_tool_form, nf_view tools, nf_text *out) {
  nf_json doc;
  size_t i;
  json_t *tool;
  NF_TRY(nf_tools_parse(tools, &doc));
  json_array_foreach(doc.root, i, tool) {
    if (i) put(out, "\n\n");
    put_function(out, nf_tool_function(tool));
  }
  nf_json_deinit(&doc);
  return nf_text_status(out);
}

// SPDX-License-Identifier: Apache-2.0
// Writing tools and calls as the chat templates of Qwen3-Coder do under transformers.
#include "text/unicode.h"
#include "text/xml.h"
#include <string.h>

static void put(nf_text *out, const char *s) { nf_text_append(out, s, strlen(s)); }

// ---- values ----

// Python's str of it: a text is itself.
static nf_view put_str(nf_text *out, const json_t *value, nf_view source) {
  if (!json_is_string(value)) return nf_json_print(value, &nf_json_repr, source, out);
  nf_text_append(out, json_string_value(value), json_string_length(value));
  return source;
}

// What is behind the value's last number in the source comes back.
static nf_view put_value(nf_text *out, const json_t *value, nf_tool_form form, nf_view source) {
  const bool json = form == NF_TOOLS_QWEN36
                        ? !json_is_string(value)
                        : json_is_object(value) || (json_is_array(value) && form != NF_TOOLS_CODER_FIRST);
  return json ? nf_json_print(value, &nf_json_python, source, out) : put_str(out, value, source);
}

static bool is_space(const char *s, size_t *n) {
  const uint32_t c = nf_utf8_char(s, n);
  return nf_char_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

nf_view nf_xml_strip(nf_view v) {
  size_t n, end = 0;
  for (; v.n != 0 && is_space(v.at, &n); v.n -= n) v.at += n;
  for (size_t i = 0; i < v.n; i += n)
    if (!is_space(v.at + i, &n)) end = i + n;
  return (nf_view){v.at, end};
}

// ---- declarations ----

static void put_tag(nf_text *out, const char *name, size_t n, nf_view value) {
  nf_text_printf(out, "\n<%.*s>", (int)n, name);
  nf_text_append(out, value.at, value.n);
  nf_text_printf(out, "</%.*s>", (int)n, name);
}

static void put_described(nf_text *out, const char *name, const json_t *value) {
  nf_text text = {0};
  if (value == NULL) return;
  put_str(&text, value, (nf_view){0});
  const nf_view all = nf_text_view(&text);
  put_tag(out, name, strlen(name), strcmp(name, "description") == 0 ? nf_xml_strip(all) : all);
  out->failed |= text.failed;
  nf_text_deinit(&text);
}

static bool is_among(const char *key, const char *const *keys) {
  for (; *keys != NULL; keys++)
    if (strcmp(key, *keys) == 0) return true;
  return false;
}

// All members but those that have a place of their own.
static void put_others(nf_text *out, const json_t *object, const char *const *own, nf_tool_form form) {
  const char *key;
  size_t n;
  json_t *member;
  json_object_keylen_foreach((json_t *)object, key, n, member) {
    nf_text text = {0};
    if (is_among(key, own)) continue;
    put_value(&text, member, form, (nf_view){0});
    put_tag(out, key, n, nf_text_view(&text));
    out->failed |= text.failed;
    nf_text_deinit(&text);
  }
}

static void put_parameters(nf_text *out, const json_t *properties, nf_tool_form form) {
  static const char *const own[] = {"name", "type", "description", NULL};
  const char *key;
  size_t n;
  json_t *schema;
  json_object_keylen_foreach((json_t *)properties, key, n, schema) {
    put(out, "\n<parameter>");
    put_tag(out, "name", 4, (nf_view){key, n});
    put_described(out, "type", json_object_get(schema, "type"));
    put_described(out, "description", json_object_get(schema, "description"));
    put_others(out, schema, own, form);
    put(out, "\n</parameter>");
  }
}

void nf_xml_declare(const json_t *function, nf_tool_form form, nf_text *out) {
  static const char *const own[] = {"type", "name", "description", "parameters", NULL};
  static const char *const own_of_parameters[] = {"type", "properties", NULL};
  const json_t *parameters = json_object_get(function, "parameters");
  put(out, "<function>");
  put_described(out, "name", json_object_get(function, "name"));
  put_described(out, "description", json_object_get(function, "description"));
  put(out, "\n<parameters>");
  put_parameters(out, json_object_get(parameters, "properties"), form);
  put_others(out, parameters, own_of_parameters, form);
  put(out, "\n</parameters>");
  put_others(out, function, own, form);
  put(out, "\n</function>");
}

// ---- calls ----

nf_status nf_xml_print_arguments(nf_view arguments, nf_tool_form form, nf_text *out) {
  const char *key;
  size_t n;
  json_t *value;
  nf_json doc;
  nf_view source = arguments;
  NF_TRY(nf_json_parse_nul(arguments.at, arguments.n, "arguments", &doc));
  const nf_json_at root = nf_json_root(&doc);
  const nf_status st = nf_json_object(&root);
  json_object_keylen_foreach(doc.root, key, n, value) {
    nf_text_printf(out, "<parameter=%.*s>\n", (int)n, key);
    source = put_value(out, value, form, source);
    put(out, "\n</parameter>\n");
  }
  nf_json_deinit(&doc);
  return nf_is_ok(st) ? nf_text_status(out) : st;
}

// SPDX-License-Identifier: Apache-2.0
#include "text/tools.h"
#include "text/unicode.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *nf_tool_function(const json_t *tool) {
  const json_t *inner = json_object_get(tool, "function");
  return inner ? inner : tool;
}

static nf_status check_function(const nf_json_at *function) {
  NF_TRY(nf_json_object(function));
  const nf_json_at name = nf_json_get(function, "name"), description = nf_json_get(function, "description"),
                   parameters = nf_json_get(function, "parameters");
  nf_view text;
  NF_TRY(nf_json_string(&name, &text));
  if (!text.n) return nf_json_error(&name, "is empty, should name the function");
  if (description.value) NF_TRY(nf_json_string(&description, &text));
  return parameters.value ? nf_json_object(&parameters) : nf_ok();
}

static nf_status check_tool(const nf_json_at *tool) {
  NF_TRY(nf_json_object(tool));
  const nf_json_at type = nf_json_get(tool, "type"), function = nf_json_get(tool, "function");
  nf_view text = NF_VIEW("function");
  if (type.value) NF_TRY(nf_json_string(&type, &text));
  if (!nf_view_equal(text, NF_VIEW("function")))
    return nf_json_error(&type, "is \"%.*s\", should be \"function\"", (int)text.n, text.at);
  return check_function(function.value ? &function : tool);
}

nf_status nf_tools_parse(nf_view json, nf_json *out) {
  *out = (nf_json){0};
  if (json.n > NF_TOOLS_MAX)
    return nf_error(NF_BAD_INPUT, "tools: %zu bytes of JSON, there may be %zu", json.n, NF_TOOLS_MAX);
  nf_json doc;
  NF_TRY(nf_json_parse(json.at ? json.at : "", json.n, "tools", &doc));
  const nf_json_at root = nf_json_root(&doc);
  size_t n = 0;
  nf_status st = nf_json_array(&root, &n);
  for (size_t i = 0; nf_is_ok(st) && i < n; i++) {
    const nf_json_at tool = nf_json_item(&root, i);
    st = check_tool(&tool);
  }
  if (nf_is_ok(st))
    *out = doc;
  else
    nf_json_deinit(&doc);
  return st;
}

// ---- printing ----

const nf_json_style nf_json_python = {", ", ": ", -4, 15, "e%+03d", false},
                    nf_json_repr = {", ", ": ", -4, 15, "e%+03d", true},
                    nf_json_rust = {",", ":", -5, 15, "e%d", false};

typedef struct printer {
  const nf_json_style *style;
  nf_view source; // behind the last number
  nf_text *out;
} printer;

static void put(printer *p, const char *s) { nf_text_append(p->out, s, strlen(s)); }

void nf_json_put_text(nf_text *out, nf_view text) {
  static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";
  for (size_t i = 0; i < text.n; i++) {
    const char c = text.at[i], *special = c ? strchr(plain, c) : NULL;
    if (special)
      nf_text_printf(out, "\\%c", escaped[special - plain]);
    else if ((unsigned char)c < 0x20)
      nf_text_printf(out, "\\u%04x", (unsigned)c);
    else
      nf_text_append(out, &c, 1);
  }
}

// A character as Python writes it in a literal.
static void print_repr_char(printer *p, const char *s, size_t n, char quote) {
  static const char special[] = "\\\n\r\t", escaped[] = "\\nrt";
  size_t used;
  const uint32_t c = nf_utf8_char(s, &used);
  const char *at = c != 0 && c < 0x80 ? strchr(special, (int)c) : NULL;
  if (at)
    nf_text_printf(p->out, "\\%c", escaped[at - special]);
  else if (c == (unsigned char)quote)
    nf_text_printf(p->out, "\\%c", quote);
  else if (nf_char_is_printable(c))
    nf_text_append(p->out, s, n);
  else
    nf_text_printf(p->out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static void print_repr(printer *p, const char *s, size_t n) {
  const bool single = !memchr(s, '\'', n) || memchr(s, '"', n);
  const char quote = single ? '\'' : '"';
  nf_text_append(p->out, &quote, 1);
  for (size_t i = 0, used; i < n; i += used) {
    nf_utf8_char(s + i, &used);
    print_repr_char(p, s + i, used, quote);
  }
  nf_text_append(p->out, &quote, 1);
}

static void print_string(printer *p, const char *s, size_t n) {
  if (p->style->repr) return print_repr(p, s, n);
  put(p, "\"");
  nf_json_put_text(p->out, (nf_view){s, n});
  put(p, "\"");
}

// The fewest digits that give the value back: value = d.ddd times ten to the exponent. Positive values only.
static size_t shortest_digits(double value, char digits[32], int *exponent) {
  for (int n = 1; n <= 17; n++) {
    char text[32], back[48];
    double again;
    snprintf(text, sizeof text, "%.*e", n - 1, value);
    const char *e = strchr(text, 'e');
    *exponent = (int)strtol(e + 1, NULL, 10);
    digits[0] = text[0];
    memcpy(digits + 1, e - (n - 1), (size_t)n - 1); // over the point, whatever the locale has for it
    digits[n] = '\0';
    snprintf(back, sizeof back, "%se%d", digits, *exponent - (n - 1));
    if (nf_parse_f64(nf_view_of(back), &again) && again == value) break;
  }
  return strlen(digits);
}

static void print_plain(printer *p, const char *digits, int n, int exponent) {
  if (exponent < 0) {
    nf_text_printf(p->out, "0.%.*s%s", -exponent - 1, "00000000", digits);
    return;
  }
  for (int i = 0; i <= exponent; i++) nf_text_append(p->out, i < n ? digits + i : "0", 1);
  nf_text_printf(p->out, ".%s", n > exponent + 1 ? digits + exponent + 1 : "0");
}

static void print_real(printer *p, double value) {
  char digits[32] = "0";
  int exponent = 0;
  if (value < 0 || (value == 0 && signbit(value))) put(p, "-");
  const int n = value == 0 ? 1 : (int)shortest_digits(fabs(value), digits, &exponent);
  if (exponent >= p->style->lo && exponent <= p->style->hi) return print_plain(p, digits, n, exponent);
  nf_text_append(p->out, digits, 1);
  if (n > 1) nf_text_printf(p->out, ".%s", digits + 1);
  nf_text_printf(p->out, p->style->exponent, exponent);
}

// The next number of the source: values are printed in the order in which they stand there.
static nf_view next_number(printer *p) {
  nf_view *s = &p->source;
  bool quoted = false;
  for (; s->n && (quoted || !strchr("-0123456789", s->at[0])); s->at++, s->n--) {
    if (s->at[0] == '"') quoted = !quoted;
    if (s->at[0] == '\\') s->at++, s->n--;
  }
  size_t n = 0;
  while (n < s->n && strchr("+-.0123456789eE", s->at[n])) n++;
  const nf_view number = {s->at, n};
  *s = (nf_view){s->at + n, s->n - n};
  return number;
}

static bool is_whole(nf_view number) {
  for (size_t i = 0; i < number.n; i++)
    if (strchr(".eE", number.at[i])) return false;
  return number.n != 0;
}

static void print_number(printer *p, const json_t *value) {
  const nf_view spelled = p->source.n ? next_number(p) : (nf_view){0};
  if (json_is_integer(value))
    nf_text_printf(p->out, "%lld", (long long)json_integer_value(value));
  else if (is_whole(spelled))
    nf_text_append(p->out, spelled.at, spelled.n);
  else
    print_real(p, json_real_value(value));
}

static const char *word_of(const printer *p, const json_t *value) {
  static const char *const words[][2] = {{"null", "None"}, {"true", "True"}, {"false", "False"}};
  return words[json_is_null(value) ? 0 : json_is_true(value) ? 1 : 2][p->style->repr];
}

static void print(printer *p, const json_t *value) {
  const char *key;
  size_t n, i;
  json_t *member, *object = (json_t *)value; // jansson iterates over what it might change
  bool follows = false;
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    put(p, "{");
    json_object_keylen_foreach(object, key, n, member) {
      if (follows) put(p, p->style->comma);
      follows = true;
      print_string(p, key, n);
      put(p, p->style->colon);
      print(p, member);
    }
    return put(p, "}");
  case JSON_ARRAY:
    put(p, "[");
    json_array_foreach(value, i, member) {
      if (i) put(p, p->style->comma);
      print(p, member);
    }
    return put(p, "]");
  case JSON_STRING:
    return print_string(p, json_string_value(value), json_string_length(value));
  case JSON_INTEGER:
  case JSON_REAL:
    return print_number(p, value);
  default:
    return put(p, word_of(p, value));
  }
}

nf_view nf_json_print(const json_t *value, const nf_json_style *style, nf_view source, nf_text *out) {
  printer p = {.style = style, .source = source, .out = out};
  print(&p, value);
  return p.source;
}

// SPDX-License-Identifier: Apache-2.0
// A tool call as Qwen3 writes it: {"name": "f", "arguments": {...}}. The arguments are handed on as they were
// spelled, so that a conversation that goes on has the same ids as the answer had.
#include "base/json.h"
#include "text/chatml.h"

// All below walks over text that the JSON parser has accepted, so every quote and bracket has its partner.

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static size_t skip_spaces(nf_view json, size_t i) {
  while (i < json.n && is_space(json.at[i])) i++;
  return i;
}

static size_t skip_string(nf_view json, size_t i) { // from quote to behind quote
  for (i++; i < json.n && json.at[i] != '"'; i++)
    if (json.at[i] == '\\') i++;
  return i + 1;
}

static size_t skip_value(nf_view json, size_t i) {
  for (int depth = 0; i < json.n;) {
    const char c = json.at[i];
    if (depth == 0 && (c == ',' || c == '}' || is_space(c))) break;
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    i = c == '"' ? skip_string(json, i) : i + 1;
    if (depth == 0 && (c == '"' || c == '}' || c == ']')) break;
  }
  return i;
}

// The member's value as it is spelled; empty when no key is spelled that way.
static nf_view spelled_member(nf_view json, nf_view key) {
  size_t i = skip_spaces(json, 0) + 1;
  while ((i = skip_spaces(json, i)) < json.n && json.at[i] == '"') {
    const size_t begin = i + 1, end = skip_string(json, i) - 1;
    i = skip_spaces(json, skip_spaces(json, end + 1) + 1); // over the colon
    const size_t value = i;
    i = skip_value(json, i);
    if (nf_view_equal((nf_view){json.at + begin, end - begin}, key))
      return (nf_view){json.at + value, i - value};
    i = skip_spaces(json, i) + 1; // over the comma
  }
  return (nf_view){0};
}

// Some models put the arguments into a string.
static nf_view arguments_of(nf_view json, const nf_json_at *call) {
  const nf_json_at a = nf_json_get(call, "arguments");
  const size_t n = json_string_length(a.value);
  if (a.value && !json_is_string(a.value)) return spelled_member(json, NF_VIEW("arguments"));
  return n ? (nf_view){json_string_value(a.value), n} : NF_VIEW("{}");
}

nf_status nf_chatml_parse_call(nf_view text, nf_text *name, nf_text *arguments) {
  nf_json doc = {0};
  nf_status st = nf_json_parse(text.at ? text.at : "", text.n, "call", &doc);
  if (nf_status_code(st) == NF_BAD_INPUT) {
    nf_status_free(st);
    return nf_ok();
  }
  if (nf_is_ok(st) && json_is_object(doc.root)) {
    const nf_json_at call = nf_json_root(&doc);
    const json_t *called = nf_json_get(&call, "name").value;
    const nf_view spelled = arguments_of(text, &call);
    if (json_is_string(called) && spelled.n) {
      nf_text_append(name, json_string_value(called), json_string_length(called));
      nf_text_append(arguments, spelled.at, spelled.n);
      st = nf_status_join(nf_text_status(name), nf_text_status(arguments));
    }
  }
  nf_json_deinit(&doc);
  return st;
}

// SPDX-License-Identifier: Apache-2.0
// A tool call as Qwen3 writes it: {"name": "f", "arguments": {...}}. The arguments are handed on as they were
// spelled, so that a conversation that goes on has the same ids as the answer had.
#include "base/json.h"
#include "text/bulk_json.h"
#include "text/chatml.h"
#include <string.h>

// Whether the member is spelled that way, without escapes.
static bool is_spelled(nf_view json, nf_view value, nf_view quoted) {
  size_t i = (size_t)(value.at - json.at);
  while (i && strchr(": \t\n\r", json.at[i - 1])) i--;
  return i >= quoted.n && memcmp(json.at + i - quoted.n, quoted.at, quoted.n) == 0;
}

// As they are spelled in JSON that the parser has accepted; empty: they are not there by that spelling. Some
// models put the arguments into a string.
static nf_status arguments_of(nf_view json, const nf_json_at *call, nf_view *out) {
  static const char *const key[] = {"arguments"};
  const nf_json_at a = nf_json_get(call, key[0]);
  const size_t n = json_string_length(a.value);
  *out = n ? (nf_view){json_string_value(a.value), n} : NF_VIEW("{}");
  if (!a.value || json_is_string(a.value)) return nf_ok();
  nf_bulk b = nf_bulk_of(json, 0, "call");
  *out = (nf_view){0};
  const nf_status st = nf_bulk_members(&b, key, 1, out);
  nf_bulk_deinit(&b);
  if (out->at && !is_spelled(json, *out, NF_VIEW("\"arguments\""))) out->n = 0;
  return st;
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
    nf_view spelled;
    st = arguments_of(text, &call, &spelled);
    if (nf_is_ok(st) && json_is_string(called) && spelled.n) {
      nf_text_append(name, json_string_value(called), json_string_length(called));
      nf_text_append(arguments, spelled.at, spelled.n);
      st = nf_status_join(nf_text_status(name), nf_text_status(arguments));
    }
  }
  nf_json_deinit(&doc);
  return st;
}

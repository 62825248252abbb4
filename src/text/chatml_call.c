// SPDX-License-Identifier: Apache-2.0
// A tool call as Qwen3 writes it: {"name": "f", "arguments": {...}}. The arguments are handed on as they were
// spelled, so that a conversation that goes on has the same ids as the answer had.
#include "base/json_reader.h"
#include "text/chatml.h"

// As they are spelled in the text. Some models put them into a string.
static nf_view arguments_of(nf_view text, const json_t *value, const nf_json_cut *cut) {
  if (json_is_string(value) && json_string_length(value))
    return (nf_view){json_string_value(value), json_string_length(value)};
  return !value || json_is_string(value) || json_is_null(value) ? NF_VIEW("{}")
                                                                : (nf_view){text.at + cut->at, cut->n};
}

nf_status nf_chatml_parse_call(nf_view text, nf_text *name, nf_text *arguments) {
  nf_json doc;
  nf_json_cut cut = {.key = "arguments"};
  nf_status st = nf_json_parse_cut(text.at, text.n, "call", &cut, 1, &doc);
  if (nf_status_code(st) == NF_BAD_INPUT) {
    nf_status_free(st);
    return nf_ok();
  }
  NF_TRY(st);
  const json_t *called = json_object_get(doc.root, "name");
  if (json_is_string(called)) {
    const nf_view spelled = arguments_of(text, json_object_get(doc.root, cut.key), &cut);
    nf_text_append(name, json_string_value(called), json_string_length(called));
    nf_text_append(arguments, spelled.at, spelled.n);
    st = nf_status_join(nf_text_status(name), nf_text_status(arguments));
  }
  nf_json_deinit(&doc);
  return st;
}

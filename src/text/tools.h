// SPDX-License-Identifier: Apache-2.0
// Tools in OpenAI's form, as JSON, and JSON values as text in the very spelling of the programs that made the
// prompts which models were trained on.
#pragma once
#include "base/json.h"

#define NF_TOOLS_MAX ((size_t)4 << 20) // bytes of JSON

// An array of {"type": "function", "function": {"name", "description", "parameters"}}, or with the inner
// members in the outer object, as the responses API has them. NF_BAD_INPUT: it is no such array.
nf_status nf_tools_parse(nf_view json, nf_json *out);
const json_t *nf_tool_function(const json_t *tool); // the object that has the name

// Appends the text as it is spelled within a JSON string, without quotes: only what must be is escaped.
void nf_json_put_text(nf_text *out, nf_view text);

typedef struct nf_json_style {
  const char *comma, *colon;
  int lo, hi;           // a real whose decimal exponent is within is written without one
  const char *exponent; // how it is printed, if it is
  bool repr;            // no JSON: Python's literals
} nf_json_style;
// Python's json.dumps(…, ensure_ascii=False), its repr of the value, and Rust's serde_json.
extern const nf_json_style nf_json_python, nf_json_repr, nf_json_rust;

// Appends; failure is remembered in out. `source` is the text that the value was parsed from, for integers
// that are beyond 64 bits; empty: they are written as reals. Returns what is behind the value's last number:
// the source of the value that comes next.
nf_view nf_json_print(const json_t *value, const nf_json_style *style, nf_view source, nf_text *out);

// ---- parameters of functions, where values have no quotes ----

typedef enum nf_value_kind {
  NF_VALUE_TEXT,         // the value itself
  NF_VALUE_TEXT_OR_NULL, // the same, but for "null"
  NF_VALUE_JSON,         // JSON, where it is some
} nf_value_kind;
// Whether a "type" of a schema says that the value is the text: "string", and what else tools name it.
bool nf_is_text_type(const char *type);
// By the schema of a function's parameters, which may be NULL: the first type that is told and not "null",
// also behind anyOf and its like, $ref, enum and const. Text if none is told, or the parameter is not
// declared, as in vLLM.
nf_value_kind nf_parameter_kind(const json_t *parameters, nf_view name);
const json_t *nf_parameter_declared(const json_t *parameters, nf_view name); // NULL: it is not

// SPDX-License-Identifier: Apache-2.0
// JSON values as text in the very spelling of the programs that made the prompts which models were trained
// on.
#pragma once
#include "base/json.h"

typedef struct nf_json_style {
  const char *comma, *colon;
  int lo, hi;           // a real whose decimal exponent is within is written without one
  const char *exponent; // how it is printed, if it is
} nf_json_style;
// Python's json.dumps(…, ensure_ascii=False), and Rust's serde_json.
extern const nf_json_style nf_json_python, nf_json_rust;

// Appends; failure is remembered in out. `source` is the text that the value was parsed from, for integers
// that are beyond 64 bits; empty: they are written as reals. Returns what is behind the value's last number:
// the source of the value that comes next.
nf_view nf_json_print(const json_t *value, const nf_json_style *style, nf_view source, nf_text *out);

// SPDX-License-Identifier: Apache-2.0
// Fuzzes the JSON parser and the typed accessors. Adversarial cases: nesting at and beyond the limit,
// duplicate keys (plain and spelled with escapes), half surrogate pairs, \u0000, invalid UTF-8, control
// characters, numbers that overflow, a text that ends anywhere, no terminating NUL behind the text.
#include "base/json.h"
#include "base/memory.h"
#include <string.h>

// What any value must satisfy however it got there; each accessor either fails or returns something in range.
static void walk(const nf_json_at *at, int depth) {
  int64_t integer;
  double real;
  bool truth;
  nf_view text;
  size_t n;
  if (depth > NF_JSON_DEPTH) __builtin_trap();
  nf_status st = nf_json_i64(at, -5, 5, &integer);
  if (nf_is_ok(st) && (integer < -5 || integer > 5)) __builtin_trap();
  nf_status_free(st);
  nf_status_free(nf_json_f64(at, 0, 1, &real));
  nf_status_free(nf_json_bool(at, &truth));
  st = nf_json_string(at, &text);
  if (nf_is_ok(st) && (nf_utf8_check(text.at, text.n) != text.n || memchr(text.at, 0, text.n)))
    __builtin_trap();
  nf_status_free(st);
  st = nf_json_array(at, &n);
  for (size_t i = 0; nf_is_ok(st) && i < n; i++) {
    nf_json_at item = nf_json_item(at, i);
    walk(&item, depth + 1);
  }
  nf_status_free(st);
  const char *key;
  json_t *value;
  json_object_foreach(at->value, key, value) {
    nf_json_at member = nf_json_get(at, key);
    if (member.value != value && !json_is_null(value)) __builtin_trap();
    walk(&member, depth + 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  char *exact = nf_alloc(n, 1); // its own block, so that reading behind the text is seen
  if (!exact) return 0;
  if (n) memcpy(exact, data, n);
  nf_json j;
  nf_status st = nf_json_parse(exact, n, "fuzz", &j);
  if (nf_is_ok(st)) {
    nf_json_at root = nf_json_root(&j);
    walk(&root, 0);
  } else if (strchr(nf_status_message(st), '\n')) {
    __builtin_trap();
  }
  nf_status_free(st);
  nf_json_deinit(&j);
  nf_free(exact);
  return 0;
}

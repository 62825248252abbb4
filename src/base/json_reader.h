// SPDX-License-Identifier: Apache-2.0
// JSON text read from left to right, without a tree: for values too large for one (model.vocab of a
// tokenizer.json: jansson needs 1.13 s and 150 MB for 28 MB, Xeon, 2026), and for those wanted as spelled.
#pragma once
#include "base/json.h"

typedef struct nf_json_reader { // text, where and n are the caller's; at begins where reading should
  const char *text, *where;     // borrowed; where: the file's name for messages
  size_t n, at;
  nf_text decoded; // the last string that had escapes; the caller frees it
  bool nul;        // \u0000 is text
} nf_json_reader;

// NF_BAD_INPUT as nf_json_parse words it: "<where>: line 3, column 7 (byte `at`): <text>".
nf_status nf_json_bad(const nf_json_reader *r, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void nf_json_skip_space(nf_json_reader *r);
bool nf_json_take(nf_json_reader *r, char c);        // skips white space; takes c if it is next
nf_status nf_json_expect(nf_json_reader *r, char c); // the same, but it must be next
// A string, unescaped: valid until the next one is read.
nf_status nf_json_read_string(nf_json_reader *r, nf_view *out);

// A member of the root object, or of `object` in it, whose place in the text is wanted.
typedef struct nf_json_cut {
  const char *object, *key; // object NULL: the root
  bool skip;                // the value becomes null, and is checked only as far as finding its end needs
  size_t at, n;             // where it stands; n 0, as at first: it is missing
} nf_json_cut;
nf_status nf_json_parse_cut(const char *text, size_t n, const char *where, nf_json_cut *cut, size_t cuts,
                            nf_json *out);

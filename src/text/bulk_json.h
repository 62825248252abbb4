// SPDX-License-Identifier: Apache-2.0
// A reader for the two large values of a tokenizer.json, model.vocab and model.merges, that builds no tree,
// and for what is wanted as it is spelled.
//
// Why not jansson: it needs 1.13 s and 150 MB for the 28 MB file of 200,000 entries and 446,000 pairs (Xeon,
// 2026), more than the whole budget for loading it. So the two values are cut out, and jansson reads the
// small rest.
#pragma once
#include "base/status.h"
#include "base/text.h"

typedef struct nf_bulk {
  const char *text, *at, *end; // valid UTF-8, borrowed
  const char *where;           // file name for messages, borrowed
  size_t origin;               // byte of the file where text begins
  nf_text scratch;             // the last string that had escapes
} nf_bulk;

nf_bulk nf_bulk_of(nf_view value, size_t origin, const char *where);
void nf_bulk_deinit(nf_bulk *b);

nf_status nf_bulk_error(const nf_bulk *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool nf_bulk_take(nf_bulk *b, char c);        // skips white space; takes c if it is next
nf_status nf_bulk_expect(nf_bulk *b, char c); // the same, but it must be next
nf_status nf_bulk_end(nf_bulk *b);            // nothing but white space may follow
// A string, unescaped. Valid until the next one is read. NUL, control characters and lone surrogates are
// refused.
nf_status nf_bulk_string(nf_bulk *b, nf_view *out);
nf_status nf_bulk_count(nf_bulk *b, uint32_t max, uint32_t *out); // an integer in [0, max]
// Finds members of the object that begins here; leaves the cursor behind it. cut[i], zeroed before, is the
// value's text, and stays empty if there is none.
nf_status nf_bulk_members(nf_bulk *b, const char *const *key, size_t n, nf_view *cut);

// Cuts `large`, named members of the object text[key], out of a whole document. cut[i] is the value's text
// within the document, empty when it is missing. The rest, with 0 in place of the values, is appended to
// rest.
nf_status nf_bulk_cut(nf_view text, const char *where, const char *key, const char *const *large, size_t n,
                      nf_view *cut, nf_text *rest);

// SPDX-License-Identifier: Apache-2.0
// What each key of a JSON document means here, as data: so that no setting that changes a result is ignored
// without a word. A room that reads a document keeps one table of its keys beside the reader.
//
// Unknown keys are told at NF_LOG_INFO to the document's log, with file and path. Thread-compatible.
#pragma once
#include "base/json.h"

typedef enum nf_key_use {
  NF_KEY_USED,     // a reader takes it and minds its value
  NF_KEY_HARMLESS, // changes no result here, whatever it says
  NF_KEY_CHANGES,  // would change the result, and nothing here does what it asks for
} nf_key_use;

typedef struct nf_key {
  const char *names; // of all keys that it means, with blanks between; '*' matches any run
  nf_key_use use;
  // Of NF_KEY_CHANGES: the values at which the key changes nothing, as JSON with blanks between and strings
  // without quotes, but for \"\", the empty one: "0 false silu []". Null always is one; NULL: no other.
  const char *plain;
} nf_key;

typedef struct nf_keys {
  const nf_key *key; // [n], the first that matches counts
  size_t n;
  const struct nf_keys *also; // asked for keys that are not above; NULL: none
} nf_keys;
#define NF_KEYS(table, others) \
  { (table), sizeof(table) / sizeof *(table), (others) }

// Lists of words with blanks between: the next one, and *words moves behind it; false: there is none.
bool nf_next_word(const char **words, nf_view *out);
bool nf_has_word(const char *words, nf_view word);

// Goes through all keys of `object` (not those inside its values). The first NF_KEY_CHANGES that is not plain
// is NF_BAD_INPUT: file, path, value and the plain ones. Anything but an object has no keys.
nf_status nf_keys_refuse(const nf_json_at *object, const nf_keys *known);
// The same, but such keys are appended to `out` as "key value", with commas between: for one warning.
void nf_keys_list(const nf_json_at *object, const nf_keys *known, nf_text *out);

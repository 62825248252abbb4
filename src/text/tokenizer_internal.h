// SPDX-License-Identifier: Apache-2.0
// What a loaded tokenizer is made of; for this room only.
#pragma once
#include "base/memory.h"
#include "text/split.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

// ---- added tokens: spellings that are cut out of a text before anything else looks at it ----

typedef struct nf_added {
  nf_view content; // not empty; borrowed
  size_t order;    // in the file
  int32_t id;
  bool single_word;    // only between non-word characters
  bool lstrip, rstrip; // swallows white space before, behind
  bool special;        // left alone when the caller wants plain text
} nf_added;

// A set that is searched as one: leftmost match first, of those the longest.
typedef struct nf_added_set {
  nf_added *token; // by content; owned
  size_t n, cap;
  bool first[256]; // bytes that begin one
} nf_added_set;
nf_added *nf_added_find(const nf_added_set *s, nf_view content); // NULL: there is none
nf_status nf_added_push(nf_added_set *s, nf_added token);
// After the last push. Of tokens with one content the first in the file stays.
void nf_added_sort(nf_added_set *s);
void nf_added_deinit(nf_added_set *s);

// Cuts text into added tokens (id >= 0) and what lies between (id -1, never empty), in order. What `emit`
// fails with is passed on.
typedef nf_status (*nf_added_emit)(void *user, nf_view part, int32_t id);
nf_status nf_added_split(const nf_added_set *s, nf_view text, bool plain, nf_added_emit emit, void *user);

// ---- the tokenizer ----

struct nf_tokenizer {
  nf_vocab vocab;
  nf_added_set raw;        // added tokens found in the text as it is
  nf_added_set normalized; // those found after normalising
  nf_arena contents;       // of added tokens
  bool nfc;
  bool byte_level;    // the last stage of the pre-tokeniser is there
  bool ignore_merges; // a piece that is a token is that token
  nf_split split[NF_SPLITS_MAX];
  size_t splits;
  nf_ids before, behind; // what TemplateProcessing puts around a text
};

// What is left of the document without model.vocab and model.merges: whether the model is a BPE, and, once
// the vocabulary is there, everything else.
typedef struct nf_json nf_json;
nf_status nf_tokenizer_check_type(const nf_json *doc);
nf_status nf_tokenizer_read_rest(nf_tokenizer *t, const nf_json *doc);
// added_tokens; then, when the normaliser is known, what is looked for in texts.
typedef struct nf_json_at nf_json_at;
// A boolean member that may be missing.
nf_status nf_tokenizer_read_flag(const nf_json_at *object, const char *key, bool standard, bool *out);
nf_status nf_tokenizer_read_added(nf_tokenizer *t, const nf_json_at *root);
nf_status nf_tokenizer_finish_added(nf_tokenizer *t);

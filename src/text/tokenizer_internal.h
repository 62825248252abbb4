// SPDX-License-Identifier: Apache-2.0
// What a loaded tokenizer is made of; for this room only.
#pragma once
#include "text/added.h"
#include "text/split.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

struct nf_tokenizer {
  nf_vocab vocab;
  nf_added_set raw;        // added tokens found in the text as it is
  nf_added_set normalized; // those found after normalising
  char *contents;          // of added tokens
  bool nfc;
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

// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back: byte-level BPE as Hugging Face's tokenizer.json describes it.
//
// truncation and padding are for batches of training data and are not obeyed: a caller's text is never cut
// nor filled up without a word.
//
// Supported: model BPE over all 256 bytes (both spellings of merges, ignore_merges), added tokens with all
// their flags, normalizer NFC, pre_tokenizer Split (Isolated) and ByteLevel, post_processor ByteLevel and
// TemplateProcessing, decoder ByteLevel. Anything else is refused when the file is loaded, by one line that
// names the key. Ids and texts equal those of Hugging Face `tokenizers` 0.23, also in which Unicode it has:
// 16 in split patterns, 9 in normalisation.
#pragma once
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include <stddef.h>
#include <stdint.h>

#define NF_TOKENS_MAX (1 << 22)           // ids are below this
#define NF_ENCODE_MAX ((size_t)256 << 20) // bytes of text in one call

// Immutable once loaded: any number of threads may use one at the same time.
typedef struct nf_tokenizer nf_tokenizer;

nf_status nf_tokenizer_load(const char *path, nf_tokenizer **out);
// The same, with remarks (what is not obeyed, keys that nobody knows) at NF_LOG_INFO. log is not kept.
nf_status nf_tokenizer_load_logged(const char *path, const nf_log *log, nf_tokenizer **out);
// From memory; `where` is the file's name for messages. Nothing is kept of json.
nf_status nf_tokenizer_parse(const char *json, size_t n, const char *where, nf_tokenizer **out);
void nf_tokenizer_destroy(nf_tokenizer *t); // NULL is fine

int32_t nf_tokenizer_vocab_size(const nf_tokenizer *t); // the largest id + 1; ids in between may be unused
size_t nf_tokenizer_bytes(const nf_tokenizer *t);       // memory held

// The bytes that an id stands for: part of UTF-8 text, not always whole characters. Empty for an id that has
// no text (unused, or out of range). Lives as long as the tokenizer.
nf_view nf_token_bytes(const nf_tokenizer *t, int32_t id);
bool nf_token_is_special(const nf_tokenizer *t, int32_t id);
bool nf_token_is_added(const nf_tokenizer *t, int32_t id); // special, or a mark of another kind
// The id that stands for exactly these bytes ("<|start|>", " the"); added tokens first. False: there is none.
bool nf_token_id(const nf_tokenizer *t, nf_view bytes, int32_t *out);

// A growing array of ids. A zeroed one is empty.
typedef struct nf_ids {
  int32_t *at;
  size_t n, cap;
} nf_ids;
nf_status nf_ids_push(nf_ids *ids, int32_t id);
void nf_ids_deinit(nf_ids *ids);

typedef enum nf_encode_flags {
  NF_ENCODE_PLAIN =
      1, // spellings of special tokens are ordinary text: what users write must not control the model
  NF_ENCODE_TEMPLATE = 2, // add what post_processor's TemplateProcessing puts around a text (often a BOS)
} nf_encode_flags;

// Appends the ids of text, which must be valid UTF-8 (else NF_BAD_INPUT with the byte). Empty text has no
// ids. When it fails, out holds what it held before.
nf_status nf_encode(const nf_tokenizer *t, nf_view text, unsigned flags, nf_ids *out);

// Ids to text, one at a time. Bytes that may still become a character are held back; bytes that can't are
// replaced by U+FFFD (one for each maximal part of a sequence). A zeroed decoder is at the start of a text.
// Thread-compatible.
typedef struct nf_decoder {
  char held[4]; // the start of a character
  uint8_t n;
} nf_decoder;
void nf_decoder_bytes(nf_decoder *d, nf_view bytes, nf_text *out); // appends; failure is remembered in out
void nf_decoder_end(nf_decoder *d, nf_text *out);                  // an incomplete character becomes U+FFFD
// Ids out of range or without text add nothing; so do special ones if skip_special.
void nf_decode_step(const nf_tokenizer *t, nf_decoder *d, int32_t id, bool skip_special, nf_text *out);
// All at once.
nf_status nf_decode(const nf_tokenizer *t, const int32_t *ids, size_t n, bool skip_special, nf_text *out);

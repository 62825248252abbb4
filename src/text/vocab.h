// SPDX-License-Identifier: Apache-2.0
// The tokens and merges of a BPE model, as flat tables: one blob of bytes, one row per id, two open-addressed
// hash tables (bytes -> id, pair of ids -> merge). Filled by the loader, then immutable.
#pragma once
#include "base/json_reader.h"
#include "text/tokenizer.h"

typedef struct nf_token {
  uint32_t at;          // in the blob
  uint32_t n : 29;      // bytes; 0: an unused id
  uint32_t literal : 1; // spelled outside the byte alphabet: decodes, but no text becomes it by merging
  uint32_t special : 1;
  uint32_t added : 1;
} nf_token;

typedef struct nf_merge {
  uint32_t left, right; // ids
  uint32_t rank;        // lower merges first
  uint32_t id;          // result + 1; 0: an empty slot
} nf_merge;

typedef struct nf_vocab {
  char *blob;
  nf_token *token; // [n]
  size_t blob_n, blob_cap, n, cap;
  size_t entries; // of model.vocab; n is the largest id + 1
  struct {
    uint32_t hash, id; // id + 1; 0: an empty slot
  } * slot;
  size_t slots;
  nf_merge *merge; // [merge_slots]
  size_t merge_slots;
  uint64_t seed[2];  // of both tables: files can't be made to collide
  int32_t byte[256]; // the token of each single byte
} nf_vocab;

void nf_vocab_deinit(nf_vocab *v);
// Both read the value that begins at the reader's place. The vocabulary comes first.
nf_status nf_vocab_read(nf_vocab *v, nf_json_reader *r);
nf_status nf_merges_read(nf_vocab *v, nf_json_reader *r);
// A token that the vocabulary lacks. An id that is used stands for it from now on.
nf_status nf_vocab_add(nf_vocab *v, uint32_t id, nf_view bytes);

// A token's spelling as the bytes it stands for, at most spelling.n; false if it uses characters outside the
// byte alphabet.
bool nf_vocab_spelled(nf_view spelling, char *out, size_t *out_n);
bool nf_vocab_find(const nf_vocab *v, const char *bytes, size_t n, int32_t *out);
// The entry of model.vocab with this spelling, whatever it stands for.
nf_status nf_vocab_find_spelling(const nf_vocab *v, nf_view spelling, bool *found, int32_t *out);

static inline uint64_t nf_vocab_fold(uint64_t a, uint64_t b) {
  unsigned __int128 p = (unsigned __int128)a * b;
  return (uint64_t)p ^ (uint64_t)(p >> 64);
}

// The slot of a pair of ids, or the empty one where it belongs.
static inline nf_merge *nf_merge_slot(const nf_vocab *v, uint32_t left, uint32_t right) {
  uint64_t hash =
      nf_vocab_fold(((uint64_t)left << 32 | right) ^ v->seed[0], 0x9e3779b97f4a7c15u ^ v->seed[0]);
  size_t i = (size_t)((uint64_t)(uint32_t)hash * v->merge_slots >> 32);
  while (v->merge[i].id && !(v->merge[i].left == left && v->merge[i].right == right))
    i = i + 1 == v->merge_slots ? 0 : i + 1;
  return &v->merge[i];
}

// ---- byte-pair merging of one piece: the pair with the lowest rank first, the leftmost of equals ----

// Room for pieces of any size; one for each running encode. A zeroed one is empty.
typedef struct nf_bpe_work {
  struct nf_bpe_node *node;
  uint64_t *heap;
  size_t node_cap, heap_cap;
} nf_bpe_work;
void nf_bpe_work_deinit(nf_bpe_work *w);

nf_status nf_bpe_piece(const nf_vocab *v, nf_bpe_work *w, nf_view piece, nf_ids *out);

// SPDX-License-Identifier: Apache-2.0
// A checkpoint folder in Hugging Face form: one model.safetensors, or shards named by
// model.safetensors.index.json, as transformers takes them: with both the one file, of the index which shards
// there are, of each shard all tensors. What nobody asks for need not be there. Headers are read and checked
// at open; data is read on demand by offset, so a file cut short later is an error and not a crash. Immutable
// and thread-safe once open.
#pragma once
#include "base/log.h"
#include "checkpoint/safetensors.h"

#define NF_INDEX "model.safetensors.index.json"
#define NF_SINGLE "model.safetensors"

typedef struct nf_checkpoint nf_checkpoint;

// NF_BAD_INPUT says what is wrong and what would be right: no folder, no weights, an index that is none, a
// file that is none. A shard that can't be opened is an error only of who asks for its tensors. A tensor in
// another shard than the index says, or in two, of which the last counts, is a warning. `log` may be NULL.
nf_status nf_checkpoint_open(const char *dir, const nf_log *log, nf_checkpoint **out);
void nf_checkpoint_close(nf_checkpoint *c); // NULL is fine

size_t nf_checkpoint_count(const nf_checkpoint *c);
size_t nf_checkpoint_count_named(const nf_checkpoint *c, const char *prefix); // whose names begin with prefix
uint64_t nf_checkpoint_bytes(const nf_checkpoint *c);    // of all tensors, headers excluded
const char *nf_checkpoint_where(const nf_checkpoint *c); // path of the index or the only file, for messages
const nf_stored *nf_checkpoint_find(const nf_checkpoint *c, const char *name); // NULL: not there
// The error for a tensor that is not there but should be: what the index says of it, and `right` behind that.
nf_status nf_checkpoint_missing(const nf_checkpoint *c, const char *name, const char *right);
const char *nf_checkpoint_file(const nf_checkpoint *c, const nf_stored *t); // path, for messages

// Reads bytes [at, at+n) of tensor t.
nf_status nf_checkpoint_read(const nf_checkpoint *c, const nf_stored *t, uint64_t at, void *out, size_t n);

// NF_BAD_INPUT where `dir` is no folder: what it seems to be (a GGUF, a pickle, a model of the hub) and what
// to do.
nf_status nf_checkpoint_folder(const char *dir);
// The error for a folder without weights, which says what it has instead.
nf_status nf_checkpoint_no_weights(const char *dir);

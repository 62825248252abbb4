// SPDX-License-Identifier: Apache-2.0
// A checkpoint folder in Hugging Face form: one model.safetensors, or shards named by
// model.safetensors.index.json. Headers are read and checked at open; data is read on demand by offset, so a
// file cut short later is an error and not a crash. Immutable and thread-safe once open.
#pragma once
#include "base/log.h"
#include "model/safetensors.h"

typedef struct nf_checkpoint nf_checkpoint;

// Index and headers must agree: every mapped tensor is in its shard, no tensor in two shards, none unmapped;
// shard names are plain names inside the folder. NF_BAD_INPUT says which file or tensor is wrong and what
// would be right. `log` may be NULL.
nf_status nf_checkpoint_open(const char *dir, const nf_log *log, nf_checkpoint **out);
void nf_checkpoint_close(nf_checkpoint *c); // NULL is fine

size_t nf_checkpoint_count(const nf_checkpoint *c);
size_t nf_checkpoint_count_named(const nf_checkpoint *c, const char *prefix); // whose names begin with prefix
uint64_t nf_checkpoint_bytes(const nf_checkpoint *c);    // of all tensors, headers excluded
const char *nf_checkpoint_where(const nf_checkpoint *c); // path of the index or the only file, for messages
const nf_stored *nf_checkpoint_find(const nf_checkpoint *c, const char *name); // NULL: not there
const char *nf_checkpoint_file(const nf_checkpoint *c, const nf_stored *t);    // path, for messages

// Reads bytes [at, at+n) of tensor t.
nf_status nf_checkpoint_read(const nf_checkpoint *c, const nf_stored *t, uint64_t at, void *out, size_t n);

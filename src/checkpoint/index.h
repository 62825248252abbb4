// SPDX-License-Identifier: Apache-2.0
// model.safetensors.index.json: which shards there are, and which tensors each should have. Private to the
// room.
#pragma once
#include "base/json.h"
#include "base/map.h"

#define NF_INDEX "model.safetensors.index.json"
#define NF_SINGLE "model.safetensors"

typedef struct nf_index {
  nf_json doc;
  json_t *weight_map;
  nf_map numbers;     // file name -> shard
  const char **shard; // [n] file names, in their order
  size_t n;
} nf_index;

// Shard names must be plain names inside the folder. On an error nf_index_deinit is still the caller's.
nf_status nf_index_read(const char *path, nf_index *out);
void nf_index_deinit(nf_index *x); // zeroed is fine
// The file that the index has for a tensor, or NULL.
const char *nf_index_file(const nf_index *x, const char *tensor);

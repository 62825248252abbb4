// SPDX-License-Identifier: Apache-2.0
// A hash map from strings to uint32_t: names to indices. Open addressing, keys borrowed, no removal.
// Hashing is seeded per map from the system, so hostile names can't be made to collide.
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct nf_map {
  struct nf_map_slot *slot;
  size_t cap, n;
  uint64_t seed[2];
} nf_map;
// A zeroed map is a valid, empty one. Keys are borrowed and must outlive it.
// Adds key -> value. *out_added false (and the old value kept) when the key is there already. out_added may
// be NULL.
nf_status nf_map_add(nf_map *m, const char *key, size_t n, uint32_t value, bool *out_added);
bool nf_map_find(const nf_map *m, const char *key, size_t n, uint32_t *out_value);
nf_status nf_map_reserve(nf_map *m, size_t n); // room for n keys without growing
void nf_map_deinit(nf_map *m);

// SipHash-1-3 of n bytes: a keyed hash, safe against hostile input when the seed is secret; a good plain hash
// (the same on every machine) with a fixed one.
uint64_t nf_hash(const void *at, size_t n, const uint64_t seed[2]);
void nf_hash_seed(uint64_t seed[2]); // a secret one, from the system

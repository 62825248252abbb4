// SPDX-License-Identifier: Apache-2.0
// The slots of one cache group: pages of keys and values, or recurrent states. How many refer to each, and
// what those still hold that nobody refers to. A slot has the same index in every layer's pool of the group.
//
// Knows neither models nor devices. Every call takes a time that does not depend on the number of slots, and
// only nf_kv_init allocates. For one thread at a time.
#pragma once
#include "base/status.h"
#include <stddef.h>

// The name of a text of whole pages. Two texts have the same name only by a chance of 2^-128 a pair, and who
// does not know the name of the empty one, which is random, can't help it.
typedef struct nf_prefix {
  uint64_t hash[2];
} nf_prefix;
nf_prefix nf_prefix_empty(void);                                               // another one each time
nf_prefix nf_prefix_extend(nf_prefix before, const int32_t *tokens, size_t n); // by a page of n tokens

// A slot is in use while somebody refers to it. One that has a name holds what caches hold at the end of that
// text, must not be written, and can be found until it is taken for something else: of those not in use,
// first what has no name, then what is minor, then the rest, of both what was released longest ago.
typedef struct nf_kv {
  struct nf_kv_slot *slot; // [n + 2]; the last two begin and end the lists of those not in use
  int32_t *bucket;         // [mask + 1] first slot of the names that fall into it, -1: none
  size_t mask;
  int64_t n, unused;
  void (*forgotten)(void *user, nf_prefix name); // when a name is taken away; NULL: nobody is told
  void *user;
} nf_kv;
nf_status nf_kv_init(nf_kv *kv, int64_t n); // n >= 0 slots, none in use
void nf_kv_deinit(nf_kv *kv);               // zeroed is fine

int32_t nf_kv_take(nf_kv *kv); // a slot without a name, and one reference to it; -1: all are in use
void nf_kv_share(nf_kv *kv, int32_t slot);   // one more reference to a slot in use, or to one that was found
void nf_kv_release(nf_kv *kv, int32_t slot); // one less
int32_t nf_kv_refs(const nf_kv *kv, int32_t slot);

// Nothing when it has a name, or another slot has this one. `minor`: others are worth more.
void nf_kv_name(nf_kv *kv, int32_t slot, nf_prefix name, bool minor);
void nf_kv_unname(nf_kv *kv, int32_t slot); // nothing when it has none
bool nf_kv_is_named(const nf_kv *kv, int32_t slot);
int32_t nf_kv_find(const nf_kv *kv, nf_prefix name); // makes no reference; -1: there is none

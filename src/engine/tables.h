// SPDX-License-Identifier: Apache-2.0
// Inside the room: the arrays that a step brings to the device (batch metadata and inputs), in one block with
// one copy to each rank.
#pragma once
#include "base/status.h"
#include "op/batch.h"

typedef struct nf_step_tables {
  char *host; // the host's copy; every rank has one with the same layout on its device
  size_t bytes;
  int64_t pages;
  // Byte offsets of the arrays.
  size_t tokens, position, q_start, kv_len, row, state_in, state_out, routes;
  size_t page_table[NF_CACHE_COUNT], write_slot[NF_CACHE_COUNT]; // of groups with pages that are used
} nf_step_tables;

// Lays the arrays out for steps of at most these sizes and the cache groups in `uses`, `pages` per sequence
// and `routes` int32 per token. Allocates nothing; false on overflow.
bool nf_step_tables_layout(nf_step_tables *t, const nf_sizes *max, const bool uses[NF_CACHE_COUNT],
                           int64_t pages, int64_t routes);
nf_status nf_step_tables_alloc(nf_step_tables *t); // the host's copy
void nf_step_tables_free(nf_step_tables *t);

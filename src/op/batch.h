// SPDX-License-Identifier: Apache-2.0
// Batch metadata: what a step computes, one struct for all ops. The struct, its arrays and the nf_comm are
// memory of the device that runs the step, at addresses that stay for as long as the plan does: a step writes
// new contents there, and kernels take lengths from them, so that a captured step can be replayed with
// others.
#pragma once
#include "tensor/type.h"
#include <stdint.h>

// The ranks as a kernel sees them. `base` is memory of this rank's device. Arenas are symmetric: rank r's
// copy of what this rank has at address p lies at base[r] + (p - base[rank]), and can be read from here.
// Ranks add up in the order of their numbers.
typedef struct nf_comm {
  int world, rank;
  char *const *base; // [world]
} nf_comm;

// A ragged batch of S sequences with T tokens. Tokens of one sequence are consecutive and in order; sequences
// that decode (one token each) come first. A sequence without tokens is padding; so is a token with
// write_slot < 0. Page tables outlive steps: a sequence says which row of them is its own.
//
// A sequence's last token has a slot for the state behind it, which may be the one that the sequence begins
// with. Of sequences of at most NF_STATES tokens others may have slots too, which are nobody else's: so a
// state can go back by tokens that turn out to be wrong.
enum { NF_STATES = 17 };
typedef struct nf_batch {
  const nf_comm *comm;         // of COMM ops. NULL: one rank
  const int32_t *q_start;      // [S+1] first token of each sequence; q_start[S] == tokens in use <= T
  const int32_t *position;     // [T] from 0 in its sequence
  const int32_t *row;          // [R] token whose logits are row r
  const int32_t *state_in;     // [S] slot of the recurrent pools where the sequence's state is; < 0: zeros
  const int32_t *state_out;    // [T] slot where the state behind the token goes; < 0: nowhere
  const int32_t *table_row;    // [S] row of the sequence in the page tables of all groups
  struct nf_batch_group {      // of each cache group with pages
    const int32_t *page_table; // [rows][pages] slot of each page; < 0: evicted or not there
    int64_t pages;             // columns of page_table
    const int32_t *write_slot; // [T] page slot * tokens per page + index in the page
  } group[NF_CACHE_COUNT];
  nf_sizes sizes; // T, S, R of this step; what stands before them stays the same for all steps
} nf_batch;

// The slots of the pages of sequence s: [pages].
static inline const int32_t *nf_batch_pages(const nf_batch *b, nf_cache group, int64_t s) {
  return b->group[group].page_table + b->table_row[s] * b->group[group].pages;
}

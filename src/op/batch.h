// SPDX-License-Identifier: Apache-2.0
// Batch metadata: what a step computes, one struct for all ops. Every array is device memory at a fixed
// address; kernels take lengths from the arrays, so that a captured step can be replayed with other lengths.
#pragma once
#include "tensor/type.h"
#include <stdint.h>

// The ranks as a kernel sees them. Arenas are symmetric: rank r's copy of what this rank has at address p
// lies at base[r] + (p - base[rank]), and can be read from here. Ranks add up in the order of their numbers.
typedef struct nf_comm {
  int world, rank;
  char *const *base; // [world]
} nf_comm;

// A ragged batch of S sequences with T tokens. Tokens of one sequence are consecutive and in order; sequences
// that decode (one token each) come first. A sequence without tokens is padding; so is a token with
// write_slot < 0.
typedef struct nf_batch {
  nf_sizes sizes;              // T, S, R of this step
  const nf_comm *comm;         // of COMM ops. NULL: one rank
  int32_t n_decode;            // leading sequences with exactly one token
  const int32_t *q_start;      // [S+1] first token of each sequence; q_start[S] == tokens in use <= T
  const int32_t *position;     // [T] from 0 in its sequence
  const int32_t *kv_len;       // [S] keys of the sequence, this step's included
  const int32_t *row;          // [R] token whose logits are row r
  const int32_t *state_in;     // [S] slot of the recurrent pools where the sequence's state is; < 0: zeros
  const int32_t *state_out;    // [S] slot where it goes; may be the same. Nothing goes there without tokens
  struct nf_batch_group {      // of each cache group with pages
    const int32_t *page_table; // [S][pages] slot of each page of the sequence; < 0: evicted or not there
    int64_t pages;             // columns of page_table
    const int32_t *write_slot; // [T] page slot * tokens per page + index in the page
  } group[NF_CACHE_COUNT];
} nf_batch;

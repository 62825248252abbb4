// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tokens of a vocabulary as a tree of their bytes.
#pragma once
#include "constrain/constrain.h"

// Nodes in the order in which a walk meets them: a node's first child stands behind it.
typedef struct nf_token_node {
  uint32_t skip;  // the node behind all that is below this one
  uint32_t first; // of its tokens in `id`; they end where the next node's begin
  uint16_t depth; // bytes, from 1
  uint8_t byte;
} nf_token_node;

struct nf_token_tree {
  nf_token_node *node; // [n + 1], the last one only ends the others
  int32_t *id;         // by their bytes
  size_t n, n_ids;
  int32_t vocab; // ids are below
  int depth;     // of the longest token
};

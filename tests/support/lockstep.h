// SPDX-License-Identifier: Apache-2.0
// All ranks of a graph in one thread, node by node, with the reference kernels. Everything that goes wrong
// fails the calling cmocka test.
#pragma once
#include "checkpoint/weights.h"
#include "op/batch.h"
#include "tensor/tensor.h"

typedef struct lockstep lockstep;

// A graph of `world` ranks (nf_shard; 1: any graph), for one sequence of at most `tokens` tokens. Each rank
// loads its weights: from `files`, or made-up ones when that is NULL.
lockstep *lockstep_create(const nf_graph *g, int world, int64_t tokens, const nf_checkpoint *files);
void lockstep_destroy(lockstep *l);
// The next n tokens of the sequence; logits of all of them.
void lockstep_step(lockstep *l, const int32_t *tokens, int64_t n);
nf_tensor lockstep_value(const lockstep *l, int rank, nf_val v); // as the last step left it

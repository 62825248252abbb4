// SPDX-License-Identifier: Apache-2.0
// A hand-made graph whose ranks hold different slices of the same weights, and ranks that run it: what a
// sharded model is, without a model. Any number of ranks must compute what one does.
#pragma once
#include "plan/plan.h"

// tokens -> blocks -> "out" f32[R,vocab]. A block is a gated pair of linears, `inner` columns in the middle
// dealt to the ranks, and a sum over the ranks, in each of the ways that ops.def has.
typedef struct team_shape {
  int64_t hidden, vocab, blocks;
  int64_t inner[2]; // of even and odd blocks; multiples of the world
  nf_dtype dtype;   // of activations and weights
  bool fused;       // every sum is a rms_norm that reduces, with a residual
  int64_t batch;    // most tokens of a step
} team_shape;

typedef struct team {
  team_shape shape;
  nf_graph *graph;
  nf_ranks *ranks;
  nf_buffer tokens; // of all ranks, on the first one's device
  nf_buffer rows;
  nf_sizes sizes; // of the running step
  char *base[NF_MAX_WORLD];
  int failing; // rank that fails before it runs its plan, -1: none
  int world;
  struct team_rank {
    nf_threads *threads;
    nf_device *device;
    nf_plan *plan;
    nf_comm comm;
    nf_batch batch;
    nf_buffer arena, *weight; // [n_values]
  } rank[NF_MAX_WORLD];
} team;

// On an error everything is freed. `hw` NULL: the references.
nf_status team_init(team *t, const team_shape *shape, int world, int threads, const nf_hw *hw);
void team_deinit(team *t);
// One step on all ranks; rows of every token. Allocates nothing after the first.
nf_status team_step(team *t, const int32_t *tokens, int64_t n);
float team_uniform(uint64_t seed, uint64_t i); // in [0, 1), always the same
nf_tensor team_out(const team *t, int rank);

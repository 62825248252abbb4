// SPDX-License-Identifier: Apache-2.0
// Inside the room: what sharding knows while it goes through a graph. Nodes are visited in order; where a
// visit shows that an earlier decision was wrong, that is changed and the visit goes on from there, so each
// is changed once.
#pragma once
#include "graph/edit.h"
#include "graph/slice.h"

// How the ranks have a value.
typedef enum nf_spread {
  NF_REPLICATED = 0,  // all of it, the same everywhere
  NF_SPLIT,           // some of one dimension
  NF_PARTIAL,         // an addend: the sum over ranks is due
  NF_EXPERT_PARALLEL, // rows of the rank's experts, zeros in other rows
} nf_spread;

typedef struct nf_piece {
  nf_spread spread;
  nf_node_id region; // NF_SPLIT: whose units are split
  int dim, n;        // NF_SPLIT: dimension, and its segments
  int64_t size[NF_MAX_SEGMENTS];
  bool zero; // of a weight: zero_but_rank0
} nf_piece;
static inline nf_piece nf_piece_at(nf_piece p, int dim) {
  p.dim = dim;
  return p;
}

// Dimensions that are split alike: those of one linear's result and all that follows from it. Units are
// counted in columns of that result; any other dimension of the region is split in proportion. Named by the
// linear's node.
typedef struct nf_region {
  nf_node_id parent; // itself, or an earlier one which this has become a part of
  int64_t extent, unit;
  int64_t rows; // columns to keep together where heads do not decide: rows of the weight that share scales
  int copies;
  bool even; // heads: all ranks must have as many
} nf_region;

typedef enum nf_mode { // of a linear with a whole x, or an embedding
  NF_MODE_CUT = 0,
  NF_MODE_KEPT, // not split
  NF_MODE_DEALT // grouped: experts whole
} nf_mode;

typedef struct nf_sharding {
  const nf_graph *g;
  int world;
  nf_arena arena;
  nf_piece *piece;             // [n_values] of results
  bool *due;                   // [n_values] the partial result is summed up at once
  bool *gathered;              // [n_values] the split result is put together
  int32_t *readers;            // [n_values] how many operands it is
  nf_node_id *last;            // [n_values] the last reader
  nf_region *region;           // [n_nodes]
  nf_mode *mode;               // [n_nodes]
  int64_t *own;                // [n_nodes] > 0: its indices count from the rank's first, of so many
  nf_piece (*want)[NF_MAX_IN]; // [n_nodes] how a node takes its weights and pools
  nf_edit edit;                // the ranks' graph, from g
  nf_node_id *user;            // [n_values] 1 + the node that said how a weight or pool is taken
  int64_t *own_size;           // [n_values] of indices as the rank counts them: the first of the sizes
  bool again;                  // a decision was changed:
  nf_node_id from;             // go on from there
} nf_sharding;

// ---- regions (region.c) ----
nf_node_id nf_region_open(nf_sharding *s, nf_node_id n, int64_t extent);
nf_region *nf_region_of(const nf_sharding *s, const nf_piece *p);
// Units of `size`, an extent of the region, become multiples of `multiple`. false: numbers too large.
[[nodiscard]] bool nf_region_require(nf_region *r, int64_t size, int64_t multiple);
// Two split pieces are of one region from now on. false: they can't be.
[[nodiscard]] bool nf_region_merge(nf_sharding *s, const nf_piece *a, const nf_piece *b);
nf_slice nf_region_slice(const nf_sharding *s, const nf_piece *p);
// Node n, whose weight w has the region as its columns, ends it: are there enough units? Else experts are
// expert-parallel (s->again), or NF_BAD_INPUT says why not.
nf_status nf_region_end(nf_sharding *s, nf_node_id n, const nf_piece *x, nf_val w);
// `count` things called `what` in each unit-bound dimension `size` of p: split evenly, or repeated where
// may_repeat.
nf_status nf_region_heads(nf_sharding *s, nf_node_id n, const nf_piece *p, int64_t count, const char *what,
                          bool may_repeat);
nf_status nf_region_check(const nf_sharding *s, nf_node_id n); // what heads asked for still holds

// ---- going back ----
void nf_shard_back(nf_sharding *s, nf_node_id to);
void nf_shard_keep(nf_sharding *s, const nf_piece *p,
                   nf_node_id now);                            // the region's linears are not split after all
bool nf_shard_whole(nf_sharding *s, nf_val v, nf_node_id now); // false: will be, after going back

// ---- rules (rules.c, linear.c) ----
nf_status nf_shard_visit(nf_sharding *s, nf_node_id n);
nf_status nf_shard_linear(nf_sharding *s, nf_node_id n, nf_piece *x); // x: of the first operand
nf_status nf_shard_grouped_linear(nf_sharding *s, nf_node_id n, nf_piece *x);
nf_status nf_shard_embedding(nf_sharding *s, nf_node_id n, nf_piece *);
void nf_shard_result(nf_sharding *s, nf_node_id n, int i, nf_piece p);
nf_status nf_shard_pass(nf_sharding *s, nf_node_id n, nf_piece p); // the only result is p
nf_status nf_shard_plain(nf_sharding *s, nf_node_id n);            // all operands whole
bool nf_shard_sliceable(const nf_sharding *s, nf_val v);           // a weight as model/ makes them; 0 is fine

// ---- the new graph (build.c) ----
nf_status nf_shard_build(nf_sharding *s, nf_graph **out);

// SPDX-License-Identifier: Apache-2.0
// Products with weights of experts in strips of 32 rows: which pairs go together, whose numbers a lane has,
// and what becomes of sums.
#pragma once
#include "kernels/gpu/abi/experts.h"
#include "kernels/gpu/experts/pairs.h"
#include "kernels/gpu/products/weight.h"
#include "kernels/gpu/rows/rows.h"

typedef enum expert_format { EXPERT_BF16, EXPERT_FP8, EXPERT_MXFP4 } expert_format;

// ---- tiles: pairs of one expert ----

// Shared memory begins with the pairs of the block's tile, and where it sorts ids itself, the tiles of all.
typedef struct expert_lists {
  int32_t pair[32];
  int32_t id[NF_GPU_EXPERTS_SORTED], order[NF_GPU_EXPERTS_SORTED], head[NF_GPU_EXPERTS_SORTED];
  int32_t first[NF_GPU_EXPERTS_SORTED + 4]; // of each tile in order, and where the last ends
} expert_lists;
INLINE SHARED expert_lists *expert_shared(void) { return block_shared(); }

// Sorts the pairs of a small step by expert, those without one last; the number of tiles of `columns`.
INLINE int expert_sort(const nf_gpu_experts *a, int columns) {
  SHARED expert_lists *l = expert_shared();
  const int p = lane_thread();
  const int32_t id = p < a->pairs ? expert_id(a, p) : -1, key = id < 0 ? INT32_MAX : id;
  if (p < a->pairs) shared_put(&l->id[p], key);
  block_sync();
  int at = 0, rank = 0, tiles = 0;
  for (int i = 0; i < a->pairs; i++) {
    const int32_t other = shared_get(&l->id[i]);
    at += other < key || (other == key && i < p), rank += other == key && i < p;
  }
  if (p < a->pairs) shared_put(&l->order[at], p);
  if (p < a->pairs) shared_put(&l->head[at], rank % columns == 0);
  block_sync();
  for (int from = 0; from < a->pairs; from += LANES) {
    const int i = from + lane_id();
    const bool head = i < a->pairs && shared_get(&l->head[i < a->pairs ? i : 0]);
    const uint64_t heads = lane_ballot(head);
    if (lane_wave() == 0 && head)
      shared_put(&l->first[tiles + __builtin_popcountll(heads & ((1ull << lane_id()) - 1))], i);
    tiles += __builtin_popcountll(heads);
  }
  if (p == 0) shared_put(&l->first[tiles], a->pairs);
  block_sync();
  return tiles;
}

INLINE int expert_tiles(const nf_gpu_experts *a, int columns) {
  return a->tiles ? a->tiles[a->most_tiles].expert : expert_sort(a, columns);
}
INLINE nf_gpu_experts_tile expert_tile(const nf_gpu_experts *a, int tile) {
  if (a->tiles) return a->tiles[tile];
  const SHARED expert_lists *l = expert_shared();
  const int first = shared_get(&l->first[tile]), id = shared_get(&l->id[shared_get(&l->order[first])]);
  return (nf_gpu_experts_tile){id == INT32_MAX ? -1 : id, first, shared_get(&l->first[tile + 1]) - first, 0};
}
// Its pairs are in the block's list behind a block_sync.
INLINE void expert_take(const nf_gpu_experts *a, const nf_gpu_experts_tile *t) {
  SHARED expert_lists *l = expert_shared();
  const int i = lane_thread();
  if (i < t->count)
    shared_put(&l->pair[i], a->tiles ? a->order[t->first + i] : shared_get(&l->order[t->first + i]));
}
INLINE int expert_pair(const nf_gpu_experts_tile *t, int column) {
  return shared_get(&expert_shared()->pair[column < t->count ? column : t->count - 1]);
}

// ---- strips ----

// A lane has words of 2 TILE_ROWS rows of a strip: TILE_ROWS of each of two products' 16. Row m of product i:
enum { EXPERT_ROWS = 2 * TILE_ROWS };
INLINE int expert_row(int i, int m) {
  return m % (16 / TILE_ROWS) * EXPERT_ROWS + i * TILE_ROWS + m / (16 / TILE_ROWS);
}

// ---- results ----

INLINE float expert_activation(const nf_gpu_experts *a, float gate, float up) {
  float g = rounded(gate), u = rounded(up);
  if (a->then == NF_GPU_THEN_SILU_MUL) return rounded(g * lane_sigmoid(g)) * u;
  if (a->limit > 0) {
    g = __builtin_fminf(g, a->limit);
    u = __builtin_fmaxf(-a->limit, __builtin_fminf(u, a->limit));
  }
  return g * lane_sigmoid(a->alpha * g) * (u + a->beta);
}

// Columns of y that a unit gives, and the rows of w[0] and w[1] that its column r is of.
INLINE int expert_columns(const nf_gpu_experts *a) {
  return a->then != NF_GPU_THEN_NOTHING && a->strips == 1 ? 16 : 32;
}
INLINE int expert_row_of(const nf_gpu_experts *a, int r, int second) {
  return expert_columns(a) == 16 ? 2 * r + second : r;
}

// What the sums of column `column` of y have besides: loaded before they are there.
typedef struct expert_rest {
  float bias[2], scale[2]; // scale: of FP8 rows
} expert_rest;
INLINE expert_rest expert_rest_of(const nf_gpu_experts *a, expert_format f, int expert, int unit, int r) {
  expert_rest e = {{0, 0}, {1, 1}};
  UNROLL for (int i = 0; i < 2; i++) {
    const int row = unit * 32 + expert_row_of(a, r, i);
    if (expert < 0 || row >= a->rows || (i == 1 && a->then == NF_GPU_THEN_NOTHING)) continue;
    if (a->bias[i]) e.bias[i] = number_at(a->bias[i], expert * a->bias_expert + row, a->bias_f32);
    if (f == EXPERT_FP8 && a->x_groups == 0)
      e.scale[i] = ((const float *)a->scale[i])[expert * a->scale_expert + (int64_t)row * a->scale_row];
  }
  return e;
}

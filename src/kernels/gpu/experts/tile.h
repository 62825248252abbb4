// SPDX-License-Identifier: Apache-2.0
// Which pairs a block has, and what becomes of its sums: what kernels of experts share. A block's shared
// memory begins with the list of its pairs, sums are behind it: of each part of K [columns][16] floats.
#pragma once
#include "kernels/gpu/abi/experts.h"
#include "kernels/gpu/products/weight.h"
#include "kernels/gpu/rows/rows.h"

typedef enum expert_format { EXPERT_BF16, EXPERT_FP8, EXPERT_MXFP4 } expert_format;

INLINE SHARED int32_t *expert_list(void) { return block_shared(); }
INLINE SHARED float *expert_room(int columns) { return (SHARED float *)block_shared() + columns; }

INLINE int expert_id(const int32_t *ids, int pair, int choices, int stride) {
  return ids[(int64_t)(pair / choices) * stride + pair % choices];
}

// The lanes whose pair among [from, from + LANES) has chosen `expert`.
INLINE uint64_t expert_chosen(const nf_gpu_experts *a, int expert, int from) {
  const int p = from + lane_id();
  return lane_ballot(p < a->pairs &&
                     expert_id(a->ids, p < a->pairs ? p : 0, a->choices, a->ids_stride) == expert);
}
INLINE int expert_below(uint64_t lanes, int lane) {
  return __builtin_popcountll(lanes & ((1ull << lane) - 1));
}

// Of all pairs that have chosen an expert the first of every `columns` has a block that does the work of
// them.
INLINE nf_gpu_experts_tile expert_scan(const nf_gpu_experts *a, int columns) {
  const int pair = lane_block_y();
  nf_gpu_experts_tile t = {expert_id(a->ids, pair, a->choices, a->ids_stride), 0, 1, 0};
  int rank = 0, seen = 0;
  if (t.expert < 0) {
    if (lane_thread() == 0) shared_put(expert_list(), pair);
    return t;
  }
  for (int from = 0; from < pair; from += LANES) {
    const uint64_t chosen = expert_chosen(a, t.expert, from);
    rank += pair - from < LANES ? expert_below(chosen, pair - from) : __builtin_popcountll(chosen);
  }
  t.count = 0;
  if (rank % columns != 0) return t;
  for (int from = 0; from < a->pairs; from += LANES) {
    const uint64_t chosen = expert_chosen(a, t.expert, from);
    const int at = seen + expert_below(chosen, lane_id()) - rank;
    if (lane_wave() == 0 && (chosen >> lane_id() & 1) != 0 && at >= 0 && at < columns)
      shared_put(expert_list() + at, from + lane_id());
    seen += __builtin_popcountll(chosen);
  }
  t.count = seen - rank < columns ? seen - rank : columns;
  return t;
}

// The block's tile; count 0: none. Its list can be read behind a block_sync.
INLINE nf_gpu_experts_tile expert_tile(const nf_gpu_experts *a, int columns) {
  if (a->tiles == NULL) return expert_scan(a, columns);
  const u32x4 v = lane_load16(a->tiles + lane_block_y());
  const nf_gpu_experts_tile t = {(int)v[0], (int)v[1], (int)v[2], 0};
  if (lane_thread() < t.count) shared_put(expert_list() + lane_thread(), a->order[t.first + lane_thread()]);
  return t;
}

INLINE int expert_pair(const nf_gpu_experts_tile *t, int column) {
  return shared_get(expert_list() + (column < t->count ? column : t->count - 1));
}

// Row r of the 16 rows of tile `tile`; behind the last: what is not kept.
INLINE int expert_row(const nf_gpu_experts *a, int tile, int r) {
  return (tile * 8 + r / 2) * a->step + r % 2 * a->offset;
}
INLINE int expert_row_there(const nf_gpu_experts *a, int tile, int r) {
  const int row = expert_row(a, tile, r);
  return row < a->rows ? row : a->rows - 1;
}
INLINE const char *expert_weights(const nf_gpu_experts *a, int expert, int tile, int r) {
  return (const char *)a->w[r % 2] + expert * a->w_expert + expert_row_there(a, tile, r) * a->w_row;
}
// In scales from scale[r % 2] on.
INLINE int64_t expert_scale(const nf_gpu_experts *a, int expert, int tile, int r) {
  return expert * a->scale_expert + (int64_t)(expert_row_there(a, tile, r) / a->scale_rows) * a->scale_row;
}

// ---- results ----

// What a sum of row r and a pair is, with scales that rows have and bias.
INLINE float expert_value(const nf_gpu_experts *a, expert_format f, int expert, int tile, int r, int pair,
                          float sum) {
  if (f == EXPERT_FP8 && a->x_groups == 0)
    sum = sum * a->x_scale[pair / a->share] *
          ((const float *)a->scale[r % 2])[expert_scale(a, expert, tile, r)];
  if (a->bias == NULL) return sum;
  return sum + number_at(a->bias, expert * a->bias_expert + expert_row(a, tile, r), a->bias_f32);
}

INLINE float expert_activation(const nf_gpu_experts *a, float gate, float up) {
  float g = rounded(gate), u = rounded(up);
  if (a->then == NF_GPU_THEN_SILU_MUL) return rounded(g * lane_sigmoid(g)) * u;
  if (a->limit > 0) {
    g = __builtin_fminf(g, a->limit);
    u = __builtin_fmaxf(-a->limit, __builtin_fminf(u, a->limit));
  }
  return g * lane_sigmoid(a->alpha * g) * (u + a->beta);
}

typedef struct expert_sums {
  SHARED float *room;
  int parts, columns; // one behind the other: each [columns][16]
} expert_sums;

INLINE float expert_sum(const expert_sums *s, int column, int r) {
  float sum = 0;
  for (int i = 0; i < s->parts; i++) sum += shared_get(s->room + (i * s->columns + column) * 16 + r);
  return sum;
}

// Writes what the sums of tile `tile` give: `lanes` lanes come here, this one as `lane`.
INLINE void expert_finish(const nf_gpu_experts *a, expert_format f, const nf_gpu_experts_tile *t, int tile,
                          const expert_sums *s, int lane, int lanes) {
  const int each = a->then == NF_GPU_THEN_NOTHING ? 16 : 8;
  for (int i = lane; i < each * t->count; i += lanes) {
    const int pair = expert_pair(t, i / each), r = i % each, column = tile * each + r;
    if (column >= a->padded) continue;
    float v = 0;
    if (a->then != NF_GPU_THEN_NOTHING)
      v = expert_activation(
          a, expert_value(a, f, t->expert, tile, 2 * r, pair, expert_sum(s, i / each, 2 * r)),
          expert_value(a, f, t->expert, tile, 2 * r + 1, pair, expert_sum(s, i / each, 2 * r + 1)));
    else if (column < a->rows)
      v = expert_value(a, f, t->expert, tile, r, pair, expert_sum(s, i / each, r));
    number_put(row_of(&a->y, pair), column, a->y_f32, v);
  }
}

// Rows of pairs that have no expert.
INLINE void expert_zeros(const nf_gpu_experts *a, const nf_gpu_experts_tile *t, int tile) {
  if (a->then != NF_GPU_THEN_NOTHING) return; // nobody reads what lies between
  for (int i = lane_thread(); i < 16 * t->count; i += lane_threads())
    if (tile * 16 + i % 16 < a->padded)
      number_put(row_of(&a->y, expert_pair(t, i / 16)), tile * 16 + i % 16, a->y_f32, 0);
}

// SPDX-License-Identifier: Apache-2.0
// What kernels of attention share: which tokens, heads and keys are theirs, where these lie, and what becomes
// of sums.
#pragma once
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/rows/rows.h"

// Of one kv head: tokens behind one another, and so many heads from `head` of each.
typedef struct task {
  const int32_t *pages;
  int token, tokens, position; // position: of the first
  int head, heads, g;
  int from, to; // keys
} task;

INLINE const uint16_t *rows_at(const nf_gpu_attention *a, const task *t, int head, int slot, int key,
                               int which) {
  const int64_t row = (((int64_t)slot * 2 + which) * a->kv_heads + t->g) << a->page_shift;
  return a->pool + (row + (key & ((1 << a->page_shift) - 1))) * head;
}
INLINE int slot_at(const nf_gpu_attention *a, const task *t, int key) {
  return key < t->to ? t->pages[key >> a->page_shift] : -1;
}

// ---- which ----

INLINE void task_heads(const nf_gpu_attention *a, int at, task *t) {
  const int first = at % a->chunks * a->each;
  t->g = at / a->chunks;
  t->head = t->g * a->group + first;
  t->heads = a->group - first < a->each ? a->group - first : a->each;
}

// Tile i of those that sequences have: of the s-th they begin at q_start[s] / tile_tokens + s. Behind the
// last is one of padding.
INLINE int tile_begin(const nf_gpu_attention *a, int s) { return a->q_start[s] / a->tile_tokens + s; }
INLINE bool task_of_tile(const nf_gpu_attention *a, int tile, task *t, bool *padding) {
  int below = 0, above = a->sequences + 1;
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    if (tile_begin(a, middle) <= tile)
      below = middle;
    else
      above = middle;
  }
  *padding = below == a->sequences;
  const int begin = a->q_start[below], end = *padding ? a->tokens : a->q_start[below + 1];
  t->token = begin + (tile - tile_begin(a, below)) * a->tile_tokens;
  if (t->token >= end || (!*padding && end - begin == 1)) return false;
  t->tokens = end - t->token < a->tile_tokens ? end - t->token : a->tile_tokens;
  if (*padding) return true;
  t->pages = a->page_table + (int64_t)a->table_row[below] * a->pages;
  t->position = a->position[t->token];
  t->to = t->position + t->tokens;
  t->from = a->window > 0 && t->position + 1 > a->window ? t->position + 1 - a->window : 0;
  return true;
}

// ---- sums ----

typedef struct sum {
  float most, total;
  f32x2 o; // two columns of the head
} sum;
// Of n, a constant, which do not wait for one another.
INLINE sum sum_all(const sum *s, int n) {
  sum all = {-__builtin_inff(), 0, {0, 0}};
  UNROLL for (int i = 0; i < n; i++) all.most = __builtin_fmaxf(all.most, s[i].most);
  UNROLL for (int i = 0; i < n; i++) {
    const float by = s[i].most > -__builtin_inff() ? lane_exp2(s[i].most - all.most) : 0;
    all.total += s[i].total * by;
    all.o += s[i].o * by;
  }
  return all;
}
INLINE sum sum_of(sum a, sum b) { return sum_all((sum[]){a, b}, 2); }
INLINE float sink_of(const nf_gpu_attention *a, int h) {
  const float z = a->sinks_f32 ? ((const float *)a->sinks)[h] : bf16_to_f32(((const uint16_t *)a->sinks)[h]);
  return z * 1.44269504088896340736f;
}
INLINE uint32_t sum_result(const nf_gpu_attention *a, int h, sum s) {
  if (a->sinks != NULL) {
    s = sum_of(s, (sum){sink_of(a, h), 1, {0, 0}});
  }
  const float by = s.total == 0 ? 0 : 1 / s.total;
  return f32x2_to_bf16x2(s.o[0] * by, s.o[1] * by);
}
INLINE uint32_t *result_at(const nf_gpu_attention *a, int head, int token, int h, int dim) {
  return (uint32_t *)(a->o + ((int64_t)token * a->heads + h) * head + dim);
}

INLINE void zeros(const nf_gpu_attention *a, const task *t, int head, int token, int lane, int lanes) {
  for (int i = lane; i < t->heads * head / 2; i += lanes)
    *result_at(a, head, token, t->head + i / (head / 2), i % (head / 2) * 2) = 0;
}

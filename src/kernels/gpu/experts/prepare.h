// SPDX-License-Identifier: Apache-2.0
// What comes before and between products with experts: pairs sorted by expert, rows of x at multiples of 16
// bytes, codes of what lies between gate, up and down.
#pragma once
#include "kernels/gpu/abi/experts.h"
#include "kernels/gpu/experts/pairs.h"
#include "kernels/gpu/rows/held.h"

// ---- pairs by expert ----

INLINE int wave_before(int v, int *all) { // the sum of v over the lanes below, and over all
  int sum = v;
  for (int d = 1; d < LANES; d *= 2) {
    const int other = (int)lane_shuffle((uint32_t)sum, lane_id() >= d ? lane_id() - d : lane_id());
    if (lane_id() >= d) sum += other;
  }
  *all = (int)lane_shuffle((uint32_t)sum, LANES - 1);
  return sum - v;
}

// Pairs without an expert come last.
INLINE int bucket_of(const nf_gpu_experts_prepare *a, int pair) {
  const int id = expert_id(a, pair);
  return id < 0 ? a->experts : id;
}

INLINE void write_tiles(const nf_gpu_experts_prepare *a, int bucket, int first, int count, int at) {
  for (int i = 0; i < count; i += a->tile, at++) {
    const int n = count - i < a->tile ? count - i : a->tile;
    lane_store16(&a->tiles[at], (u32x4){(uint32_t)(bucket < a->experts ? bucket : -1), (uint32_t)(first + i),
                                        (uint32_t)n, 0});
  }
}

// One wave: where each bucket's pairs begin; one block writes the tiles.
INLINE void place_buckets(const nf_gpu_experts_prepare *a, SHARED int32_t *begin) {
  const bool first_block = lane_block() == 0;
  int pairs = 0, tiles = 0;
  for (int from = 0; from <= a->experts; from += LANES) {
    const int b = from + lane_id(), count = b <= a->experts ? (int)a->counts[b] : 0;
    int more_pairs, more_tiles;
    const int first = pairs + wave_before(count, &more_pairs);
    const int at = tiles + wave_before((count + a->tile - 1) / a->tile, &more_tiles);
    if (b <= a->experts) shared_put(begin + b, first);
    if (first_block) write_tiles(a, b, first, count, at);
    pairs += more_pairs, tiles += more_tiles;
  }
  if (!first_block) return;
  for (int at = tiles + lane_id(); at < a->most_tiles; at += LANES) lane_store16(&a->tiles[at], (u32x4){0});
  if (lane_id() == 0) lane_store16(&a->tiles[a->most_tiles], (u32x4){(uint32_t)tiles});
}

// Pairs that a block has, of which a lane has every 512th.
INLINE int chunk_begin(void) { return lane_block() * NF_GPU_EXPERTS_CHUNK + lane_thread(); }
INLINE int chunk_end(const nf_gpu_experts_prepare *a) {
  const int end = (lane_block() + 1) * NF_GPU_EXPERTS_CHUNK;
  return end < a->pairs ? end : a->pairs;
}

INLINE void rank_pairs(const nf_gpu_experts_prepare *a) {
  for (int p = chunk_begin(); p < chunk_end(a); p += lane_threads())
    a->rank[p] = (int32_t)lane_atomic_add(&a->counts[bucket_of(a, p)], 1);
}

// The last of the blocks that have read the counts leaves zeros.
INLINE void clear_counts(const nf_gpu_experts_prepare *a, SHARED int32_t *room) {
  if (!block_is_last(&a->counts[a->experts + 1], a->chunks, (SHARED uint32_t *)room)) return;
  for (int b = lane_thread(); b <= a->experts; b += lane_threads()) a->counts[b] = 0;
}

INLINE void order_pairs(const nf_gpu_experts_prepare *a) {
  SHARED int32_t *begin = block_shared();
  if (lane_wave() == 0) place_buckets(a, begin);
  block_sync();
  for (int p = chunk_begin(); p < chunk_end(a); p += lane_threads())
    a->order[shared_get(begin + bucket_of(a, p)) + a->rank[p]] = p;
  clear_counts(a, begin + a->experts + 1);
}

// Pack p of a row of x goes to row `to`.
INLINE void put_gathered(nf_gpu_experts_turned turned, char *to, int p, u32x4 v) {
  if (turned == NF_GPU_NOT_TURNED) lane_store16(to + p * 16, v);
  if (turned == NF_GPU_BESIDE_MXFP4)
    UNROLL for (int i = 0; i < 4; i++) * (uint32_t *)(to + p / 4 * 64 + i * 16 + p % 4 * 4) = v[i];
  if (turned == NF_GPU_BESIDE_FP8) UNROLL for (int h = 0; h < 2; h++) {
      u32x4 half;
      UNROLL for (int i = 0; i < 4; i++) half[i] = e4m3x2_to_f16x2((uint16_t)(v[i] >> 16 * h));
      lane_store16(to + p * 32 + h * 16, half);
    }
}

KERNEL(nf_experts_prepare, nf_gpu_experts_prepare, 512, 1) {
  lane_release();
  lane_wait();
  if (lane_block() < a->chunks) {
    if (a->ranks) rank_pairs(a);
    if (!a->orders) return;
    lane_fence();
    block_sync();
    order_pairs(a);
    return;
  }
  const int64_t i = (int64_t)(lane_block() - a->chunks) * lane_threads() + lane_thread(), row = i / a->packs;
  if (row >= a->rows) return;
  const int p = (int)(i % a->packs);
  const int bytes = a->packs * (a->turned == NF_GPU_BESIDE_FP8 ? 32 : 16);
  put_gathered(a->turned, (char *)a->to + row * bytes, p, row_load(row_of(&a->x, row) + p * 16));
}

// ---- codes ----

// The codes of columns k to k + 7 of a row.
INLINE void put_codes(const nf_gpu_experts_quantise *a, int64_t row, int k, u32x2 code) {
  const int64_t at = row * a->columns + k;
  if (!a->turned) {
    *(u32x2 *)((char *)a->code + at) = code;
    return;
  }
  char *to = (char *)a->code + 2 * (at - k % 16) + k % 16;
  UNROLL for (int h = 0; h < 2; h++) * (u32x2 *)(to + h * 16) =
      (u32x2){e4m3x2_to_f16x2((uint16_t)(code[0] >> 16 * h)), e4m3x2_to_f16x2((uint16_t)(code[1] >> 16 * h))};
}

INLINE void quantise_row(const nf_gpu_experts_quantise *a, int64_t row, SHARED float *room) {
  const char *x = (const char *)a->x + row * a->columns * 2;
  float most = 0;
  for (int k = lane_thread() * 8; k < a->columns; k += lane_threads() * 8)
    most = __builtin_fmaxf(most, largest_of(unpacked(lane_load16(x + k * 2))));
  const float scale = scale_for(block_max(most, room));
  for (int k = lane_thread() * 8; k < a->columns; k += lane_threads() * 8)
    put_codes(a, row, k, codes_of(unpacked(lane_load16(x + k * 2)), scale));
  if (lane_thread() == 0) a->scale[row] = scale;
}

// 16 lanes have a group.
INLINE void quantise_groups(const nf_gpu_experts_quantise *a, int64_t row) {
  const char *x = (const char *)a->x + row * a->columns * 2;
  for (int from = 0; from < a->columns; from += lane_threads() * 8) {
    const int k = from + lane_thread() * 8;
    const eight v = unpacked(k < a->columns ? lane_load16(x + k * 2) : (u32x4){0});
    const float scale = scale_for(lane_max_of(largest_of(v), 16));
    if (k >= a->columns) continue;
    put_codes(a, row, k, codes_of(v, scale));
    if (k % 128 == 0) a->scale[row * a->groups + k / 128] = scale;
  }
}

KERNEL(nf_experts_quantise, nf_gpu_experts_quantise, 256, 1) {
  const int row = lane_block();
  lane_wait();
  lane_release(); // the product that comes next reads ids before its own lane_wait
  if (expert_id(a, row) < 0) return;
  if (a->groups == 0)
    quantise_row(a, row, block_shared());
  else
    quantise_groups(a, row);
}

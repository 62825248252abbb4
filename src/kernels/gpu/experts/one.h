// SPDX-License-Identifier: Apache-2.0
// Products of one token with the experts that it chose: a block for each choice (y) and unit, whose waves
// have steps by turns. Nothing is sorted, nothing is kept for later: with some thirty steps on a
// multiprocessor's scheduler, what comes before the first copy and behind the last sum is what counts. Where
// ids are known early, a wave's first steps are on their way before what is multiplied with them is there.
#pragma once
#include "kernels/gpu/experts/few.h"

enum { ONE_DEPTH = NF_GPU_EXPERTS_ONE_DEPTH, ONE_RING = ONE_DEPTH * FEW_SLOT };

// The wave's steps: those of strip wave % strips. No divisions, which take longer than a copy's way.
INLINE void one_begin(const nf_gpu_experts *a, few_state *s) {
  const int second = a->strips - 1;
  s->tile.count = 1;
  s->steps = (a->words + 15) / 16;
  s->by = lane_waves() >> second, s->first = lane_wave() >> second;
  s->ring = (SHARED char *)block_shared() + a->ring_at + lane_wave() * ONE_RING;
  s->next = (few_cursor){
      .unit = lane_block(), .end = lane_block() + 1, .strip = lane_wave() & second, .step = s->first};
}

INLINE void one_copy(const nf_gpu_experts *a, expert_format f, few_state *s, int slot) {
  few_cursor *c = &s->next;
  few_copy(a, f, s, slot, f == EXPERT_MXFP4);
  c->step += s->by;
  if (c->w != NULL) c->w += s->by * FEW_STEP;
  if (f == EXPERT_MXFP4 && c->w != NULL) c->scales += s->by * FEW_SCALES;
}

INLINE void one_expert(const nf_gpu_experts *a, few_state *s) {
  s->tile.expert = s->next.expert = a->ids[lane_block_y()];
}

// The strip of the expert, and as many steps of it as there is room for.
INLINE void one_weights(const nf_gpu_experts *a, expert_format f, few_state *s) {
  few_aim(a, f, s);
  for (int d = 0; d < ONE_DEPTH; d++) one_copy(a, f, s, d * FEW_SLOT);
}

// What of x is beside the wave's steps.
INLINE void one_x(const nf_gpu_experts *a, expert_format f, few_state *s) {
  const int row = a->share == 1 ? lane_block_y() : 0, each = 4 * few_packs(f);
  const int there = a->words * few_packs(f) / 4;
  const char *from = row_of(&a->x, row);
  SHARED u32x4 *to = (SHARED u32x4 *)((SHARED char *)block_shared() + a->x_at) + lane_wave() * a->x_pitch;
  for (int i = lane_id(); i < a->x_pitch; i += LANES) {
    const int pack = (s->first + i / each * s->by) * each + i % each;
    lane_copy_async16(to + i, from + (int64_t)pack * 16, pack < there);
  }
  lane_copy_commit();
  s->x[0] = (const SHARED char *)(to + tile_chunk());
  if (f == EXPERT_FP8 && a->x_groups != 0)
    UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) s->x_scale[0][i] = a->x_scale + row * a->x_groups;
}

// ---- MXFP4: a product's four words of a row are those of one block, whose scale comes to the sum ----

// Codes are multiplied as they are, times 2^-126, and x times 2^63 (from 2^65 on infinite), so that sums
// keep their bits: 16 multiplications a step instead of 64, which took 33.8 µs instead of 22.3 (H200,
// 2026-11-29, gpt-oss-120b). A scale of 2^-127 counts as 0.
INLINE few_rows one_word(const SHARED char *from, int j) {
  const int chunk = tile_chunk(), at = tile_row(0) * (int)sizeof(few_rows);
  const int line = (j * FEW_WORDS + chunk) * 128;
  return shared_get((const SHARED few_rows *)(from + line + ((at / 16) ^ (chunk * 2)) * 16 + at % 16));
}
INLINE float one_scale(const SHARED char *from, int j, int row) {
  const uint32_t e = shared_get((const SHARED uint8_t *)(from + FEW_STEP + j * 32 + row));
  return lane_as_f32(e << 23);
}
INLINE void one_mxfp4(const SHARED char *from, const SHARED char *x, few_state *s) {
  UNROLL for (int j = 0; j < FEW_WORDS; j++) {
    const few_rows w = one_word(from, j);
    u32x4 b = shared_get((const SHARED u32x4 *)(x + j * 64));
    uint32_t n[EXPERT_ROWS][4];
    UNROLL for (int i = 0; i < 4; i++) b[i] = bf16x2_times(b[i], 0x5f005f00u);
    UNROLL for (int r = 0; r < EXPERT_ROWS; r++) mxfp4_codes(w[r], n[r]);
    UNROLL for (int h = 0; h < 2; h++) {
      f32x4 part = {0};
      UNROLL for (int p = 0; p < 2; p++) {
        tile_a t;
        UNROLL for (int r = 0; r < TILE_ROWS; r++) {
          const uint32_t *row = n[h * TILE_ROWS + r];
          tile_a_put(&t, r, (u32x2){row[2 * p], row[2 * p + 1]});
        }
        part = tile_mma_bf16(t, tile_b_of(part_bf16(b, p)), part);
      }
      UNROLL for (int i = 0; i < 4; i += TILE_SUM_COLS) // of the one column
          s->sum[h][0][i] += part[i] * one_scale(from, j, expert_row(h, tile_sum_row(i)));
    }
  }
}

// ---- a wave's sums ----

// Copies are in the order in which they are waited for, but for x behind the first weights.
INLINE void one_sum(const nf_gpu_experts *a, expert_format f, few_state *s) {
  const float *scale = few_scale(a, f, s, lane_block(), lane_wave() & (a->strips - 1));
  int slot = 0;
  for (int i = 0, step = s->first; step < s->steps; i++, step += s->by) {
    const few_scales by = few_scales_of(a, f, 1, s, scale, step);
    if (i != 0)
      lane_copy_wait(ONE_DEPTH - 2);
    else if (a->ids_before)
      lane_copy_wait(0);
    else
      lane_copy_wait(ONE_DEPTH - 1);
    lane_sync();
    if (i != 0) // the slot that everybody has just left
      one_copy(a, f, s, slot == 0 ? ONE_RING - FEW_SLOT : slot - FEW_SLOT);
    if (f == EXPERT_MXFP4) {
      one_mxfp4(s->ring + slot, s->x[0] + i * 4 * 64, s);
    } else {
      few_multiply(a, f, 1, s->ring + slot, s, i);
      few_add(a, f, 1, s, &by);
    }
    slot = slot == ONE_RING - FEW_SLOT ? 0 : slot + FEW_SLOT;
  }
  if (f == EXPERT_MXFP4) UNROLL for (int h = 0; h < 2; h++) s->part[h][0] = s->sum[h][0] * 0x1p63f;
}

INLINE void experts_one(const nf_gpu_experts *a, expert_format f) {
  few_state s = {0};
  one_begin(a, &s);
  if (a->ids_before) one_expert(a, &s), one_weights(a, f, &s);
  lane_wait();
  lane_release();
  if (!a->ids_before) one_expert(a, &s); // on its way while x is asked for
  one_x(a, f, &s);
  if (!a->ids_before) one_weights(a, f, &s);
  const few_result u = {lane_block(), 0, s.by, a->strips, lane_thread(), lane_threads()};
  expert_rest rest = {0};
  if (lane_thread() < expert_columns(a)) rest = expert_rest_of(a, f, s.tile.expert, u.unit, lane_thread());
  if (lane_thread() == 0) shared_put(&expert_shared()->pair[0], lane_block_y());
  one_sum(a, f, &s);
  few_put(a, f, 1, &s, few_room(a, 1, lane_wave()));
  block_sync();
  few_finish(a, f, 1, &s.tile, &u, &rest);
}

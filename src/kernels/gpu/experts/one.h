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
  few_copy(a, f, s, slot);
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

// ---- a wave's sums ----

INLINE void one_mxfp4(const SHARED char *from, const SHARED char *x, few_state *s) {
  UNROLL for (int j = 0; j < FEW_WORDS; j++) {
    const u32x4 raised = few_raised(shared_get((const SHARED u32x4 *)(x + j * 64)));
    few_mxfp4(1, TILE_SUM_COLS, few_words(EXPERT_MXFP4, from, j), few_powers_of(from, j), &raised, s);
  }
}

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
      one_mxfp4(s->ring + slot, s->x[0] + i * FEW_WORDS * 64, s);
    } else {
      few_multiply(a, f, 1, s->ring + slot, s, i);
      few_add(a, f, 1, s, &by);
    }
    slot = slot == ONE_RING - FEW_SLOT ? 0 : slot + FEW_SLOT;
  }
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

// SPDX-License-Identifier: Apache-2.0
// panel.h's linear, of FP8 as it is. Hopper's products keep 13 bits of a sum, so sums of each step, which is
// 128 of k, are begun anew and are added to float32 registers; what 128 products lose is the row's sum_error.
// A lane has registers for the sums of all rows of the block, and once more for 128 of them: with 256 rows a
// step is two parts, and one group's sums are added up while the other's products run.
#pragma once
#include "kernels/gpu/products/panel.h"

#if TILE_WIDE
enum { PANEL_PART = 128 }; // rows of w: of blocks they have one scale
typedef struct panel_part {
  float at[PANEL_PART / 2];
  float scale[2]; // of wide_row(0) and (1)
} panel_part;

INLINE int panel_group_token(const panel *p) { return p->token + lane_thread() / WIDE_LANES * WIDE_ROWS; }

// The products of a step with part `which` of its rows are on their way.
INLINE void panel_fp8_multiply(const panel *p, int rows, int which, int step, panel_part *part) {
  SHARED u32x4 *room = panel_stage(p, rows, step);
  const wide_b x = wide_tile(room + lane_thread() / WIDE_LANES * WIDE_ROWS * STREAM_PACKS),
               w = wide_tile(room + (PANEL_TOKENS + which * PANEL_PART) * STREAM_PACKS);
  wide_begin();
  UNROLL for (int i = 0; i < WIDE_LINE / WIDE_STEP; i++)
      wide_mma_e4m3_tiles(PANEL_PART, part->at, wide_step(x, i), wide_step(w, i), i > 0);
  wide_commit();
}
INLINE void panel_fp8_scale(const nf_gpu_linear *a, const panel *p, int which, int step, panel_part *part) {
  const int n = p->row + which * PANEL_PART;
  UNROLL for (int i = 0; i < 2; i++) part->scale[i] =
      linear_scale(a, panel_group_token(p) + wide_row(i), n < a->n ? n : a->n - 1, step);
}

INLINE void panel_fp8_add(linear_format f, int which, panel_part *part, panel_sums *sums) {
  wide_wait(0, PANEL_PART, part->at);
  WIDE_UNROLL for (int i = 0; i < PANEL_PART / 2; i++) sums->at[which * (PANEL_PART / 2) + i] +=
      f == LINEAR_FP8_BLOCK ? part->at[i] * part->scale[i / 2 % 2] : part->at[i];
}

// A part is added as soon as its products are there; of 256 rows that have no scales by block when the next
// part's are about to begin, the first time as zeros, so that they run while others are waited for (H200,
// 2026-11-29, 512 tokens: 51200 x 5120 346 us instead of 366, 5120 x 25600 178 instead of 199; but 10240 x
// 5120, by 128 rows, 91 instead of 85). With scales ptxas would then wait for every single product.
INLINE panel_sums panel_fp8_sum(const nf_gpu_linear *a, const panel *p, linear_format f, int rows) {
  const bool later = f == LINEAR_FP8_ROW && rows > PANEL_PART;
  panel_sums sums = {0};
  panel_part part = {0};
  panel_begin(a, p, rows);
  for (int step = 0; step < p->steps; step++) {
    panel_wait();
    UNROLL for (int which = 0; which < 2; which++) {
      if (which * PANEL_PART >= rows) continue;
      if (later) panel_fp8_add(f, 1 - which, &part, &sums);
      panel_fp8_multiply(p, rows, which, step, &part);
      if (f == LINEAR_FP8_BLOCK) panel_fp8_scale(a, p, which, step, &part);
      if (which == 0) panel_copy(a, p, rows, step + PANEL_STAGES - 2);
      if (!later) panel_fp8_add(f, which, &part, &sums);
    }
  }
  if (later) panel_fp8_add(f, 1, &part, &sums);
  lane_copy_wait(0);
  return sums;
}

INLINE void linear_panel_fp8(const nf_gpu_linear *a, linear_format f, int rows) {
  const panel p = panel_of(a, rows);
  const panel_sums sums = panel_fp8_sum(a, &p, f, rows);
  panel_store(a, &p, f, rows, &sums);
}
#endif

// SPDX-License-Identifier: Apache-2.0
// What lies in the shared memory of a block of experts/many.h, and how steps of x and of strips of weights
// get there.
#pragma once
#include "kernels/gpu/experts/tile.h"
#include "kernels/gpu/tile/wide.h"

#if TILE_WIDE
enum {
  MANY_STRIPS = NF_GPU_MANY_STRIPS,
  MANY_ROWS = MANY_STRIPS * 32,
  MANY_THREADS = MANY_STRIPS * 64,
  MANY_MOST_COLS = NF_GPU_MANY_COLS_MXFP4,
  MANY_PITCH = MANY_ROWS / 2 + 4, // words of a pair's results
  MANY_LINES = MANY_THREADS / 8,  // of x that all lanes copy at once
};
INLINE int many_most(expert_format f) {
  return f == EXPERT_MXFP4 ? NF_GPU_MANY_COLS_MXFP4 : NF_GPU_MANY_COLS;
}
// Stages of the ring; steps that the block waits for at once; how far copies are ahead of products, of which
// a step's last are still under way when the next one begins.
INLINE int many_stages(expert_format f) {
  return f == EXPERT_MXFP4 ? NF_GPU_MANY_STAGES_MXFP4 : NF_GPU_MANY_STAGES;
}
INLINE int many_together(expert_format f) { return f == EXPERT_MXFP4 ? 2 : 1; }
INLINE int many_ahead(expert_format f) { return many_stages(f) - 1 - many_together(f); }
INLINE int many_strip_bytes(expert_format f) { // of a step of 64 of k
  return f == EXPERT_MXFP4 ? 1024 : f == EXPERT_FP8 ? 2048 : 4096;
}
INLINE int many_steps(const nf_gpu_experts *a, expert_format f) {
  return a->words / (many_strip_bytes(f) / 128);
}

// lane_thread, anew where it is called, so that what follows from it is not kept in registers meanwhile.
INLINE int many_thread(void) {
  int t = lane_thread();
  __asm__ volatile("" : "+r"(t));
  return t;
}

typedef struct many_item {
  int expert, count; // negative: rows of zeros; pairs
  int block, lists;  // of rows; which of two
} many_item;

// ---- shared memory: the ring, results, two sets of lists ----

INLINE SHARED char *many_at(int bytes) { return (SHARED char *)block_shared() + bytes; }
INLINE SHARED char *many_x(expert_format f, int stage) { return many_at(stage * many_most(f) * WIDE_LINE); }
INLINE SHARED char *many_w(expert_format f, int stage) {
  return many_x(f, many_stages(f)) + stage * MANY_STRIPS * many_strip_bytes(f);
}
// Scales of strips beside MXFP4, of columns beside FP8 by groups.
INLINE SHARED char *many_scales(expert_format f, int stage) {
  return many_w(f, many_stages(f)) + stage * MANY_ROWS * 2;
}
INLINE SHARED uint32_t *many_results(expert_format f, int c) {
  return (SHARED uint32_t *)many_scales(f, many_stages(f)) + c * MANY_PITCH;
}
// Of each column: where its row of x is, which row that is, which pair it is.
INLINE SHARED uint64_t *many_place(expert_format f, const many_item *t) {
  return (SHARED uint64_t *)many_results(f, many_most(f)) + t->lists * many_most(f) * 2;
}
INLINE SHARED int32_t *many_line(expert_format f, const many_item *t) {
  return (SHARED int32_t *)(many_place(f, t) + many_most(f));
}
INLINE SHARED int32_t *many_pair(expert_format f, const many_item *t) {
  return many_line(f, t) + many_most(f);
}

// ---- strips: where gates and ups are apart, those of gates first ----

typedef struct many_strip {
  int matrix, at; // of w[matrix]
} many_strip;
INLINE many_strip many_strip_of(const nf_gpu_experts *a, const many_item *t, int i) {
  const int each = MANY_STRIPS / a->strips;
  return (many_strip){i / each, t->block * each + i % each};
}
INLINE bool many_is_there(const nf_gpu_experts *a, const many_strip *s) { return s->at * 32 < a->rows; }

// The lane's two rows of the block, neighbours of a strip.
INLINE int many_row(int thread) { return thread / 64 * 32 + thread % 32 / 4 * 4 + thread / 32 % 2 * 2; }

// ---- copies ----

// Where a lane's packs of a step come from: of rows of x, of strips, and of MXFP4 of strips' scales. Of FP8
// by groups it has the scale of a column in a register for a step.
enum {
  MANY_MOST_PACKS = 4096 / 16 * MANY_STRIPS / MANY_THREADS,
  MANY_MOST_LINES = MANY_MOST_COLS / MANY_LINES
};
INLINE int many_packs(expert_format f) { return many_strip_bytes(f) / 16 * MANY_STRIPS / MANY_THREADS; }
typedef struct many_lane {
  const char *x[MANY_MOST_LINES], *w[MANY_MOST_PACKS], *scales;
  float scale;
} many_lane;

INLINE many_strip many_strip_there(const nf_gpu_experts *a, const many_item *t, int i) { // or the last
  many_strip s = many_strip_of(a, t, i);
  if (!many_is_there(a, &s)) s.at = (a->rows - 1) / 32;
  return s;
}

// At step `step`.
INLINE many_lane many_lane_of(const nf_gpu_experts *a, expert_format f, const many_item *t, int step) {
  many_lane l = {0};
  const int thread = many_thread(), chunks = many_strip_bytes(f) / 16;
  UNROLL for (int i = 0; i < many_most(f) / MANY_LINES; i++) l.x[i] =
      (const char *)(uintptr_t)shared_get(many_place(f, t) + thread / 8 + i * MANY_LINES) + step * WIDE_LINE +
      thread % 8 * 16;
  UNROLL for (int i = 0; i < many_packs(f); i++) {
    const int chunk = thread + i * MANY_THREADS;
    const many_strip s = many_strip_there(a, t, chunk / chunks);
    l.w[i] = (const char *)a->w[s.matrix] + t->expert * a->w_expert + s.at * a->w_strip +
             step * many_strip_bytes(f) + chunk % chunks * 16;
  }
  if (f == EXPERT_MXFP4 && thread < 4 * MANY_STRIPS) {
    const many_strip s = many_strip_there(a, t, thread / 4);
    l.scales = (const char *)a->scale[s.matrix] + t->expert * a->scale_expert + (int64_t)s.at * 8 * a->words +
               step * 64 + thread % 4 * 16;
  }
  return l;
}

// Packs of a line of 32 words change places so that lanes that read at once meet in few banks.
INLINE int many_turned(int chunk) { return chunk ^ chunk / 8 % 4 * 2; }

// The lane's next step, to stage `stage`.
INLINE void many_copy(expert_format f, int cols, int stage, many_lane *l) {
  const int thread = lane_thread(), line = thread / 8;
  UNROLL for (int i = 0; i < many_most(f) / MANY_LINES; i++) {
    if (line + i * MANY_LINES < cols)
      lane_copy_async16(many_x(f, stage) + wide_place(line, thread % 8) * 16 + i * MANY_LINES * WIDE_LINE,
                        l->x[i], true);
    l->x[i] += WIDE_LINE;
  }
  UNROLL for (int i = 0; i < many_packs(f); i++) {
    lane_copy_async16(many_w(f, stage) + many_turned(thread) * 16 + i * MANY_THREADS * 16, l->w[i], true);
    l->w[i] += many_strip_bytes(f);
  }
  if (f != EXPERT_MXFP4 || thread >= 4 * MANY_STRIPS) return;
  lane_copy_async16(many_scales(f, stage) + thread * 16, l->scales, true);
  l->scales += 64;
}
#endif

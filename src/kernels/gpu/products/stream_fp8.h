// SPDX-License-Identifier: Apache-2.0
// stream.h's linear, of FP8: numbers of w and x become f16, whose products are exact and whose sums are
// float32 (Hopper's products of FP8 itself keep 13 bits). w's codes come through shared memory and become
// numbers in registers; x's are loaded two steps ahead, and put down as numbers one step ahead, in two places
// in turn. 16 numbers, which are a product's k, are two packs: the low and the high halves of words, as
// wide_k has w's.
#pragma once
#include "kernels/gpu/products/stream.h"

#if TILE_WIDE
typedef struct stream_codes {
  u32x4 v[4];
} stream_codes;

INLINE int stream_codes_line(stream_form f, int i) {
  return (lane_thread() + i * STREAM_LANES(f)) / STREAM_PACKS;
}
INLINE stream_codes stream_codes_of(const nf_gpu_linear *a, const stream_share *s, stream_form f,
                                    const stream_at *at) {
  stream_codes x = {0};
  const int byte = at->group * WIDE_LINE + lane_thread() % STREAM_PACKS * 16;
  const int n = at->step < s->end && byte < a->bytes ? a->tokens : 0;
  UNROLL for (int i = 0; i < f.tokens * STREAM_PACKS / STREAM_LANES(f); i++) {
    const int line = stream_codes_line(f, i);
    if (line < n) x.v[i] = lane_load16((const char *)a->x + (line * (int)a->x_stride + byte));
  }
  return x;
}
INLINE SHARED u32x4 *stream_codes_room(const stream_share *s, stream_form f, int step) {
  return s->room + f.stages * STREAM_STAGE(f) + (step & 1) * 2 * f.tokens * STREAM_PACKS;
}
INLINE void stream_codes_put(const stream_share *s, stream_form f, int step, const stream_codes *x) {
  const int pack = lane_thread() % STREAM_PACKS;
  SHARED u32x4 *to = stream_codes_room(s, f, step) + pack / 4 * f.tokens * STREAM_PACKS;
  UNROLL for (int i = 0; i < f.tokens * STREAM_PACKS / STREAM_LANES(f); i++) {
    u32x4 low, high;
    UNROLL for (int j = 0; j < 4; j++) {
      const u32x2 both = part_fp8(x->v[i], j);
      low[j] = both[0], high[j] = both[1];
    }
    shared_put(to + wide_place(stream_codes_line(f, i), pack % 4 * 2), low);
    shared_put(to + wide_place(stream_codes_line(f, i), pack % 4 * 2 + 1), high);
  }
  wide_publish();
}

typedef struct stream_rows {
  wide_a of[STREAM_PACKS];
} stream_rows;
INLINE stream_rows stream_rows_of(const stream_share *s, stream_form f, const stream_at *at) {
  SHARED uint32_t *room =
      (SHARED uint32_t *)(stream_w(s, f, at) + lane_thread() / WIDE_LANES * WIDE_ROWS * STREAM_PACKS);
  stream_rows w;
  UNROLL for (int p = 0; p < STREAM_PACKS; p++) UNROLL for (int i = 0; i < 2; i++) {
    const uint32_t codes = shared_get(room + wide_place(wide_row(i), p) * 4 + lane_id() % 4);
    w.of[p].r[i] = e4m3x2_to_f16x2((uint16_t)codes);
    w.of[p].r[i + 2] = e4m3x2_to_f16x2((uint16_t)(codes >> 16));
  }
  return w;
}

// A step's products are begun; `add` to the sums that there are.
INLINE void stream_multiply_fp8(const stream_share *s, stream_form f, int step, const stream_rows *w,
                                float *d, bool add) {
  SHARED u32x4 *room = stream_codes_room(s, f, step);
  wide_begin();
  UNROLL for (int p = 0; p < STREAM_PACKS; p++)
      wide_mma_f16(f.tokens, d, w->of[p], wide_step(wide_tile(room + p / 4 * f.tokens * STREAM_PACKS), p % 4),
                   add || p > 0);
  wide_commit();
}

// The scales of a group of 128 of k, of a token for each lane, and of those LANES behind it.
typedef struct stream_scales {
  float of[4];
} stream_scales;
INLINE stream_scales stream_scales_of(const nf_gpu_linear *a, stream_form f, const stream_at *at) {
  stream_scales s = {0};
  const int n = at->tile * STREAM_ROWS(f) + lane_thread() / WIDE_LANES * WIDE_ROWS, row = n < a->n ? n : 0;
  UNROLL for (int i = 0; i < f.tokens / LANES; i++) s.of[i] =
      linear_scale(a, i * LANES + lane_id(), row, at->group);
  return s;
}

// The sums of a step, with its scales, to those of all.
INLINE void stream_scale(stream_form f, const stream_scales *scales, const stream_sums *part,
                         stream_sums *all) {
  STREAM_EACH(f, i) {
    const float scale = lane_shuffle_f32(scales->of[i / 4 * 8 / LANES], stream_token(i) % LANES);
    all->at[i] += part->at[i] * scale;
  }
}

INLINE stream_codes stream_codes_next(const nf_gpu_linear *a, const stream_share *s, stream_form f,
                                      stream_at *at) {
  const stream_codes x = stream_codes_of(a, s, f, at);
  stream_next(a, s, f, at);
  return x;
}

// Step i of the block: its products are under way while the next one's x is put down, and that of the one
// behind it loaded.
INLINE void stream_step_fp8(const nf_gpu_linear *a, const stream_share *s, stream_form f, int i,
                            const stream_at *now, stream_at *ahead, stream_codes *x, stream_sums *sums) {
  const bool scaled = f.format == LINEAR_FP8_BLOCK;
  const stream_rows w = stream_rows_of(s, f, now);
  stream_scales scales = {0};
  stream_sums part = {0};
  float *d = scaled ? part.at : sums->at;
  if (scaled) scales = stream_scales_of(a, f, now);
  stream_multiply_fp8(s, f, i, &w, d, !scaled);
  stream_codes_put(s, f, i + 1, x);
  *x = stream_codes_next(a, s, f, ahead);
  wide_wait(0, f.tokens, d);
  if (scaled) stream_scale(f, &scales, &part, sums);
}

INLINE void linear_stream_fp8(const nf_gpu_linear *a, stream_form f) {
  const stream_share s = stream_share_of(a, f);
  stream_at now = stream_first(a, &s, f), next = now, ahead = now;
  UNROLL for (int i = 0; i < f.stages - 1; i++, stream_next(a, &s, f, &next)) {
    stream_copy_w(a, &s, f, &next);
    lane_copy_commit();
  }
  lane_release();
  lane_wait();
  stream_codes x = stream_codes_next(a, &s, f, &ahead);
  stream_codes_put(&s, f, 0, &x);
  x = stream_codes_next(a, &s, f, &ahead);
  stream_sums sums = {0};
  for (int i = 0; now.step < s.end; i++, stream_next(a, &s, f, &now), stream_next(a, &s, f, &next)) {
    lane_copy_wait(f.stages - 2);
    block_sync();
    stream_copy_w(a, &s, f, &next);
    lane_copy_commit();
    stream_step_fp8(a, &s, f, i, &now, &ahead, &x, &sums);
    if (now.group + 1 == s.each || now.step + 1 == s.end) stream_finish(a, &s, f, now.tile, &sums);
  }
  lane_copy_wait(0);
}
#endif

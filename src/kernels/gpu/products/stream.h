// SPDX-License-Identifier: Apache-2.0
// linear for tokens of which one tile's columns are enough, by Hopper's matrix units: rows of w and
// of x come through shared memory, several steps of 128 bytes of each on their way. The steps of all tiles of
// rows are dealt out evenly, so that every block reads as much of w as another, whatever the shape: a block
// may begin and end within a tile, whose parts the last to be done with it adds in their order.
#pragma once
#include "kernels/gpu/products/linear.h"
#include "kernels/gpu/tile/wide.h"

#if TILE_WIDE
// What of a kernel is constant. A group is four waves, of WIDE_ROWS rows of w.
typedef struct stream_form {
  linear_format format;
  int groups, tokens, stages; // tokens: columns of a tile; stages: steps that there is room for
} stream_form;

enum { STREAM_PACKS = WIDE_LINE / 16 };
#define STREAM_LANES(f) ((f).groups * WIDE_LANES)
#define STREAM_ROWS(f) ((f).groups * WIDE_ROWS)
#define STREAM_STAGE(f) ((STREAM_ROWS(f) + ((f).format == LINEAR_BF16 ? (f).tokens : 0)) * STREAM_PACKS)
#define STREAM_ROOM(f) \
  ((f).stages * STREAM_STAGE(f) + ((f).format == LINEAR_BF16 ? 0 : 2 * 2 * (f).tokens * STREAM_PACKS))

// Steps are numbered through all tiles, of which each has `each`.
typedef struct stream_share {
  int each, all, begin, end;
  SHARED u32x4 *room; // of each stage the rows of w and, of bf16, those of x; then FP8's x
} stream_share;

INLINE int stream_begin(const stream_share *s, int block) {
  return (int)((int64_t)s->all * block / lane_blocks());
}
INLINE int stream_block_of(const stream_share *s, int step) {
  return (int)(((int64_t)(step + 1) * lane_blocks() - 1) / s->all);
}
INLINE stream_share stream_share_of(const nf_gpu_linear *a, stream_form f) {
  stream_share s = {.each = (a->bytes + WIDE_LINE - 1) / WIDE_LINE, .room = block_shared()};
  s.all = (a->n + STREAM_ROWS(f) - 1) / STREAM_ROWS(f) * s.each;
  s.begin = stream_begin(&s, lane_block()), s.end = stream_begin(&s, lane_block() + 1);
  return s;
}

// Where a step is: tile, group of 128 bytes of its rows, and the stage that has them; and the lane's pack of
// its first row of w there, and how many rows there are from it on.
typedef struct stream_at {
  int step, tile, group, stage;
  const char *w;
  int rows;
} stream_at;
INLINE int stream_line(void) { return lane_thread() / STREAM_PACKS; }
INLINE int stream_byte(void) { return lane_thread() % STREAM_PACKS * 16; }
INLINE stream_at stream_first(const nf_gpu_linear *a, const stream_share *s, stream_form f) {
  const int tile = s->begin / s->each, group = s->begin % s->each,
            row = tile * STREAM_ROWS(f) + stream_line();
  return (stream_at){
      s->begin,  tile, group, 0, (const char *)a->w + row * a->w_stride + (group * WIDE_LINE + stream_byte()),
      a->n - row};
}
INLINE void stream_next(const nf_gpu_linear *a, const stream_share *s, stream_form f, stream_at *at) {
  at->step++, at->w += WIDE_LINE;
  if (++at->stage == f.stages) at->stage = 0;
  if (++at->group < s->each) return;
  at->w += STREAM_ROWS(f) * a->w_stride - s->each * WIDE_LINE;
  at->group = 0, at->tile++, at->rows -= STREAM_ROWS(f);
}
INLINE SHARED u32x4 *stream_w(const stream_share *s, stream_form f, const stream_at *at) {
  return s->room + at->stage * STREAM_STAGE(f);
}
INLINE SHARED u32x4 *stream_x(const stream_share *s, stream_form f, const stream_at *at) {
  return stream_w(s, f, at) + STREAM_ROWS(f) * STREAM_PACKS;
}

// The lane's packs of a step's 128 bytes of `lines` rows, from its first one on, of which `n` are there;
// zeros for what is beyond.
INLINE void stream_copy(const char *from, int64_t stride, int n, int lines, SHARED u32x4 *to, int lanes) {
  const int apart = lanes / STREAM_PACKS, place = wide_place(stream_line(), lane_thread() % STREAM_PACKS);
  UNROLL for (int i = 0; i < (lines + apart - 1) / apart;
              i++) if (lines % apart == 0 || stream_line() < lines)
      lane_copy_async16(to + place + i * apart * STREAM_PACKS, from + i * apart * stride, i * apart < n);
}
INLINE bool stream_is_there(const nf_gpu_linear *a, const stream_share *s, const stream_at *at) {
  return at->step < s->end && at->group * WIDE_LINE + stream_byte() < a->bytes;
}
INLINE void stream_copy_w(const nf_gpu_linear *a, const stream_share *s, stream_form f, const stream_at *at) {
  stream_copy(at->w, (int)a->w_stride, stream_is_there(a, s, at) ? at->rows : 0, STREAM_ROWS(f),
              stream_w(s, f, at), STREAM_LANES(f));
}
INLINE void stream_copy_x(const nf_gpu_linear *a, const stream_share *s, stream_form f, const stream_at *at) {
  const char *from =
      (const char *)a->x + (stream_line() * (int)a->x_stride + stream_byte()) + at->group * WIDE_LINE;
  stream_copy(from, (int)a->x_stride, stream_is_there(a, s, at) ? a->tokens - stream_line() : 0, f.tokens,
              stream_x(s, f, at), STREAM_LANES(f));
}

typedef struct stream_sums {
  float at[64];
} stream_sums;
#define STREAM_EACH(f, i) WIDE_UNROLL for (int i = 0; i < (f).tokens / 2; i++)

INLINE void stream_multiply(const stream_share *s, stream_form f, const stream_at *at, stream_sums *sums) {
  const wide_b w = wide_tile(stream_w(s, f, at) + lane_thread() / WIDE_LANES * WIDE_ROWS * STREAM_PACKS);
  const wide_b x = wide_tile(stream_x(s, f, at));
  wide_begin();
  UNROLL for (int i = 0; i < WIDE_LINE / WIDE_STEP; i++)
      wide_mma_bf16_tiles(f.tokens, sums->at, wide_step(w, i), wide_step(x, i), true);
  wide_commit();
  wide_wait(0, f.tokens, sums->at);
}

// Of sum i: its token and, in the block's tile, row.
INLINE int stream_token(int i) { return wide_col(i / 4) + i % 2; }
INLINE int stream_row(int i) { return lane_thread() / WIDE_LANES * WIDE_ROWS + wide_row(i / 2 % 2); }

// A block's part of a tile, for a lane: packs STREAM_LANES apart. It has two at most, of its first tile and
// of another.
INLINE float *stream_part(const nf_gpu_linear *a, const stream_share *s, stream_form f, int block, int tile) {
  const int other = stream_begin(s, block) / s->each != tile;
  return a->partial + ((int64_t)(block * 2 + other) * (f.tokens / 8) * STREAM_LANES(f) + lane_thread()) * 4;
}
INLINE void stream_leave(float *to, stream_form f, const stream_sums *sums) {
  UNROLL for (int i = 0; i < f.tokens / 8; i++) {
    u32x4 v;
    UNROLL for (int j = 0; j < 4; j++) v[j] = lane_as_u32(sums->at[4 * i + j]);
    lane_store16(to + i * STREAM_LANES(f) * 4, v);
  }
}
INLINE void stream_add(const float *from, stream_form f, stream_sums *sums) {
  UNROLL for (int i = 0; i < f.tokens / 8; i++) {
    const u32x4 v = lane_load16(from + i * STREAM_LANES(f) * 4);
    UNROLL for (int j = 0; j < 4; j++) sums->at[4 * i + j] += lane_as_f32(v[j]);
  }
}

// The sums of a tile that others have parts of: true for who is the last of them.
INLINE bool stream_join(const nf_gpu_linear *a, const stream_share *s, stream_form f, int tile,
                        stream_sums *sums) {
  const int first = stream_block_of(s, tile * s->each), last = stream_block_of(s, (tile + 1) * s->each - 1);
  if (first == last) return true;
  stream_leave(stream_part(a, s, f, lane_block(), tile), f, sums);
  if (!block_is_last(&a->counters[first], last - first + 1, (SHARED uint32_t *)(s->room + STREAM_ROOM(f))))
    return false;
  *sums = (stream_sums){0};
  for (int b = first; b <= last; b++) stream_add(stream_part(a, s, f, b, tile), f, sums);
  return true;
}

INLINE void stream_finish(const nf_gpu_linear *a, const stream_share *s, stream_form f, int tile,
                          stream_sums *sums) {
  if (stream_join(a, s, f, tile, sums)) STREAM_EACH(f, i)
  linear_store(a, f.format, stream_token(i), tile * STREAM_ROWS(f) + stream_row(i), sums->at[i]);
  *sums = (stream_sums){0};
}

INLINE void linear_stream(const nf_gpu_linear *a, stream_form f) {
  const stream_share s = stream_share_of(a, f);
  stream_at now = stream_first(a, &s, f), next = now;
  UNROLL for (int i = 0; i < f.stages - 1; i++, stream_next(a, &s, f, &next)) stream_copy_w(a, &s, f, &next);
  lane_release();
  lane_wait();
  next = now;
  UNROLL for (int i = 0; i < f.stages - 1; i++, stream_next(a, &s, f, &next)) {
    stream_copy_x(a, &s, f, &next);
    lane_copy_commit();
  }
  stream_sums sums = {0};
  for (; now.step < s.end; stream_next(a, &s, f, &now), stream_next(a, &s, f, &next)) {
    lane_copy_wait(f.stages - 2);
    wide_publish();
    block_sync();
    stream_copy_w(a, &s, f, &next);
    stream_copy_x(a, &s, f, &next);
    lane_copy_commit();
    stream_multiply(&s, f, &now, &sums);
    if (now.group + 1 == s.each || now.step + 1 == s.end) stream_finish(a, &s, f, now.tile, &sums);
  }
  lane_copy_wait(0);
}
#endif

#define LINEAR_STREAM(name, run, format, tokens, blocks_each)                                             \
  KERNEL(nf_linear_##name##_s##tokens, nf_gpu_linear, 256, blocks_each) {                                 \
    (void)a;                                                                                              \
    WIDE_ONLY(run(a, (stream_form){format, NF_GPU_STREAM_GROUPS, tokens, NF_GPU_STREAM_STAGES(tokens)});) \
  }

// SPDX-License-Identifier: Apache-2.0
// causal_conv1d: a lane has 8 channels and walks a few tokens. Blocks in y are the sequences' heads, which
// know the state and write the last one, so that the slots of both may be the same; behind them all tokens in
// shares, of which those that no head has walked are left: their inputs are all in x. Tables are no kernel's:
// they are read early.
#include "kernels/gpu/abi/recurrent.h"
#include "kernels/gpu/rows/rows.h"

enum { TOGETHER = 4 }; // tokens whose loads are on their way at once

typedef struct window {
  eight tap[8], x[8]; // the newest last
} window;

// Those of 8 channels lie behind one another: packs, where they are as many as the kernel is for.
INLINE void taps_load(const nf_gpu_conv *a, int channel, int most, window *w) {
  const int64_t first = (int64_t)channel * a->taps;
  if (a->taps == most && !a->tap_f32) {
    UNROLL for (int p = 0; p < most; p++) {
      const eight e = unpacked(lane_load16((const uint16_t *)a->tap + first + 8 * p));
      UNROLL for (int k = 0; k < 8; k++) w->tap[(8 * p + k) % most].v[(8 * p + k) / most] = e.v[k];
    }
    return;
  }
  UNROLL for (int j = 0; j < most; j++) {
    const int tap = j - (most - a->taps);
    UNROLL for (int c = 0; c < 8; c++) w->tap[j].v[c] =
        tap >= 0 ? number_at(a->tap, first + c * a->taps + tap, a->tap_f32) : 0;
  }
}

INLINE void push(window *w, int most, eight x) {
  UNROLL for (int j = 0; j + 1 < most; j++) w->x[j] = w->x[j + 1];
  w->x[most - 1] = x;
}

INLINE u32x4 x_load(const nf_gpu_conv *a, int token, int channel) {
  return row_load(row_of(&a->x, token) + (int64_t)channel * 2);
}

INLINE void convolve(const nf_gpu_conv *a, const window *w, int most, int token, int channel) {
  eight y = {0};
  UNROLL for (int j = 0; j < most; j++) if (j >= most - a->taps) UNROLL for (int c = 0; c < 8; c++) y.v[c] =
      __builtin_fmaf(w->tap[j].v[c], w->x[j].v[c], y.v[c]);
  UNROLL for (int c = 0; c < 8; c++) y.v[c] *= lane_sigmoid(y.v[c]);
  row_store(row_of(&a->y, token) + (int64_t)channel * 2, packed(y));
}

INLINE char *slot_row(const nf_gpu_conv *a, int slot, int j, int channel) {
  return (char *)(a->pool + ((int64_t)slot * (a->taps - 1) + j) * a->channels + channel);
}

INLINE void keep(const nf_gpu_conv *a, const window *w, int most, int slot, int channel) {
  if (slot < 0) return;
  UNROLL for (int j = 1; j < most; j++) {
    const int row = j - 1 - (most - a->taps);
    if (row >= 0) lane_store16(slot_row(a, slot, row, channel), packed(w->x[j]));
  }
}

// Tokens [first, end), with what is before them in the window. Behind those before `kept` the state may have
// a slot.
INLINE void walk(const nf_gpu_conv *a, window *w, int most, int first, int end, int kept, int channel) {
  for (int t = first; t < end; t += TOGETHER) {
    u32x4 x[TOGETHER];
    UNROLL for (int i = 0; i < TOGETHER; i++) x[i] = t + i < end ? x_load(a, t + i, channel) : (u32x4){0};
    UNROLL for (int i = 0; i < TOGETHER; i++) if (t + i < end) {
      push(w, most, unpacked(x[i]));
      convolve(a, w, most, t + i, channel);
      if (t + i < kept) keep(a, w, most, a->of.out[t + i], channel);
    }
  }
}

// The window's inputs before `token`, of the step.
INLINE void before(const nf_gpu_conv *a, window *w, int most, int token, int channel) {
  UNROLL for (int j = 1; j < most; j++) if (j > most - a->taps) w->x[j] =
      unpacked(x_load(a, token - most + j, channel));
}

typedef struct sequence {
  int first, end, in, out; // tokens, slots
} sequence;

INLINE sequence sequence_at(const nf_gpu_sequences *of, int s) {
  const int first = of->start[s], end = of->start[s + 1];
  return (sequence){first, end, of->in[s], first < end ? of->out[end - 1] : -1};
}

// Its tokens before this one may have slots of their own.
INLINE int kept_of(int first, int end) { return end - first <= NF_GPU_STATES ? end - 1 : first; }

INLINE void head(const nf_gpu_conv *a, window *w, int most, const sequence *s, int channel) {
  const int first = s->first, end = s->end, in = s->in, out = s->out;
  if (first >= end) return;
  const int until = end - first > NF_GPU_CONV_TOKENS ? first + NF_GPU_CONV_TOKENS : end;
  UNROLL for (int j = 1; j < most; j++) {
    const int row = j - 1 - (most - a->taps);
    w->x[j] = row >= 0 && in >= 0 ? unpacked(lane_load16(slot_row(a, in, row, channel))) : (eight){0};
  }
  walk(a, w, most, first, until, kept_of(first, end), channel);
  if (out < 0) return;
  if (until < end) before(a, w, most, end, channel);
  keep(a, w, most, out, channel);
}

// The sequence of a token: the last that begins no later.
INLINE int sequence_of(const nf_gpu_sequences *of, int token) {
  int low = 0, high = of->n;
  while (high - low > 1) {
    const int mid = (low + high) / 2;
    if (of->start[mid] <= token)
      low = mid;
    else
      high = mid;
  }
  return low;
}

INLINE void share(const nf_gpu_conv *a, window *w, int most, int share, int channel) {
  int t = share * NF_GPU_CONV_TOKENS, s = sequence_of(&a->of, t);
  const int stop = t + NF_GPU_CONV_TOKENS < a->tokens ? t + NF_GPU_CONV_TOKENS : a->tokens;
  for (; t < stop && s < a->of.n; s++) {
    const int begin = a->of.start[s] + NF_GPU_CONV_TOKENS, end = a->of.start[s + 1];
    const int first = t > begin ? t : begin, last = stop < end ? stop : end;
    t = last > t ? last : t;
    if (first >= last) continue;
    before(a, w, most, first, channel);
    walk(a, w, most, first, last, kept_of(a->of.start[s], end), channel);
  }
}

INLINE void conv(const nf_gpu_conv *a, int most) {
  const int channel = (lane_block() * lane_threads() + lane_thread()) * 8, y = lane_block_y();
  window w = {0};
  lane_release();
  if (channel < a->channels) taps_load(a, channel, most, &w);
  sequence s = {0};
  if (y < a->of.n) s = sequence_at(&a->of, y);
  lane_wait();
  if (channel >= a->channels) return;
  if (y < a->of.n)
    head(a, &w, most, &s, channel);
  else
    share(a, &w, most, y - a->of.n, channel);
}

KERNEL(nf_conv_4, nf_gpu_conv, 64, 1) { conv(a, 4); }
KERNEL(nf_conv_8, nf_gpu_conv, 64, 1) { conv(a, 8); }

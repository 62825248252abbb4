// SPDX-License-Identifier: Apache-2.0
// causal_conv1d. A block is one sequence and a chunk of channels, whose last inputs stay in a ring; so the
// slots that the sequence begins and ends with may be the same.
#include "kernels/cpu/generic/row.h"

enum { CHANNELS = 256, MAX_TAPS = 8 };

typedef struct ring {
  float tap[MAX_TAPS][CHANNELS], x[MAX_TAPS][CHANNELS];
  int64_t taps, c0, n; // channels [c0, c0 + n)
} ring;

int64_t NF_BLOCKS(causal_conv1d_rows)(const nf_causal_conv1d_args *a) {
  return a->batch->sizes.of[NF_S] * nf_ceil_div(nf_tensor_cols(&a->x), CHANNELS);
}

// The taps side by side, and the inputs before the step in x[0] to x[taps - 2].
static void start(const nf_causal_conv1d_args *a, int64_t slot, ring *r) {
  memset(r->x, 0, sizeof r->x);
  memset(r->tap, 0, sizeof r->tap);
  for (int64_t c = 0; c < r->n; c++) {
    float row[MAX_TAPS];
    nf_widen(&a->taps, nf_tensor_row(&a->taps, r->c0 + c), 0, r->taps, row);
    for (int64_t j = 0; j < r->taps; j++) r->tap[j][c] = row[j];
  }
  for (int64_t j = 0; j + 1 < r->taps && slot >= 0; j++)
    nf_widen(&a->state, nf_tensor_row(&a->state, slot * (r->taps - 1) + j), r->c0, r->n, r->x[j]);
}

// y of the token whose input is the last of the ring, whose oldest is x[first].
static void convolve(const ring *r, int64_t first, float *y) {
  for (int64_t c = 0; c < r->n; c += 8) {
    v8 sum = v8_splat(0);
    for (int64_t j = 0, at = first; j < r->taps; j++, at = at + 1 < r->taps ? at + 1 : 0)
      sum = v8_fma(v8_load(r->tap[j] + c), v8_load(r->x[at] + c), sum);
    v8_store(y + c, sum * v8_sigmoid(sum));
  }
}

// The inputs behind the first n of the step's tokens.
static void keep(const nf_causal_conv1d_args *a, int64_t slot, int64_t n, const ring *r) {
  for (int64_t j = 0; j + 1 < r->taps && slot >= 0; j++)
    nf_round(&a->state, nf_tensor_row(&a->state, slot * (r->taps - 1) + j), r->c0, r->n,
             r->x[(n + j) % r->taps]);
}

void NF_KERNEL(causal_conv1d_rows)(const nf_causal_conv1d_args *a, int64_t block) {
  const int64_t channels = nf_tensor_cols(&a->x), chunks = nf_ceil_div(channels, CHANNELS),
                s = block / chunks;
  const int64_t first = a->batch->q_start[s], end = a->batch->q_start[s + 1];
  ring r = {.taps = a->state.dim[1] + 1, .c0 = block % chunks * CHANNELS};
  float y[CHANNELS];
  if (first == end) return;
  r.n = nf_min(CHANNELS, channels - r.c0);
  start(a, a->batch->state_in[s], &r);
  for (int64_t t = first; t < end; t++) {
    nf_widen(&a->x, nf_tensor_row(&a->x, t), r.c0, r.n, r.x[(t - first + r.taps - 1) % r.taps]);
    convolve(&r, (t - first) % r.taps, y);
    nf_round(&a->y, nf_tensor_row(&a->y, t), r.c0, r.n, y);
    keep(a, a->batch->state_out[t], t - first + 1, &r);
  }
}

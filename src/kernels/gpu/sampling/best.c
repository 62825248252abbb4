// SPDX-License-Identifier: Apache-2.0
// router_topk for k = 1 over a vocabulary: the token that greedy decoding takes, and its probability, which
// is NaN where a logit is none or infinite. Blocks look at chunks of a row, then a wave joins what they
// found.
#include "kernels/gpu/abi/sampling.h"
#include "kernels/gpu/lane/lane.h"

enum { THREADS = 256, EACH = NF_GPU_BEST_CHUNK / THREADS };

// The least of the lanes' places: places are below 2^24, so that float32 has them.
INLINE float first_place(float at, SHARED float *room) { return -block_max(-at, room); }

KERNEL(nf_best_of_chunks, nf_gpu_best, 256, 1) {
  SHARED float *room = block_shared();
  const int row = lane_block(), first = lane_block_y() * NF_GPU_BEST_CHUNK;
  const float *logits = (const float *)a->logits + row * a->stride;
  float x[EACH], most = -__builtin_inff(), at = 0x1p24f, sum = 0;
  lane_release();
  lane_wait();
  UNROLL for (int i = 0; i < EACH; i++) {
    const int k = first + i * THREADS + lane_thread();
    x[i] = k < a->width ? logits[k] : -__builtin_inff();
  }
  UNROLL for (int i = 0; i < EACH; i++) most = __builtin_fmaxf(most, x[i]);
  most = block_max(most, room);
  UNROLL for (int i = EACH - 1; i >= 0; i--) {
    const int k = first + i * THREADS + lane_thread();
    if (x[i] == most) at = (float)k;
    if (k < a->width) sum += lane_exp(x[i] - most);
  }
  at = first_place(at, room + THREADS / LANES);
  sum = block_sum(sum, room + 2 * (THREADS / LANES));
  if (lane_thread() == 0)
    a->part[(int64_t)row * a->chunks + lane_block_y()] = (nf_gpu_best_part){most, at, sum};
}

KERNEL(nf_best_of_row, nf_gpu_best, LANES, 1) {
  const int row = lane_block();
  const nf_gpu_best_part *part = a->part + (int64_t)row * a->chunks;
  float most = -__builtin_inff(), at = 0x1p24f, sum = 0;
  lane_release();
  lane_wait();
  for (int i = lane_id(); i < a->chunks; i += LANES) most = __builtin_fmaxf(most, part[i].most);
  most = lane_max(most);
  for (int i = lane_id(); i < a->chunks; i += LANES) {
    if (part[i].most == most) at = __builtin_fminf(at, part[i].at);
    if (part[i].most > -__builtin_inff() || part[i].sum != part[i].sum)
      sum += part[i].sum * lane_exp(part[i].most - most);
  }
  at = -lane_max(-at);
  sum = lane_sum(sum);
  if (lane_id() != 0) return;
  a->weights[(int64_t)row * a->weights_stride] = lane_rcp(sum);
  a->ids[(int64_t)row * a->ids_stride] = at < 0x1p24f ? (int32_t)at : 0;
}

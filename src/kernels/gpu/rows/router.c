// SPDX-License-Identifier: Apache-2.0
// router_topk: a wave has a token, a lane every LANES-th of its logits.
#include "kernels/gpu/rows/rows.h"

// The least place where a lane's value is the wave's largest; `experts` where there is none.
INLINE int place_of(const float *z, int each, float most, int experts) {
  int at = experts;
  UNROLL for (int i = each - 1; i >= 0; i--) if (z[i] == most && i * LANES + lane_id() < experts) at =
      i * LANES + lane_id();
  return (int)-lane_max(-(float)at);
}

INLINE void route(const nf_gpu_router *a, int each) {
  const int row = lane_block(), lane = lane_id();
  float z[32], most = -__builtin_inff(), mine = 0, sum = 0;
  int id = 0;
  lane_release();
  lane_wait();
  const char *logits = row_of(&a->logits, row);
  UNROLL for (int i = 0; i < each; i++) {
    const int e = i * LANES + lane;
    z[i] = e < a->experts ? number_at(logits, e, a->f32) : -__builtin_inff();
    most = __builtin_fmaxf(most, z[i]);
  }
  most = lane_max(most);
  if (a->over_all) {
    UNROLL for (int i = 0; i < each; i++) if (i * LANES + lane < a->experts) sum += lane_exp(z[i] - most);
  }
  const int32_t *forced = a->forced.data != NULL ? (const int32_t *)row_of(&a->forced, row) : NULL;
  if (forced != NULL && lane < a->k) id = forced[lane], mine = number_at(logits, id, a->f32);
  for (int j = 0; forced == NULL && j < a->k; j++) {
    float best = -__builtin_inff();
    UNROLL for (int i = 0; i < each; i++) best = __builtin_fmaxf(best, z[i]);
    best = lane_max(best);
    int at = place_of(z, each, best, a->experts);
    at = at < a->experts ? at : 0; // of logits that are no numbers
    UNROLL for (int i = 0; i < each; i++) if (i * LANES + lane == at) z[i] = __builtin_nanf("");
    if (lane == j) id = at, mine = best;
  }
  if (!a->over_all) most = lane_max(lane < a->k ? mine : -__builtin_inff());
  const float weight = lane < a->k ? lane_exp(mine - most) : 0;
  sum = lane_sum(a->over_all ? sum : weight);
  if (lane >= a->k) return;
  ((float *)row_of(&a->weights, row))[lane] = weight / sum;
  ((int32_t *)row_of(&a->ids, row))[lane] = id;
}

KERNEL(nf_router_4, nf_gpu_router, LANES, 1) { route(a, 128 / LANES); }
KERNEL(nf_router_16, nf_gpu_router, LANES, 1) { route(a, 512 / LANES); }
KERNEL(nf_router_32, nf_gpu_router, LANES, 1) { route(a, 1024 / LANES); }

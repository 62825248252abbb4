// SPDX-License-Identifier: Apache-2.0
// router_topk: a block has a token, its waves 128 or 256 experts each, of which a lane has a few neighbours.
// In each of k rounds a wave finds the best of those that are left; what several waves have found a lane each
// ranks among all.
#include "kernels/gpu/rows/rows.h"

// Numbers in the order of floats, -0 as 0; 0 for what is none.
INLINE uint32_t key_of(float z) {
  const uint32_t u = lane_as_u32(z + 0.0f);
  return z != z ? 0 : u >> 31 ? ~u : u | 0x80000000u;
}
INLINE float logit_of(uint32_t key) {
  return key == 0 ? -__builtin_inff() : lane_as_f32(key >> 31 ? key & 0x7fffffffu : ~key);
}

typedef struct found {
  SHARED u32x2 *of_wave; // [waves][rounds] keys and experts, best first
  SHARED u32x2 *best;    // [k] of all
  SHARED float *sums;    // [waves]
  int rounds;
} found;

// The wave's best, each taken out when it is found. Of equal ones the first lane's is first.
INLINE void find(const found *f, uint32_t *key, int each, int first) {
  const uint64_t before = (1ull << lane_id()) - 1;
  for (int j = 0; j < f->rounds; j++) {
    uint32_t most = key[0];
    int at = 0;
    UNROLL for (int i = 1; i < each; i++) if (key[i] > most) most = key[i], at = i;
    const bool best = most == lane_max_u32(most), is = (lane_ballot(best) & before) == 0 && best;
    if (is)
      shared_put(f->of_wave + lane_wave() * f->rounds + j, (u32x2){most, most ? (uint32_t)(first + at) : 0});
    UNROLL for (int i = 0; i < each; i++) if (is && i == at) key[i] = 0;
  }
}

// Waves have their experts one behind the other, so that of equal ones the first in the list is first.
INLINE void rank(const found *f, int waves, int k) {
  const int t = lane_thread(), n = waves * f->rounds;
  if (t >= n) return;
  const u32x2 mine = shared_get(f->of_wave + t);
  int before = 0;
#pragma GCC unroll 8
  for (int j = 0; j < n; j++) {
    const uint32_t other = shared_get(f->of_wave + j)[0];
    before += other > mine[0] || (other == mine[0] && j < t);
  }
  if (before < k) shared_put(f->best + before, mine);
}

INLINE float most_of(const found *f, int waves) {
  uint32_t most = 0;
  for (int w = 0; w < waves; w++) {
    const uint32_t key = shared_get(f->of_wave + w * f->rounds)[0];
    most = key > most ? key : most;
  }
  return logit_of(most);
}

INLINE void put_choices(const nf_gpu_router *a, const found *f, const char *logits, const int32_t *forced,
                        float most, int waves) {
  const int lane = lane_id(), row = lane_block();
  const bool mine = lane < a->k;
  const u32x2 best = mine && forced == NULL ? shared_get(f->best + lane) : (u32x2){0, 0};
  const int id = mine && forced != NULL ? forced[lane] : (int)best[1];
  const float z = !mine            ? -__builtin_inff()
                  : forced != NULL ? number_at(logits, id, a->f32)
                                   : logit_of(best[0]);
  if (!a->over_all) most = lane_max(z);
  const float weight = mine ? lane_exp(z - most) : 0;
  float sum = lane_sum(weight);
  if (a->over_all) {
    sum = 0;
    for (int w = 0; w < waves; w++) sum += shared_get(f->sums + w);
  }
  if (!mine) return;
  ((float *)row_of(&a->weights, row))[lane] = weight / sum;
  ((int32_t *)row_of(&a->ids, row))[lane] = id;
}

INLINE void route(const nf_gpu_router *a, int waves, int each) {
  const int row = lane_block(), first = lane_thread() * each;
  const bool forces = a->forced.data != NULL;
  found f = {.of_wave = block_shared(), .rounds = forces ? 1 : a->k};
  f.best = waves == 1 ? f.of_wave : f.of_wave + waves * f.rounds;
  f.sums = (SHARED float *)(f.best + a->k);
  float z[8], most = 0;
  uint32_t key[8];
  lane_release();
  lane_wait();
  const char *logits = row_of(&a->logits, row);
  UNROLL for (int i = 0; i < each; i++) z[i] =
      first + i < a->experts ? number_at(logits, first + i, a->f32) : __builtin_nanf("");
  UNROLL for (int i = 0; i < each; i++) key[i] = key_of(z[i]);
  find(&f, key, each, first);
  block_sync();
  if (a->over_all) {
    float sum = 0;
    most = most_of(&f, waves);
    UNROLL for (int i = 0; i < each; i++) if (first + i < a->experts) sum += lane_exp(z[i] - most);
    sum = lane_sum(sum);
    if (lane_id() == 0) shared_put(f.sums + lane_wave(), sum);
  }
  if (waves > 1) rank(&f, waves, a->k);
  if (waves > 1 || a->over_all) block_sync();
  if (lane_wave() == 0)
    put_choices(a, &f, logits, forces ? (const int32_t *)row_of(&a->forced, row) : NULL, most, waves);
}

enum { EACH = 128 / LANES };
KERNEL(nf_router_128, nf_gpu_router, LANES, 1) { route(a, 1, EACH); }
KERNEL(nf_router_512, nf_gpu_router, 256, 1) { route(a, 4, EACH); }
KERNEL(nf_router_1024, nf_gpu_router, 256, 1) { route(a, 4, 2 * EACH); }

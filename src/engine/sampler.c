// SPDX-License-Identifier: Apache-2.0
#include "engine/sampler.h"
#include <math.h>

float nf_uniform(uint64_t seed, uint64_t position) {
  uint32_t c[4] = {(uint32_t)position, (uint32_t)(position >> 32), 0, 0};
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = (uint64_t)0xD2511F53 * c[0], b = (uint64_t)0xCD9E8D57 * c[2];
    const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k1,
                              (uint32_t)a};
    for (int i = 0; i < 4; i++) c[i] = next[i];
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return (float)(c[0] >> 8) * 0x1p-24f;
}

static int32_t greedy(const float *logits, int32_t n) {
  int32_t best = 0;
  for (int32_t i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

static bool before(const nf_choice *a, const nf_choice *b) {
  return a->p != b->p ? a->p > b->p : a->token < b->token;
}

// Keeps the k best in front (a heap of the k best so far, worst on top). k <= n.
static void sift(nf_choice *heap, int32_t k, int32_t at) {
  for (int32_t child; (child = 2 * at + 1) < k; at = child) {
    if (child + 1 < k && before(&heap[child], &heap[child + 1])) child++;
    if (!before(&heap[at], &heap[child])) return;
    const nf_choice t = heap[at];
    heap[at] = heap[child];
    heap[child] = t;
  }
}

static void keep_best(nf_choice *c, int32_t n, int32_t k) {
  for (int32_t i = k / 2 - 1; i >= 0; i--) sift(c, k, i);
  for (int32_t i = k; i < n; i++)
    if (before(&c[i], &c[0])) c[0] = c[i], sift(c, k, 0);
}

// Best first, in place: libc's qsort allocates.
static void sort_best_first(nf_choice *c, int32_t n) {
  for (int32_t i = n / 2 - 1; i >= 0; i--) sift(c, n, i);
  for (int32_t last = n - 1; last > 0; last--) {
    const nf_choice worst = c[0];
    c[0] = c[last];
    c[last] = worst;
    sift(c, last, 0);
  }
}

// Logits to probabilities, in place.
static void softmax(nf_choice *c, int32_t n, float temperature) {
  float max = c[0].p;
  for (int32_t i = 1; i < n; i++) max = c[i].p > max ? c[i].p : max;
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += c[i].p = expf((c[i].p - max) / temperature);
  for (int32_t i = 0; i < n; i++) c[i].p = (float)(c[i].p / sum);
}

// The fewest of c (sorted) whose probabilities reach p.
static int32_t nucleus(const nf_choice *c, int32_t n, float p) {
  double sum = 0;
  for (int32_t i = 0; i < n; i++)
    if ((sum += c[i].p) >= p) return i + 1;
  return n;
}

int32_t nf_sample(const nf_sampling *s, const float *logits, int32_t n, uint64_t position, nf_choice *c) {
  if (s->temperature == 0) return greedy(logits, n);
  for (int32_t i = 0; i < n; i++) c[i] = (nf_choice){logits[i], i};
  if (s->top_k > 0 && s->top_k < n) {
    keep_best(c, n, s->top_k);
    n = s->top_k;
  }
  softmax(c, n, s->temperature);
  // The draw walks from the most probable down, so the order must not depend on how the k best were found.
  sort_best_first(c, n);
  if (s->top_p < 1) n = nucleus(c, n, s->top_p);
  while (s->min_p > 0 && n > 1 && c[n - 1].p < s->min_p * c[0].p) n--;
  double all = 0, sum = 0;
  for (int32_t i = 0; i < n; i++) all += c[i].p;
  const double at = nf_uniform(s->seed, position) * all;
  for (int32_t i = 0; i < n; i++)
    if ((sum += c[i].p) > at) return c[i].token;
  return c[n - 1].token;
}

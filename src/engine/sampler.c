// SPDX-License-Identifier: Apache-2.0
// Nothing is sorted: filters find the place where they cut, and tokens are drawn in the order of their ids.
// Loops over the vocabulary run over blocks of a constant size without branches, so that compilers vectorise
// them.
#include "engine/sampler.h"
#include "base/exp.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 64 };

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

static int32_t whole_blocks(int32_t n) { return (n + BLOCK - 1) / BLOCK * BLOCK; }

typedef struct rows { // of scratch
  float *logit, *weight;
  int32_t *id;
} rows;

size_t nf_sampler_scratch(int32_t n) { return 3 * (size_t)whole_blocks(n); }

// ---- numbers ----

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// In the order of the numbers; both zeros are one.
static uint32_t key_of(float x) {
  const uint32_t bits = bits_of(x + 0.0f);
  return bits ^ (bits >> 31 != 0 ? UINT32_MAX : 0x80000000u);
}

float nf_row_max(const float *x, int32_t n) {
  enum { LANES = 16 };
  float max[LANES];
  uint32_t nan[LANES] = {0}, any_nan = 0;
  int32_t i = 0;
  for (int l = 0; l < LANES; l++) max[l] = -INFINITY;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      max[l] = x[i + l] > max[l] ? x[i + l] : max[l];
      nan[l] |= (bits_of(x[i + l]) & INT32_MAX) > 0x7f800000;
    }
  for (; i < n; i++) {
    max[0] = x[i] > max[0] ? x[i] : max[0];
    any_nan |= isnan(x[i]);
  }
  for (int l = 0; l < LANES; l++) {
    max[0] = max[l] > max[0] ? max[l] : max[0];
    any_nan |= nan[l];
  }
  return any_nan ? NAN : max[0];
}

// ---- weights: probabilities without their common divisor, the best one's being 1 ----

static void weigh_block(const float *restrict logit, float max, float temperature, float *restrict weight) {
  for (int i = 0; i < BLOCK; i++) weight[i] = nf_exp_down((logit[i] - max) / temperature);
}

// Those behind the n weights, up to the end of their block, are 0.
static void weigh(const float *logit, int32_t n, float temperature, float *weight) {
  const float max = nf_row_max(logit, n);
  int32_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) weigh_block(logit + i, max, temperature, weight + i);
  if (i == n) return;
  float tail[BLOCK];
  for (int l = 0; l < BLOCK; l++) tail[l] = i + l < n ? logit[i + l] : -INFINITY;
  weigh_block(tail, max, temperature, weight + i);
}

static double sum_block(const float *weight) {
  double lane[4] = {0};
  for (int i = 0; i < BLOCK; i += 4)
    for (int l = 0; l < 4; l++) lane[l] += (double)weight[i + l];
  return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

static double sum(const float *weight, int32_t n) {
  double all = 0;
  for (int32_t i = 0; i < n; i += BLOCK) all += sum_block(weight + i);
  return all;
}

// ---- filters ----

typedef struct candidates { // in the order of their ids
  const float *logit;
  const int32_t *id; // NULL: those of the row
  int32_t n;
} candidates;

// Where a filter cuts the tokens, best first: all above `key` stay, and of those at it the first ones until
// they weigh `left`.
typedef struct cut {
  uint32_t key;
  double left;
} cut;

static double weight_at(const float *weight, int32_t i) { return weight != NULL ? (double)weight[i] : 1; }

// The fewest candidates, best first, that weigh `target` together; weight NULL: each weighs 1. The key is
// found from its high bits down, by histograms of the weights.
static cut find_cut(const candidates *c, const float *weight, double target) {
  static const struct { int shift, bits; } parts[] = {{21, 11}, {10, 11}, {0, 10}};
  uint32_t prefix = 0;
  for (int part = 0; part < 3; part++) {
    const int shift = parts[part].shift, bits = parts[part].bits;
    double bin[1 << 11] = {0};
    for (int32_t i = 0; i < c->n; i++) {
      const uint32_t key = key_of(c->logit[i]) >> shift;
      if (part == 0 || key >> bits == prefix) bin[key & ((1u << bits) - 1)] += weight_at(weight, i);
    }
    uint32_t b = (1u << bits) - 1;
    while (b > 0 && bin[b] < target) target -= bin[b--];
    prefix = prefix << bits | b;
  }
  return (cut){prefix, target};
}

static void keep(candidates *c, const float *weight, cut at, rows *s) {
  int32_t kept = 0;
  for (int32_t i = 0; i < c->n; i++) {
    const uint32_t key = key_of(c->logit[i]);
    if (key < at.key || (key == at.key && at.left <= 0)) continue;
    if (key == at.key) at.left -= weight_at(weight, i);
    s->id[kept] = c->id != NULL ? c->id[i] : i;
    s->logit[kept++] = c->logit[i];
  }
  *c = (candidates){s->logit, s->id, kept};
}

// The k best of all are no lower than the k best of what is best in each block.
static void keep_likely_best(candidates *c, int32_t k, rows *s) {
  const int32_t blocks = c->n / BLOCK;
  if (k > blocks) return;
  for (int32_t b = 0; b < blocks; b++) s->weight[b] = nf_row_max(c->logit + b * BLOCK, BLOCK);
  const cut at = find_cut(&(candidates){.logit = s->weight, .n = blocks}, NULL, k);
  keep(c, NULL, (cut){at.key, INFINITY}, s);
}

static void keep_best(candidates *c, int32_t k, rows *s) {
  if (k == 0 || k >= c->n) return;
  keep_likely_best(c, k, s);
  keep(c, NULL, find_cut(c, NULL, k), s);
}

// The weights of what stays are those of what was there: the best one stays.
static void keep_nucleus(candidates *c, float p, float temperature, rows *s) {
  if (p <= 0 || p >= 1) return;
  keep(c, s->weight, find_cut(c, s->weight, (double)p * sum(s->weight, c->n)), s);
  weigh(c->logit, c->n, temperature, s->weight);
}

static void drop_below(float min_p, int32_t n, float *weight) {
  for (int32_t i = 0; min_p > 0 && i < n; i++)
    if (weight[i] < min_p) weight[i] = 0;
}

// ---- drawing ----

static int32_t best(const float *logits, int32_t n) {
  const float max = nf_row_max(logits, n);
  for (int32_t i = 0; i < n; i++)
    if (logits[i] == max) return i;
  return 0;
}

// The first at which the running sum of weights exceeds u of all, u in [0, 1).
static int32_t pick(const float *weight, int32_t n, double u) {
  const double at = u * sum(weight, n);
  double below = 0, block;
  int32_t i = 0, last = 0;
  while (below + (block = sum_block(weight + i)) <= at && i + BLOCK < n) below += block, i += BLOCK;
  for (const int32_t end = i + BLOCK; i < end; i++) {
    if (weight[i] == 0) continue;
    last = i;
    if ((below += (double)weight[i]) > at) break;
  }
  return last;
}

int32_t nf_sample(const infuse_sampling *s, const float *logits, int32_t n, uint64_t position,
                  float *scratch) {
  if (s->temperature == 0) return best(logits, n);
  const int32_t room = whole_blocks(n);
  rows r = {scratch, scratch + room, (int32_t *)(scratch + 2 * room)};
  candidates c = {.logit = logits, .n = n};
  keep_best(&c, s->top_k, &r);
  weigh(c.logit, c.n, s->temperature, r.weight);
  keep_nucleus(&c, s->top_p, s->temperature, &r);
  drop_below(s->min_p, c.n, r.weight);
  const int32_t at = pick(r.weight, c.n, (double)nf_uniform(s->seed, position));
  return c.id != NULL ? c.id[at] : at;
}

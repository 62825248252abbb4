// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule, one token after the other. A wave has a slice of the columns of a head's state in
// registers, packs of 4 of them by groups of KEYS lanes, of which each has packs of 8 rows; as one lane has
// the same rows of the key and the query, what is summed over them is summed over the group. Nothing waits
// for other waves.
//
// What the delta and the result need of the state is read before the token's decay and update:
// delta = beta (v - e^g S^T k) and o = e^g S^T q + (q.k) delta.
#include "kernels/gpu/abi/recurrent.h"
#include "kernels/gpu/rows/rows.h"

enum { KEYS = 16, COLUMNS = LANES / KEYS * 4 };

typedef struct slice {
  int s, h, first, end, column; // the lane's first of 4 columns
  int64_t q, k, v;              // columns in qkv
  float rate, bias;             // -e^a_log, dt_bias
} slice;

// As it was loaded, so that nothing waits for the next token before this one is done.
typedef struct token {
  u32x4 q[2], k[2];
  uint16_t v[4];
  uint32_t a, b;
} token;

INLINE uint32_t raw(const void *p, int64_t i, bool f32) {
  return f32 ? ((const uint32_t *)p)[i] : ((const uint16_t *)p)[i];
}
INLINE float number(uint32_t raw, bool f32) { return lane_as_f32(f32 ? raw : raw << 16); }

// The columns of the state are the fastest, then heads, then sequences.
INLINE slice slice_of(const nf_gpu_delta *a, int wave) {
  const int slices = a->value / COLUMNS, h = wave / slices % a->heads, g = h / (a->heads / a->key_heads);
  const int64_t keys = (int64_t)a->key_heads * a->key;
  slice c = {.s = wave / slices / a->heads, .h = h};
  c.column = wave % slices * COLUMNS + lane_id() / KEYS * 4;
  c.q = (int64_t)g * a->key;
  c.k = c.q + keys;
  c.v = 2 * keys + (int64_t)h * a->value + c.column;
  c.rate = -lane_exp(number_at(a->a_log, h, a->a_log_f32));
  c.bias = number_at(a->dt_bias, h, a->dt_bias_f32);
  return c;
}

// The first row of the lane's pack p.
INLINE int row_at(int p) { return (lane_id() % KEYS + p * KEYS) * 8; }

INLINE token token_load(const nf_gpu_delta *a, const slice *c, int packs, int t) {
  token x = {0};
  if (t >= c->end) return x;
  const uint16_t *row = (const uint16_t *)row_of(&a->qkv, t);
  UNROLL for (int p = 0; p < packs; p++) if (row_at(p) < a->key) {
    x.q[p] = row_load((const char *)(row + c->q + row_at(p)));
    x.k[p] = row_load((const char *)(row + c->k + row_at(p)));
  }
  UNROLL for (int j = 0; j < 4; j++) x.v[j] = row[c->v + j];
  x.a = raw(row_of(&a->a, t), c->h, a->a_f32);
  x.b = raw(row_of(&a->b, t), c->h, a->b_f32);
  return x;
}

// log(1 + e^x)
INLINE float softplus(float x) {
  const float e = lane_exp(-__builtin_fabsf(x));
  const float log = e < 0x1p-6f ? e * (1 - e * (0.5f - e * 0.333333333f)) : lane_log2(1 + e) * 0.69314718f;
  return __builtin_fmaxf(x, 0) + log;
}

INLINE void step(const nf_gpu_delta *a, const slice *c, int packs, int t, const token *x, f32x4 *S) {
  float sk[4] = {0}, sq[4] = {0}, kk = 0, qq = 0, qk = 0;
  eight k[2] = {0};
  UNROLL for (int p = 0; p < packs; p++) {
    const eight q = unpacked(x->q[p]);
    k[p] = unpacked(x->k[p]);
    UNROLL for (int i = 0; i < 8; i++) {
      const f32x4 row = S[8 * p + i];
      UNROLL for (int j = 0; j < 4; j++) sk[j] = __builtin_fmaf(row[j], k[p].v[i], sk[j]);
      UNROLL for (int j = 0; j < 4; j++) sq[j] = __builtin_fmaf(row[j], q.v[i], sq[j]);
      kk = __builtin_fmaf(k[p].v[i], k[p].v[i], kk);
      qq = __builtin_fmaf(q.v[i], q.v[i], qq);
      qk = __builtin_fmaf(q.v[i], k[p].v[i], qk);
    }
  }
  const float by_k = lane_rsqrt(lane_sum_of(kk, KEYS) + 1e-6f);
  const float by_q = lane_rsqrt((lane_sum_of(qq, KEYS) + 1e-6f) * (float)a->key);
  const float both = lane_sum_of(qk, KEYS) * by_k * by_q;
  const float rate = c->rate * softplus(number(x->a, a->a_f32) + c->bias);
  const float decay = lane_exp(rate), beta = lane_sigmoid(number(x->b, a->b_f32));
  float delta[4], o[4];
  UNROLL for (int j = 0; j < 4; j++) {
    delta[j] = beta * (bf16_to_f32(x->v[j]) - decay * by_k * lane_sum_of(sk[j], KEYS));
    o[j] = __builtin_fmaf(both, delta[j], decay * by_q * lane_sum_of(sq[j], KEYS));
    delta[j] *= by_k;
  }
  UNROLL for (int i = 0; i < 8 * packs; i++) UNROLL for (int j = 0; j < 4; j++) S[i][j] =
      __builtin_fmaf(k[i / 8].v[i % 8], delta[j], decay * S[i][j]);
  if (lane_id() % KEYS == 0)
    *(u32x2 *)(row_of(&a->o, (int64_t)t * a->heads + c->h) + (int64_t)c->column * 2) =
        (u32x2){f32x2_to_bf16x2(o[0], o[1]), f32x2_to_bf16x2(o[2], o[3])};
}

INLINE float *state_row(const nf_gpu_delta *a, const slice *c, int slot, int row) {
  return a->pool + (((int64_t)slot * a->heads + c->h) * a->key + row) * a->value + c->column;
}

INLINE void delta(const nf_gpu_delta *a, int packs) {
  slice c = slice_of(a, lane_block() * lane_waves() + lane_wave());
  f32x4 S[16];
  lane_release();
  lane_wait();
  if (c.s >= a->of.n) return;
  const int in = a->of.in[c.s], out = a->of.out[c.s];
  c.first = a->of.start[c.s], c.end = a->of.start[c.s + 1];
  if (c.first >= c.end) return;
  token next = token_load(a, &c, packs, c.first);
  UNROLL for (int i = 0; i < 8 * packs; i++) {
    const int row = row_at(i / 8) + i % 8;
    S[i] = in >= 0 && row < a->key ? (f32x4)lane_load16(state_row(a, &c, in, row)) : (f32x4){0};
  }
  for (int t = c.first; t < c.end; t++) {
    const token x = next;
    next = token_load(a, &c, packs, t + 1);
    step(a, &c, packs, t, &x, S);
  }
  UNROLL for (int i = 0; i < 8 * packs; i++) {
    const int row = row_at(i / 8) + i % 8;
    if (out >= 0 && row < a->key) lane_store16(state_row(a, &c, out, row), (u32x4)S[i]);
  }
}

KERNEL(nf_delta_8, nf_gpu_delta, 128, 1) { delta(a, 1); }
KERNEL(nf_delta_16, nf_gpu_delta, 128, 1) { delta(a, 2); }

// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule. Sequences of more than `few` tokens are chunks.h's, all others go one token after the
// other. A block has 32 columns of a head's state in registers: groups of 8 lanes each have packs of 8 rows
// of them, a lane 4 columns. What the delta and the result need of the state is read before the token's decay
// and update, and summed over the groups once a token: delta = beta (v - e^g S^T k) and o = e^g S^T q + (q.k)
// delta.
#include "kernels/gpu/recurrent/gates.h"
#if LANES == 32
#include "kernels/gpu/recurrent/chunks.h"
#endif

enum { ACROSS = 8, THREADS = 128, GROUPS = THREADS / ACROSS, PACKS = 16, WAVES = THREADS / LANES };

typedef struct slice {
  int s, h, first, end;
  bool keeps;       // states behind other tokens than the last are wanted too, perhaps
  int column;       // the lane's first of 4
  bool there;       // there are such columns
  int64_t q, k, v;  // columns in qkv
  float rate, bias; // -e^a_log, dt_bias
} slice;

// As it was loaded, so that nothing waits for the next token before this one is done.
typedef struct token {
  u32x4 q[2], k[2];         // of the lane's rows
  u32x4 all_q[2], all_k[2]; // 16 lanes have all
  u32x2 v;
  uint32_t a, b;
} token;

// The columns of the state are the fastest, then heads, then sequences.
INLINE slice slice_of(const nf_gpu_delta *a) {
  const int parts = (a->value + ACROSS * 4 - 1) / (ACROSS * 4), at = lane_block();
  const int h = at / parts % a->heads, g = h / (a->heads / a->key_heads), s = at / parts / a->heads;
  const int64_t keys = (int64_t)a->key_heads * a->key;
  slice c = {.s = s, .h = h, .first = a->of.start[s], .end = a->of.start[s + 1]};
  c.keeps = c.end - c.first <= NF_GPU_STATES;
  c.column = at % parts * ACROSS * 4 + lane_thread() % ACROSS * 4;
  c.there = c.column < a->value;
  c.q = (int64_t)g * a->key;
  c.k = c.q + keys;
  c.v = 2 * keys + (int64_t)h * a->value + (c.there ? c.column : 0);
  c.rate = rate_of(a, h);
  c.bias = number_at(a->dt_bias, h, a->dt_bias_f32);
  return c;
}

// The first row of the lane's pack p.
INLINE int row_at(int p) { return (lane_thread() / ACROSS + p * GROUPS) * 8; }

INLINE u32x4 pack_load(const uint16_t *p, bool aligned) {
  return aligned ? lane_load16(p) : row_load((const char *)p);
}

INLINE token token_load(const nf_gpu_delta *a, const slice *c, int packs, bool aligned, int t) {
  token x = {0};
  if (t >= c->end) return x;
  const uint16_t *row = (const uint16_t *)row_of(&a->qkv, t);
  UNROLL for (int p = 0; p < packs; p++) {
    const int mine = row_at(p), of_all = (lane_id() % PACKS + p * PACKS) * 8;
    if (mine < a->key) {
      x.q[p] = pack_load(row + c->q + mine, aligned);
      x.k[p] = pack_load(row + c->k + mine, aligned);
    }
    if (of_all < a->key) {
      x.all_q[p] = pack_load(row + c->q + of_all, aligned);
      x.all_k[p] = pack_load(row + c->k + of_all, aligned);
    }
  }
  if (aligned)
    x.v = *(const u32x2 *)(row + c->v);
  else
    x.v = (u32x2){row[c->v] | (uint32_t)row[c->v + 1] << 16, row[c->v + 2] | (uint32_t)row[c->v + 3] << 16};
  x.a = raw(row_of(&a->a, t), c->h, a->a_f32);
  x.b = raw(row_of(&a->b, t), c->h, a->b_f32);
  return x;
}

// What of a token has nothing to do with the state.
typedef struct factors {
  float by_k, by_q, both; // what k and q are divided by, and their product then
  float decay, beta;
} factors;

INLINE factors factors_of(const nf_gpu_delta *a, const slice *c, int packs, const token *x) {
  float kk = 0, qq = 0, qk = 0;
  UNROLL for (int p = 0; p < packs; p++) {
    const eight q = unpacked(x->all_q[p]), k = unpacked(x->all_k[p]);
    UNROLL for (int i = 0; i < 8; i++) {
      kk = __builtin_fmaf(k.v[i], k.v[i], kk);
      qq = __builtin_fmaf(q.v[i], q.v[i], qq);
      qk = __builtin_fmaf(q.v[i], k.v[i], qk);
    }
  }
  const float rate = c->rate * softplus(number(x->a, a->a_f32) + c->bias);
  factors f = {.decay = lane_exp(rate), .beta = lane_sigmoid(number(x->b, a->b_f32))};
  f.by_k = lane_rsqrt(lane_sum_of(kk, PACKS) + 1e-6f);
  f.by_q = lane_rsqrt((lane_sum_of(qq, PACKS) + 1e-6f) * (float)a->key);
  f.both = lane_sum_of(qk, PACKS) * f.by_k * f.by_q;
  return f;
}

INLINE f32x4 group_sum(f32x4 v) { // over the wave's groups
  UNROLL for (int mask = ACROSS; mask < LANES; mask *= 2) UNROLL for (int j = 0; j < 4; j++) v[j] +=
      lane_shuffle_xor_f32(v[j], mask);
  return v;
}

// Rooms of two tokens, so that one barrier a token does.
INLINE SHARED f32x4 *room_of(int t, int wave) {
  return (SHARED f32x4 *)block_shared() + ((t % 2 * WAVES + wave) * ACROSS + lane_thread() % ACROSS) * 2;
}

INLINE void step(const nf_gpu_delta *a, const slice *c, int packs, int t, const token *x, f32x4 *S) {
  f32x4 sk = {0}, sq = {0};
  eight k[2] = {0};
  UNROLL for (int p = 0; p < packs; p++) {
    const eight q = unpacked(x->q[p]);
    k[p] = unpacked(x->k[p]);
    UNROLL for (int i = 0; i < 8; i++) UNROLL for (int j = 0; j < 4; j++) {
      sk[j] = __builtin_fmaf(S[8 * p + i][j], k[p].v[i], sk[j]);
      sq[j] = __builtin_fmaf(S[8 * p + i][j], q.v[i], sq[j]);
    }
  }
  sk = group_sum(sk), sq = group_sum(sq);
  if (lane_id() < ACROSS) {
    shared_put(room_of(t, lane_wave()), sk);
    shared_put(room_of(t, lane_wave()) + 1, sq);
  }
  const factors f = factors_of(a, c, packs, x);
  block_sync();
  sk = shared_get(room_of(t, 0)), sq = shared_get(room_of(t, 0) + 1);
  UNROLL for (int w = 1; w < WAVES; w++) sk += shared_get(room_of(t, w)), sq += shared_get(room_of(t, w) + 1);
  f32x4 delta, o;
  UNROLL for (int j = 0; j < 4; j++) {
    const float v = j % 2 ? bf16x2_hi(x->v[j / 2]) : bf16x2_lo(x->v[j / 2]);
    delta[j] = f.beta * (v - f.decay * f.by_k * sk[j]);
    o[j] = __builtin_fmaf(f.both, delta[j], f.decay * f.by_q * sq[j]);
    delta[j] *= f.by_k;
  }
  UNROLL for (int i = 0; i < 8 * packs; i++) UNROLL for (int j = 0; j < 4; j++) S[i][j] =
      __builtin_fmaf(k[i / 8].v[i % 8], delta[j], f.decay * S[i][j]);
  if (lane_thread() < ACROSS && c->there)
    *(u32x2 *)(row_of(&a->o, (int64_t)t * a->heads + c->h) + (int64_t)c->column * 2) =
        (u32x2){f32x2_to_bf16x2(o[0], o[1]), f32x2_to_bf16x2(o[2], o[3])};
}

INLINE float *state_row(const nf_gpu_delta *a, const slice *c, int slot, int row) {
  return a->pool + (((int64_t)slot * a->heads + c->h) * a->key + row) * a->value + c->column;
}

INLINE void slice_store(const nf_gpu_delta *a, const slice *c, int packs, int slot, const f32x4 *S) {
  UNROLL for (int p = 0; p < packs; p++) if (slot >= 0 && c->there && row_at(p) < a->key)
      UNROLL for (int i = 0; i < 8; i++)
          lane_store16(state_row(a, c, slot, row_at(p) + i), (u32x4)S[8 * p + i]);
}

INLINE void walk(const nf_gpu_delta *a, const slice *c, int packs, bool aligned, int in, f32x4 *S) {
  token next = token_load(a, c, packs, aligned, c->first);
  UNROLL for (int p = 0; p < packs; p++) if (in >= 0 && c->there && row_at(p) < a->key)
      UNROLL for (int i = 0; i < 8; i++) S[8 * p + i] =
          (f32x4)lane_load16(state_row(a, c, in, row_at(p) + i));
  for (int t = c->first; t < c->end; t++) {
    const token x = next;
    next = token_load(a, c, packs, aligned, t + 1);
    step(a, c, packs, t, &x, S);
    if (c->keeps && t + 1 < c->end) slice_store(a, c, packs, a->of.out[t], S);
  }
}

INLINE void delta(const nf_gpu_delta *a, int packs) {
  f32x4 S[16];
  lane_release();
  const slice c = slice_of(a); // tables are no kernel's
  const int in = a->of.in[c.s], out = c.first < c.end ? a->of.out[c.end - 1] : -1;
  UNROLL for (int i = 0; i < 8 * packs; i++) S[i] = (f32x4){0};
  lane_wait();
  if (c.first >= c.end || c.end - c.first > a->few) return;
  if (((uintptr_t)a->qkv.data | (uint64_t)a->qkv.outer | (uint64_t)a->qkv.stride) % 16 == 0)
    walk(a, &c, packs, true, in, S);
  else
    walk(a, &c, packs, false, in, S);
  slice_store(a, &c, packs, out, S);
}

KERNEL(nf_delta_8, nf_gpu_delta, 128, 1) { delta(a, 1); }
KERNEL(nf_delta_16, nf_gpu_delta, 128, 1) { delta(a, 2); }
#if LANES == 32
KERNEL(nf_delta_prepare, nf_gpu_delta, 128, 2) { chunk_prepare(a); }
KERNEL(nf_delta_chunks, nf_gpu_delta, 128, 1) { chunks_walk(a); }
#endif

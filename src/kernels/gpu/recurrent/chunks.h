// SPDX-License-Identifier: Apache-2.0
// gated_delta_rule of longer sequences in chunks of 64 tokens (NVIDIA's alone), cut from the sequence's first
// token of the step on (arXiv 2412.06464, section 3.3), by matrix units. With S the state before the chunk, q
// and k as they were given, c and d what these are divided by, G_i the sum of g up to token i, and of all
// matrices only what lies at or below the diagonal:
//
//   A_ij = beta_i (k_i.k_j) e^(G_i - G_j) / (d_i d_j), j < i;   T = (I + A)^-1 with column j times beta_j
//   P_ij = (q_i.k_j) e^(G_i - G_j) / (c_i d_j);                 U = T R,  R_i = v_i - e^G_i / d_i S^T k_i
//   o_i = e^G_i / c_i S^T q_i + sum_j P_ij U_j;                 S = e^G_C S + sum_j e^(G_C - G_j) / d_j k_j
//   U_j^T
//
// T and P have nothing to do with the state: chunk_prepare makes those of all chunks at once. chunks_walk
// goes from chunk to chunk; its waves have 8 columns of the state each, in registers, and no wave
// needs anything of another's. q, k and v are bf16, with which products are exact; what is float32, S, R, U,
// T and P, is multiplied as the sum of three bf16 numbers, which together have its 24 bits.
//
// A slot is a chunk's: its sequence's first token / 64 + how many sequences of more than `few` tokens come
// before that + which of the sequence's chunks it is; no two share one. Scratch has room for a piece of the
// step, so many slots: the two kernels run for one piece after the other, and a sequence that goes on in the
// next one leaves its state in `carried`. In a slot lie operands tile after tile as the lanes of a wave take
// them.
#pragma once
#include "kernels/gpu/recurrent/gates.h"
#include "kernels/gpu/tile/tile.h"

enum { CHUNK = NF_GPU_DELTA_CHUNK, CHUNK_KEY = NF_GPU_DELTA_KEY };
enum {
  TOKEN_TILES = CHUNK / 16,
  KEY_TILES = CHUNK_KEY / 16,
  BELOW = TOKEN_TILES * (TOKEN_TILES + 1) / 2, // tiles at or below the diagonal
  TERMS = 3,
  // Tiles of a key head: k, q, k turned; of a head: T, P, and numbers for each token.
  TILES_K = 0,
  TILES_Q = TOKEN_TILES * KEY_TILES,
  TILES_TURNED = 2 * TILES_Q,
  TILES_T = 0,
  TILES_P = BELOW * TERMS,
  TILES_NUMBERS = 2 * TILES_P
};
_Static_assert(3 * TILES_Q * NF_GPU_DELTA_TILE == NF_GPU_DELTA_KEY_TILES, "all tiles of a key head");
_Static_assert((TILES_NUMBERS + 3) * NF_GPU_DELTA_TILE <= NF_GPU_DELTA_HEAD_TILES, "and of a head");

// For each token: what S^T k is multiplied with for R, S^T q for o, U for S; and what S is.
enum { BY_K, BY_Q, BY_U, BY_S };

typedef uint32_t tile_words __attribute__((vector_size(TILE_ROWS * 8)));

typedef struct chunks {
  int s, rank; // the sequence; of how many long ones it is which
  int first, end;
} chunks;

// Of the long sequences the last whose slots begin at `slot` or before, or where rank >= 0 the one of that
// rank. first >= end: there is none.
INLINE chunks chunks_find(const nf_gpu_delta *a, int slot, int rank) {
  chunks c = {0};
  int before = 0;
  for (int base = 0; base < a->of.n; base += LANES) {
    const int s = base + lane_id(), last = a->of.n;
    const int first = a->of.start[s < last ? s : last], end = a->of.start[s < last ? s + 1 : last];
    const bool is_long = end - first > a->few;
    const uint64_t all = lane_ballot(is_long);
    const int mine = before + __builtin_popcountll(all & ((1ull << lane_id()) - 1));
    const bool is_it = is_long && (rank >= 0 ? mine == rank : first / CHUNK + mine <= slot);
    const uint64_t found = lane_ballot(is_it);
    if (found != 0) {
      const int at = 63 - __builtin_clzll(found);
      c.s = base + at;
      c.rank = before + __builtin_popcountll(all & ((1ull << at) - 1));
      c.first = a->of.start[c.s], c.end = a->of.start[c.s + 1];
    }
    before += __builtin_popcountll(all);
  }
  return c;
}

// Of a slot of the piece.
INLINE char *key_tiles_of(const nf_gpu_delta *a, int slot, int g) {
  return a->key_tiles + ((int64_t)(slot - a->slot) * a->key_heads + g) * NF_GPU_DELTA_KEY_TILES;
}
INLINE char *head_tiles_of(const nf_gpu_delta *a, int slot, int h) {
  return a->head_tiles + ((int64_t)(slot - a->slot) * a->heads + h) * NF_GPU_DELTA_HEAD_TILES;
}

// ---- what has nothing to do with the state ----

// Rows of shared memory are 16 bytes longer than what they hold, so that lanes meet other banks.
enum { ROW_NUMBERS = CHUNK_KEY + 8, ROW_FLOATS = CHUNK + 4 };
typedef struct prepared {
  uint16_t k[CHUNK][ROW_NUMBERS], q[CHUNK][ROW_NUMBERS];
  float a[CHUNK][ROW_FLOATS], p[CHUNK][ROW_FLOATS]; // a: in the end T
  double g[CHUNK];                                  // up to the token
  float rate[CHUNK], beta[CHUNK], by_k[CHUNK], by_q[CHUNK];
} prepared;
_Static_assert(sizeof(prepared) <= NF_GPU_DELTA_PREPARE_SHARED, "as the launch says");

// 16 lanes a row. What is not there is zeros.
INLINE void prepare_rows(const nf_gpu_delta *a, SHARED prepared *m, int g, int first, int n) {
  const int pack = lane_thread() % 16, row = lane_thread() / 16, each = lane_threads() / 16;
  u32x4 q[CHUNK / 8], k[CHUNK / 8];
  UNROLL for (int i = 0; i < CHUNK / 8; i++) {
    q[i] = k[i] = (u32x4){0};
    if (row + each * i >= n || pack * 8 >= a->key) continue;
    const char *at = row_of(&a->qkv, first + row + each * i) + ((int64_t)g * a->key + pack * 8) * 2;
    q[i] = row_load(at), k[i] = row_load(at + (int64_t)a->key_heads * a->key * 2);
  }
  UNROLL for (int i = 0; i < CHUNK / 8; i++) {
    const int r = row + each * i;
    const eight x = unpacked(q[i]), y = unpacked(k[i]);
    float qq = 0, kk = 0;
    UNROLL for (int j = 0; j < 8; j++) {
      qq = __builtin_fmaf(x.v[j], x.v[j], qq);
      kk = __builtin_fmaf(y.v[j], y.v[j], kk);
    }
    qq = lane_sum_of(qq, 16), kk = lane_sum_of(kk, 16);
    shared_put((SHARED u32x4 *)&m->q[r][pack * 8], q[i]);
    shared_put((SHARED u32x4 *)&m->k[r][pack * 8], k[i]);
    if (pack != 0) continue;
    shared_put(&m->by_k[r], lane_rsqrt(kk + 1e-6f));
    shared_put(&m->by_q[r], lane_rsqrt((qq + 1e-6f) * (float)a->key));
  }
}

INLINE void prepare_gates(const nf_gpu_delta *a, SHARED prepared *m, int h, int first, int n) {
  const int t = lane_thread();
  if (t >= CHUNK) return;
  float rate = 0, beta = 0;
  if (t < n) {
    const float x = number(raw(row_of(&a->a, first + t), h, a->a_f32), a->a_f32);
    rate = rate_of(a, h) * softplus(x + number_at(a->dt_bias, h, a->dt_bias_f32));
    beta = lane_sigmoid(number(raw(row_of(&a->b, first + t), h, a->b_f32), a->b_f32));
  }
  shared_put(&m->rate[t], rate);
  shared_put(&m->beta[t], beta);
}

// In float64: what is apart by little may have faded by much.
INLINE void prepare_sums(SHARED prepared *m) {
  const int t = lane_thread();
  if (t >= CHUNK) return;
  double sum = 0;
  UNROLL for (int i = 0; i < CHUNK; i++) {
    const float rate = shared_get(&m->rate[i]);
    sum += i <= t ? rate : 0;
  }
  shared_put(&m->g[t], sum);
}

// A word of an operand: two neighbouring numbers of `row`, of tile k.
INLINE uint32_t word_of(const SHARED uint16_t *row, int k, int w) {
  return shared_get((const SHARED uint32_t *)(row + k * TILE_K + tile_sums_k(2 * w)));
}
INLINE tile_a rows_tile(SHARED uint16_t (*x)[ROW_NUMBERS], int t, int k) {
  tile_a a;
  UNROLL for (int r = 0; r < TILE_ROWS; r++) UNROLL for (int w = 0; w < 2; w++) a.r[r][w] =
      word_of(x[t * 16 + tile_row(r)], k, w);
  return a;
}

// A and P of a wave's tokens: a row of tiles.
INLINE void prepare_products(SHARED prepared *m, int t) {
  tile_a k[KEY_TILES], q[KEY_TILES];
  UNROLL for (int i = 0; i < KEY_TILES; i++) k[i] = rows_tile(m->k, t, i), q[i] = rows_tile(m->q, t, i);
  for (int u = 0; u <= t; u++) {
    f32x4 kk[16 / TILE_COLS], qk[16 / TILE_COLS];
    UNROLL for (int c = 0; c < 16 / TILE_COLS; c++) kk[c] = qk[c] = (f32x4){0};
    UNROLL for (int i = 0; i < KEY_TILES; i++) UNROLL for (int c = 0; c < 16 / TILE_COLS; c++) {
      const SHARED uint16_t *row = m->k[u * 16 + c * TILE_COLS + tile_col()];
      const tile_b b = {{word_of(row, i, 0), word_of(row, i, 1)}};
      kk[c] = tile_mma_bf16(k[i], b, kk[c]);
      qk[c] = tile_mma_bf16(q[i], b, qk[c]);
    }
    UNROLL for (int c = 0; c < 16 / TILE_COLS; c++) UNROLL for (int i = 0; i < 4; i++) {
      const int row = t * 16 + tile_sum_row(i), column = u * 16 + c * TILE_COLS + tile_sum_col(i);
      const float fade = lane_exp((float)(shared_get(&m->g[row]) - shared_get(&m->g[column])));
      const float by = column <= row ? fade * shared_get(&m->by_k[column]) : 0;
      const float by_row = column < row ? shared_get(&m->by_k[row]) * shared_get(&m->beta[row]) : 0;
      shared_put(&m->p[row][column], column <= row ? qk[c][i] * by * shared_get(&m->by_q[row]) : 0);
      shared_put(&m->a[row][column], column < row ? kk[c][i] * by * by_row : 0);
    }
  }
}

// Column j of (I + A)^-1, row after row: x_i = [i = j] - sum of A_im x_m over m < i.
INLINE void invert(SHARED prepared *m, int j, float *x) {
  UNROLL for (int above = 0; above < TOKEN_TILES; above++) UNROLL for (int r = 0; r < 16; r++) {
    const int i = above * 16 + r;
    f32x4 sum = {i == j ? 1.f : 0.f};
    UNROLL for (int p = 0; p < CHUNK / 4; p++) if (4 * p < i) {
      const f32x4 row = shared_get((const SHARED f32x4 *)&m->a[i][4 * p]);
      UNROLL for (int c = 0; c < 4; c++) if (4 * p + c < i) sum[c] =
          __builtin_fmaf(-row[c], x[4 * p + c], sum[c]);
    }
    x[i] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
}

INLINE void tile_put(char *tiles, int tile, tile_a a) {
  tile_words v;
  UNROLL for (int r = 0; r < TILE_ROWS; r++) UNROLL for (int w = 0; w < 2; w++) v[2 * r + w] = a.r[r][w];
  *(tile_words *)(tiles + (int64_t)tile * NF_GPU_DELTA_TILE + lane_id() * (int)sizeof v) = v;
}

// Tiles of k, q and turned k, by waves from `wave` on.
INLINE void prepare_key_tiles(SHARED prepared *m, char *tiles, int wave, int waves) {
  for (int at = wave; at < TOKEN_TILES * KEY_TILES; at += waves) {
    const int t = at % TOKEN_TILES, k = at / TOKEN_TILES;
    tile_put(tiles, TILES_K + at, rows_tile(m->k, t, k));
    tile_put(tiles, TILES_Q + at, rows_tile(m->q, t, k));
    tile_a turned;
    UNROLL for (int r = 0; r < TILE_ROWS; r++) UNROLL for (int w = 0; w < 2; w++) {
      const int token = t * 16 + tile_sums_k(2 * w), key = k * 16 + tile_row(r);
      turned.r[r][w] = shared_get(&m->k[token][key]) | (uint32_t)shared_get(&m->k[token + 1][key]) << 16;
    }
    tile_put(tiles, TILES_TURNED + at, turned);
  }
}

// Two numbers as sums of three of bf16 each.
INLINE void terms_of(float x, float y, uint32_t *term) {
  UNROLL for (int i = 0; i < TERMS; i++) {
    term[i] = f32x2_to_bf16x2(x, y);
    x -= bf16x2_lo(term[i]), y -= bf16x2_hi(term[i]);
  }
}

INLINE int below(int t, int u) { return t * (t + 1) / 2 + u; }

INLINE void prepare_triangle(SHARED float (*x)[ROW_FLOATS], char *tiles, int wave, int waves) {
  for (int at = wave; at < BELOW; at += waves) {
    const int t = at < 1 ? 0 : at < 3 ? 1 : at < 6 ? 2 : 3, u = at - below(t, 0);
    tile_a a[TERMS];
    UNROLL for (int r = 0; r < TILE_ROWS; r++) UNROLL for (int w = 0; w < 2; w++) {
      const f32x2 two =
          shared_get((const SHARED f32x2 *)&x[t * 16 + tile_row(r)][u * 16 + tile_sums_k(2 * w)]);
      uint32_t term[TERMS];
      terms_of(two[0], two[1], term);
      UNROLL for (int i = 0; i < TERMS; i++) a[i].r[r][w] = term[i];
    }
    UNROLL for (int i = 0; i < TERMS; i++) tile_put(tiles, at * TERMS + i, a[i]);
  }
}

INLINE void prepare_numbers(SHARED prepared *m, char *tiles) {
  const int t = lane_thread();
  if (t >= CHUNK) return;
  float *to = (float *)(tiles + TILES_NUMBERS * NF_GPU_DELTA_TILE) + t;
  const double g = shared_get(&m->g[t]), all = shared_get(&m->g[CHUNK - 1]);
  const float fade = lane_exp((float)g), by_k = shared_get(&m->by_k[t]);
  to[BY_K * CHUNK] = fade * by_k;
  to[BY_Q * CHUNK] = fade * shared_get(&m->by_q[t]);
  to[BY_U * CHUNK] = lane_exp((float)(all - g)) * by_k;
  to[BY_S * CHUNK] = lane_exp((float)all);
}

INLINE void chunk_prepare(const nf_gpu_delta *a) {
  SHARED prepared *m = (SHARED prepared *)block_shared();
  const int slot = a->slot + lane_block() / a->heads, h = lane_block() % a->heads;
  const int each = a->heads / a->key_heads;
  lane_release();
  const chunks c = chunks_find(a, slot, -1);
  lane_wait();
  const int first = c.first + (slot - c.rank - c.first / CHUNK) * CHUNK;
  if (first >= c.end) return;
  const int n = c.end - first < CHUNK ? c.end - first : CHUNK, wave = lane_wave(), waves = lane_waves();
  char *tiles = head_tiles_of(a, slot, h);
  prepare_gates(a, m, h, first, n);
  prepare_rows(a, m, h / each, first, n);
  block_sync();
  prepare_sums(m);
  block_sync();
  for (int t = wave; t < TOKEN_TILES; t += waves) prepare_products(m, t);
  block_sync();
  float x[CHUNK]; // one half of the block inverts, the other writes
  if (wave < waves / 2) {
    invert(m, lane_thread(), x);
  } else {
    if (h % each == 0) prepare_key_tiles(m, key_tiles_of(a, slot, h / each), wave - waves / 2, waves / 2);
    prepare_triangle(m->p, tiles + TILES_P * NF_GPU_DELTA_TILE, wave - waves / 2, waves / 2);
  }
  block_sync();
  if (wave < waves / 2) {
    const float beta = shared_get(&m->beta[lane_thread()]);
    UNROLL for (int above = 0; above < TOKEN_TILES; above++) UNROLL for (int r = 0; r < 16; r++)
        shared_put(&m->a[above * 16 + r][lane_thread()], x[above * 16 + r] * beta);
  }
  prepare_numbers(m, tiles);
  block_sync();
  prepare_triangle(m->a, tiles + TILES_T * NF_GPU_DELTA_TILE, wave, waves);
}

// ---- from chunk to chunk ----

// In shared memory a chunk's tiles and behind them its values, of the block's columns; 16 bytes between rows
// of these for the banks.
enum { VALUES = NF_GPU_DELTA_KEY_TILES + NF_GPU_DELTA_HEAD_TILES, ROW_VALUES = NF_GPU_DELTA_COLUMNS + 8 };
_Static_assert(VALUES + CHUNK * ROW_VALUES * 2 == NF_GPU_DELTA_WALK_SHARED / 2, "as the launch says");

typedef struct walker {
  int h, share, column;     // of the block's 32 columns; the wave's first
  int s, end;               // the sequence, behind its last token
  char *v, *o;              // of the first token of the step, the block's columns
  int64_t v_pitch, o_pitch; // from token to token, bytes
  bool aligned;             // v, to 16 bytes
} walker;

INLINE walker walker_of(const nf_gpu_delta *a, int parts) {
  walker w = {.h = lane_block() / parts % a->heads, .share = lane_block() % parts * NF_GPU_DELTA_COLUMNS};
  w.column = w.share + lane_wave() * TILE_COLS;
  w.v_pitch = row_of(&a->qkv, 1) - row_of(&a->qkv, 0);
  w.o_pitch = row_of(&a->o, a->heads) - row_of(&a->o, 0);
  w.v = row_of(&a->qkv, 0) + (2 * (int64_t)a->key_heads * a->key + (int64_t)w.h * a->value + w.share) * 2;
  w.o = row_of(&a->o, w.h) + (int64_t)w.share * 2;
  w.aligned = ((uintptr_t)w.v | (uint64_t)w.v_pitch) % 16 == 0;
  return w;
}

INLINE void values_copy(const nf_gpu_delta *a, const walker *w, int first, SHARED char *to) {
  enum { PACKS_EACH = NF_GPU_DELTA_COLUMNS / 8 };
  for (int i = lane_thread(); i < CHUNK * PACKS_EACH; i += lane_threads()) {
    const int token = i / PACKS_EACH, pack = i % PACKS_EACH;
    const bool there = first + token < w->end && w->share + pack * 8 < a->value;
    const char *from = w->v + (first + token) * w->v_pitch + pack * 16;
    SHARED char *at = to + VALUES + token * ROW_VALUES * 2 + pack * 16;
    if (w->aligned)
      lane_copy_async16(at, from, there);
    else
      shared_put((SHARED u32x4 *)at, there ? row_load(from) : (u32x4){0});
  }
}

INLINE void chunk_copy(const nf_gpu_delta *a, const walker *w, int slot, int first, SHARED char *to) {
  const char *keys = key_tiles_of(a, slot, w->h / (a->heads / a->key_heads));
  const char *head = head_tiles_of(a, slot, w->h);
  values_copy(a, w, first, to);
  for (int i = lane_thread() * 16; i < NF_GPU_DELTA_KEY_TILES; i += lane_threads() * 16)
    lane_copy_async16(to + i, keys + i, true);
  for (int i = lane_thread() * 16; i < (TILES_NUMBERS + 2) * NF_GPU_DELTA_TILE; i += lane_threads() * 16)
    lane_copy_async16(to + NF_GPU_DELTA_KEY_TILES + i, head + i, true);
}

INLINE tile_a tile_get(const SHARED char *tiles, int tile) {
  const tile_words v = shared_get(
      (const SHARED tile_words *)(tiles + tile * NF_GPU_DELTA_TILE + lane_id() * (int)sizeof(tile_words)));
  tile_a a;
  UNROLL for (int r = 0; r < TILE_ROWS; r++) UNROLL for (int w = 0; w < 2; w++) a.r[r][w] = v[2 * r + w];
  return a;
}

// 16 rows of sums as columns of the next product, in three terms.
typedef struct columns {
  tile_b term[TERMS];
} columns;
INLINE columns columns_of(f32x4 x) {
  uint32_t first[TERMS], second[TERMS];
  terms_of(x[0], x[1], first);
  terms_of(x[2], x[3], second);
  columns c;
  UNROLL for (int i = 0; i < TERMS; i++) c.term[i] = tile_sums_b(first[i], second[i]);
  return c;
}

// to += the triangle times x, all but the three products of its smaller terms that float32 does not see.
INLINE void times_triangle(const SHARED char *tiles, const columns *x, f32x4 *to) {
  f32x4 small[TOKEN_TILES];
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) small[t] = (f32x4){0};
  UNROLL for (int u = 0; u < TOKEN_TILES; u++) UNROLL for (int i = TERMS; i-- > 0;)
      UNROLL for (int t = 0; t < TOKEN_TILES; t++) if (u <= t) {
    const tile_a a = tile_get(tiles, below(t, u) * TERMS + i);
    UNROLL for (int j = TERMS - i; j-- > 0;) {
      if (i + j > 0)
        small[t] = tile_mma_bf16(a, x[u].term[j], small[t]);
      else
        to[t] = tile_mma_bf16(a, x[u].term[j], to[t]);
    }
  }
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) to[t] += small[t];
}

// S^T k and S^T q of all tokens.
INLINE void times_state(const SHARED char *tiles, const f32x4 *S, f32x4 *k, f32x4 *q) {
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) k[t] = q[t] = (f32x4){0};
  UNROLL for (int row = 0; row < KEY_TILES; row++) {
    const columns s = columns_of(S[row]);
    tile_a ka[TOKEN_TILES], qa[TOKEN_TILES];
    UNROLL for (int t = 0; t < TOKEN_TILES; t++) {
      ka[t] = tile_get(tiles, TILES_K + row * TOKEN_TILES + t);
      qa[t] = tile_get(tiles, TILES_Q + row * TOKEN_TILES + t);
    }
    UNROLL for (int i = TERMS; i-- > 0;) UNROLL for (int t = 0; t < TOKEN_TILES; t++) {
      k[t] = tile_mma_bf16(ka[t], s.term[i], k[t]);
      q[t] = tile_mma_bf16(qa[t], s.term[i], q[t]);
    }
  }
}

INLINE void add_to_state(const SHARED char *tiles, const columns *u, f32x4 *S) {
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) UNROLL for (int i = TERMS; i-- > 0;)
      UNROLL for (int row = 0; row < KEY_TILES; row++) S[row] =
          tile_mma_bf16(tile_get(tiles, TILES_TURNED + row * TOKEN_TILES + t), u[t].term[i], S[row]);
}

// A lane's sums of a row are of neighbouring columns.
INLINE void results_store(const nf_gpu_delta *a, const walker *w, int first, const f32x4 *o) {
  if (w->column >= a->value) return;
  char *at = w->o + first * w->o_pitch + (w->column - w->share + tile_sum_col(0)) * 2;
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) UNROLL for (int i = 0; i < 4; i += TILE_SUM_COLS) {
    const int token = t * 16 + tile_sum_row(i);
    if (first + token >= w->end) continue;
    *(uint32_t *)(at + token * w->o_pitch) = f32x2_to_bf16x2(o[t][i], o[t][i + 1]);
  }
}

INLINE void chunk_walk(const nf_gpu_delta *a, const walker *w, int first, const SHARED char *tiles,
                       f32x4 *S) {
  const SHARED char *head = tiles + NF_GPU_DELTA_KEY_TILES;
  const SHARED float *by = (const SHARED float *)(head + TILES_NUMBERS * NF_GPU_DELTA_TILE);
  const SHARED uint16_t *v = (const SHARED uint16_t *)(tiles + VALUES) + w->column - w->share;
  f32x4 r[TOKEN_TILES], o[TOKEN_TILES], u[TOKEN_TILES];
  columns c[TOKEN_TILES];
  times_state(tiles, S, r, o);
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) {
    UNROLL for (int i = 0; i < 4; i++) {
      const int token = t * 16 + tile_sum_row(i);
      r[t][i] = bf16_to_f32(shared_get(&v[token * ROW_VALUES + tile_sum_col(i)])) -
                shared_get(&by[BY_K * CHUNK + token]) * r[t][i];
      o[t][i] *= shared_get(&by[BY_Q * CHUNK + token]);
    }
    c[t] = columns_of(r[t]);
    u[t] = (f32x4){0};
  }
  times_triangle(head + TILES_T * NF_GPU_DELTA_TILE, c, u);
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) c[t] = columns_of(u[t]);
  times_triangle(head + TILES_P * NF_GPU_DELTA_TILE, c, o);
  results_store(a, w, first, o);
  UNROLL for (int t = 0; t < TOKEN_TILES; t++) {
    UNROLL for (int i = 0; i < 4; i++) u[t][i] *= shared_get(&by[BY_U * CHUNK + t * 16 + tile_sum_row(i)]);
    c[t] = columns_of(u[t]);
  }
  UNROLL for (int row = 0; row < KEY_TILES; row++) S[row] *= shared_get(&by[BY_S * CHUNK]);
  add_to_state(tiles, c, S);
}

INLINE float *pool_slot(const nf_gpu_delta *a, int slot) {
  return slot < 0 ? NULL : a->pool + (int64_t)slot * a->heads * a->key * a->value;
}
// The wave's columns of 16 rows of a head's state.
INLINE float *state_rows(const nf_gpu_delta *a, const walker *w, float *of_slot, int row, int i) {
  return of_slot + ((int64_t)w->h * a->key + row * 16 + tile_sum_row(i)) * a->value + w->column +
         tile_sum_col(i);
}
INLINE void state_load(const nf_gpu_delta *a, const walker *w, float *from, f32x4 *S) {
  UNROLL for (int row = 0; row < KEY_TILES; row++) S[row] = (f32x4){0};
  if (from == NULL || w->column >= a->value) return;
  UNROLL for (int row = 0; row < KEY_TILES; row++) if (row * 16 < a->key) UNROLL for (int i = 0; i < 4; i++)
      S[row][i] = *state_rows(a, w, from, row, i);
}
INLINE void state_store(const nf_gpu_delta *a, const walker *w, float *to, const f32x4 *S) {
  if (to == NULL || w->column >= a->value) return;
  UNROLL for (int row = 0; row < KEY_TILES; row++) if (row * 16 < a->key) UNROLL for (int i = 0; i < 4; i++) *
      state_rows(a, w, to, row, i) = S[row][i];
}

// Those of a sequence's chunks that are in the piece.
typedef struct passage {
  int slot, from, until, all; // of its first chunk; chunks; how many it has
} passage;
INLINE passage passage_of(const nf_gpu_delta *a, const chunks *c) {
  passage p = {.slot = c->first / CHUNK + c->rank, .all = (c->end - c->first + CHUNK - 1) / CHUNK};
  const int until = a->slot + a->slots - p.slot;
  p.from = a->slot > p.slot ? a->slot - p.slot : 0;
  p.until = until < p.all ? until : p.all;
  return p;
}

// Returns the half of shared memory that nobody reads any more.
INLINE int passage_walk(const nf_gpu_delta *a, const walker *w, const chunks *c, const passage *p, int turn,
                        SHARED char *tiles) {
  f32x4 S[KEY_TILES];
  enum { HALF = NF_GPU_DELTA_WALK_SHARED / 2 };
  chunk_copy(a, w, p->slot + p->from, c->first + p->from * CHUNK, tiles + turn * HALF);
  lane_copy_commit();
  state_load(a, w, p->from > 0 ? a->carried[a->turn % 2 ^ 1] : pool_slot(a, a->of.in[w->s]), S);
  for (int i = p->from; i < p->until; i++, turn ^= 1) {
    lane_copy_wait(0);
    block_sync();
    if (i + 1 < p->until)
      chunk_copy(a, w, p->slot + i + 1, c->first + (i + 1) * CHUNK, tiles + (turn ^ 1) * HALF);
    lane_copy_commit();
    chunk_walk(a, w, c->first + i * CHUNK, tiles + turn * HALF, S);
  }
  state_store(a, w, p->until < p->all ? a->carried[a->turn % 2] : pool_slot(a, a->of.out[w->end - 1]), S);
  return turn;
}

// Blocks are shares of 32 columns of heads; where these are few, several take turns at the sequences.
INLINE void chunks_walk(const nf_gpu_delta *a) {
  SHARED char *tiles = (SHARED char *)block_shared();
  const int parts = (a->value + NF_GPU_DELTA_COLUMNS - 1) / NF_GPU_DELTA_COLUMNS, columns = parts * a->heads;
  walker w = walker_of(a, parts);
  int turn = 0;
  lane_release();
  const int first = chunks_find(a, a->slot, -1).rank;
  lane_wait();
  for (int rank = first + lane_block() / columns;; rank += lane_blocks() / columns) {
    const chunks c = chunks_find(a, 0, rank);
    const passage p = passage_of(a, &c);
    if (c.first >= c.end || p.slot >= a->slot + a->slots) return;
    if (p.from >= p.until) continue;
    w.s = c.s, w.end = c.end;
    turn = passage_walk(a, &w, &c, &p, turn, tiles);
  }
}

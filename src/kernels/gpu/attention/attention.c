// SPDX-License-Identifier: Apache-2.0
// attention over the paged cache. A wave takes 16 keys at a time: keys are the rows of a product with the
// queries of one kv head as columns, weights the columns of a product of values. A key's lanes read it as the
// matrix units want it, straight from the cache. Weights are two bf16, so that they have 16 bits.
//
// nf_attention_split_*  a token each block, or a share of its keys; the last of the shares joins them
//                       all. The step's tables, which kernels in front don't write, are read ahead of
//                       lane_wait, and the first keys and values fetched to the second-level cache
// nf_attention_tiles_*  many tokens: a wave goes over all the keys of some
#include "kernels/gpu/attention/task.h"
#include "kernels/gpu/tile/tile.h"

// Most tiles of queries that a wave has, packs of 32 numbers of a head, products for a head's sums.
enum {
  STEP = NF_GPU_SPLIT_STEP,
  LINE = 128,
  MOST_TILES = 4,
  MOST_PACKS = 8,
  MOST_PRODUCTS = 16,
  MOST_WAVES = 9,
  MOST_PAIRS = 4
};
enum { V_LANES = 16 / TILE_ROWS }; // that share a value

typedef struct keys {
  u32x4 k[MOST_PACKS][TILE_ROWS];
} keys;
typedef struct values {
  uint32_t v[MOST_PRODUCTS * TILE_ROWS / 2][4]; // two numbers of 4 keys
} values;
typedef struct columns {
  tile_b q[MOST_PRODUCTS];
  f32x4 o[MOST_PRODUCTS];
  float most[TILE_SUM_COLS], total[TILE_SUM_COLS];
} columns;

// Numbers of a value that a lane reads at once, of `head`.
INLINE int v_each(int head) { return head / V_LANES < 8 ? head / V_LANES : 8; }
// The column of the head that place i of product p has.
INLINE int sum_dim(int head, int p, int i) {
  const int each = v_each(head), products = each / TILE_ROWS, row = tile_sum_row(i);
  return p / products * V_LANES * each + row % V_LANES * each + p % products * TILE_ROWS + row / V_LANES;
}
// Of that column 16 times the product, and the row.
INLINE int sum_place(int head, int dim) {
  const int each = v_each(head), products = each / TILE_ROWS, at = dim % (V_LANES * each);
  const int product = dim / (V_LANES * each) * products + at % each / TILE_ROWS;
  return product * 16 + at / each + at % TILE_ROWS * V_LANES;
}

// Keys and values of a step, which lie together.
INLINE void step_fetch(const nf_gpu_attention *a, const task *t, int head, int slot, int key) {
  const char *k = (const char *)rows_at(a, t, head, slot, key, 0);
  const char *v = (const char *)rows_at(a, t, head, slot, key, 1);
  for (int at = lane_id() * LINE; at < STEP * head * 2; at += LANES * LINE) {
    lane_prefetch(k + at);
    lane_prefetch(v + at);
  }
}

INLINE void sink_fetch(const nf_gpu_attention *a, int h) {
  lane_prefetch((const char *)a->sinks + (h * (a->sinks_f32 ? 4 : 2) & -16));
}

INLINE void keys_load(const nf_gpu_attention *a, const task *t, int head, int slot, int key, keys *to) {
  const uint16_t *k = rows_at(a, t, head, slot, key, 0) + tile_chunk() * 8;
  UNROLL for (int b = 0; b < head / 32; b++) UNROLL for (int i = 0; i < TILE_ROWS; i++) to->k[b][i] =
      lane_load16(k + tile_row(i) * head + 32 * b);
}
INLINE void values_load(const nf_gpu_attention *a, const task *t, int head, int slot, int key, values *to) {
  const int each = v_each(head), words = each / 2;
  const uint16_t *v = rows_at(a, t, head, slot, key, 1) + tile_row(0) % V_LANES * each;
  UNROLL for (int b = 0; b < head / (V_LANES * each); b++) UNROLL for (int j = 0; j < 4; j++) {
    const uint16_t *at = v + tile_sums_k(j) * head + b * V_LANES * each;
    if (words == 4) {
      const u32x4 x = lane_load16(at);
      UNROLL for (int w = 0; w < 4; w++) to->v[b * 4 + w][j] = x[w];
    } else if (words == 2) {
      const u32x2 x = *(const u32x2 *)at;
      UNROLL for (int w = 0; w < 2; w++) to->v[b * 2 + w][j] = x[w];
    } else {
      to->v[b][j] = *(const uint32_t *)at;
    }
  }
}
// Zeros where no key is, as there may be anything, a NaN as well: only from `from` to `to` are some.
INLINE void values_mask(int from, int to, int head, int key, values *v) {
  UNROLL for (int j = 0; j < 4; j++) {
    const int k = key + tile_sums_k(j);
    if (k < from || k >= to) UNROLL for (int w = 0; w < head / V_LANES / 2; w++) v->v[w][j] = 0;
  }
}
INLINE bool has_no_number(int head, const values *v) {
  bool any = false;
  UNROLL for (int j = 0; j < 4; j++) UNROLL for (int w = 0; w < head / V_LANES / 2; w++) any |=
      (v->v[w][j] & 0x7f80) == 0x7f80 || (v->v[w][j] & 0x7f800000) == 0x7f800000;
  return any;
}

INLINE void queries_load(const nf_gpu_attention *a, const task *t, int head, int tiles, columns *c) {
  UNROLL for (int n = 0; n < tiles; n++) {
    const int col = n * TILE_COLS + tile_col(), token = col / t->heads;
    const int64_t row = (int64_t)(t->token + token) * a->heads + t->head + col % t->heads;
    const char *q = token < t->tokens ? row_of(&a->q, row) + tile_chunk() * 16 : NULL;
    UNROLL for (int b = 0; b < head / 32; b++) {
      const u32x4 x = q != NULL ? row_load(q + 64 * b) : (u32x4){0};
      c[n].q[2 * b] = (tile_b){{x[0], x[1]}};
      c[n].q[2 * b + 1] = (tile_b){{x[2], x[3]}};
    }
    UNROLL for (int p = 0; p < head / 16; p++) c[n].o[p] = (f32x4){0};
    UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) c[n].most[i] = -__builtin_inff(), c[n].total[i] = 0;
  }
}

INLINE f32x4 logits_of(const nf_gpu_attention *a, int head, const keys *k, const columns *c) {
  f32x4 l = {0};
  UNROLL for (int b = 0; b < head / 16; b++) {
    tile_a x;
    UNROLL for (int i = 0; i < TILE_ROWS; i++) UNROLL for (int w = 0; w < 2; w++) x.r[i][w] =
        k->k[b / 2][i][b % 2 * 2 + w];
    l = tile_mma_bf16(x, c->q[b], l);
  }
  return l * a->scale;
}
INLINE f32x4 logits_mask(const nf_gpu_attention *a, const task *t, int tile, int key, f32x4 l) {
  UNROLL for (int i = 0; i < 4; i++) {
    const int k = key + tile_sum_row(i);
    const int p = t->position + (tile * TILE_COLS + tile_sum_col(i)) / t->heads;
    if (k > p || k >= t->to || (a->window > 0 && k <= p - a->window)) l[i] = -__builtin_inff();
  }
  return l;
}

// Sums are relative to a logit that none is far above: to a new one only when one is, in a column of its own
// accord, as what else is in the step has no part in its result.
enum { FAR = 8 };
INLINE void columns_shrink(int head, f32x4 l, columns *c) {
  float f[TILE_SUM_COLS];
  UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) {
    float most = c->most[i];
    UNROLL for (int r = i; r < 4; r += TILE_SUM_COLS) most = __builtin_fmaxf(most, l[r]);
    most = tile_rows_max(most);
    if (!(most > c->most[i] + FAR)) most = c->most[i];
    f[i] = most == c->most[i] ? 1 : lane_exp2(c->most[i] - most);
    c->most[i] = most;
    c->total[i] *= f[i];
  }
  UNROLL for (int p = 0; p < head / 16; p++) UNROLL for (int i = 0; i < 4; i++) c->o[p][i] *=
      f[i % TILE_SUM_COLS];
}

// Weights of logits, as two bf16 each: what the first lacks is the second.
INLINE void weights_of(f32x4 l, columns *c, tile_b w[2]) {
  float p[4];
  UNROLL for (int i = 0; i < 4; i++) {
    const float most = c->most[i % TILE_SUM_COLS];
    p[i] = lane_exp2(l[i] - (most > -__builtin_inff() ? most : 0));
    c->total[i % TILE_SUM_COLS] += p[i];
  }
  const uint32_t x = f32x2_to_bf16x2(p[0], p[1]), y = f32x2_to_bf16x2(p[2], p[3]);
  w[0] = tile_sums_b(x, y);
  w[1] = tile_sums_b(f32x2_to_bf16x2(p[0] - bf16x2_lo(x), p[1] - bf16x2_hi(x)),
                     f32x2_to_bf16x2(p[2] - bf16x2_lo(y), p[3] - bf16x2_hi(y)));
}

INLINE uint32_t two_of(uint32_t a, uint32_t b, int half) {
  return half == 0 ? (a & 0xffff) | b << 16 : a >> 16 | (b & 0xffff0000u);
}
INLINE tile_a values_rows(const values *v, int p) {
  tile_a x;
  UNROLL for (int i = 0; i < TILE_ROWS; i++) {
    const uint32_t *w = v->v[(p * TILE_ROWS + i) / 2];
    const int half = (p * TILE_ROWS + i) % 2;
    x.r[i][0] = two_of(w[0], w[1], half);
    x.r[i][1] = two_of(w[2], w[3], half);
  }
  return x;
}

INLINE void attend_values(int head, int tiles, const values *v, tile_b w[MOST_TILES][2], columns *c) {
  UNROLL for (int p = 0; p < head / 16; p++) {
    const tile_a x = values_rows(v, p);
    UNROLL for (int n = 0; n < tiles; n++) {
      c[n].o[p] = tile_mma_bf16(x, w[n][0], c[n].o[p]);
      c[n].o[p] = tile_mma_bf16(x, w[n][1], c[n].o[p]);
    }
  }
}

// Where a value is infinite or none that not all tokens see: a weight of zero does not keep it out, so each
// token has a product of its own.
INLINE void attend_apart(const nf_gpu_attention *a, const task *t, int head, int tiles, int slot, int key,
                         tile_b w[MOST_TILES][2], columns *c) {
  for (int i = 0; i < t->tokens; i++) {
    values v;
    const int to = t->position + i + 1;
    values_load(a, t, head, slot, key, &v);
    values_mask(a->window > 0 && to > a->window ? to - a->window : 0, to, head, key, &v);
    UNROLL for (int p = 0; p < head / 16; p++) UNROLL for (int n = 0; n < tiles; n++) {
      const tile_a x = values_rows(&v, p);
      const f32x4 o = tile_mma_bf16(x, w[n][1], tile_mma_bf16(x, w[n][0], c[n].o[p]));
      UNROLL for (int k = 0; k < 4; k++) if ((n * TILE_COLS + tile_sum_col(k)) / t->heads == i) c[n].o[p][k] =
          o[k];
    }
  }
}

// Whether all queries see all keys of the step.
INLINE bool is_whole(const nf_gpu_attention *a, const task *t, int key) {
  return key + STEP <= t->to && key + STEP <= t->position + 1 && key >= t->from &&
         (a->window <= 0 || key > t->position + t->tokens - 1 - a->window);
}

// 16 keys. Where values are many they are read when the keys are done with.
INLINE void attend_step(const nf_gpu_attention *a, const task *t, int head, int tiles, int slot, int key,
                        const keys *k, columns *c) {
  values v;
  f32x4 l[MOST_TILES];
  tile_b w[MOST_TILES][2];
  const bool whole = is_whole(a, t, key);
  bool over = false;
  if (head < 256) values_load(a, t, head, slot, key, &v);
  UNROLL for (int n = 0; n < tiles; n++) {
    l[n] = logits_of(a, head, k, &c[n]);
    if (!whole) l[n] = logits_mask(a, t, n, key, l[n]);
    UNROLL for (int i = 0; i < 4; i++) over |= l[n][i] > c[n].most[i % TILE_SUM_COLS] + FAR;
  }
  if (lane_ballot(over) != 0) UNROLL for (int n = 0; n < tiles; n++) columns_shrink(head, l[n], &c[n]);
  UNROLL for (int n = 0; n < tiles; n++) weights_of(l[n], &c[n], w[n]);
  if (head >= 256) values_load(a, t, head, slot, key, &v);
  if (!whole) values_mask(t->from, t->to, head, key, &v);
  if (t->tokens == 1 || whole || lane_ballot(has_no_number(head, &v)) == 0)
    attend_values(head, tiles, &v, w, c);
  else
    attend_apart(a, t, head, tiles, slot, key, w, c);
}

// The steps from `key`, `stride` keys apart, of which `slot` and `behind` are the slots of the first two. Of
// heads up to 128 the keys of the next step are on their way meanwhile, and the slot of the one behind.
typedef struct walk {
  int key, stride, slot, behind;
} walk;
INLINE walk walk_of(const nf_gpu_attention *a, const task *t, int key, int stride) {
  return (walk){key, stride, slot_at(a, t, key), slot_at(a, t, key + stride)};
}
INLINE void attend(const nf_gpu_attention *a, const task *t, int head, int tiles, walk w, columns *c) {
  const bool ahead = head <= 128;
  const int stride = w.stride;
  int key = w.key, slot = w.slot, behind = w.behind;
  keys now = {0}, next = {0};
  if (ahead && slot >= 0) keys_load(a, t, head, slot, key, &now);
  queries_load(a, t, head, tiles, c);
  for (; key < t->to; key += stride) {
    const int after = slot_at(a, t, key + 2 * stride);
    if (ahead && behind >= 0) keys_load(a, t, head, behind, key + stride, &next);
    if (slot >= 0) {
      if (!ahead) keys_load(a, t, head, slot, key, &now);
      attend_step(a, t, head, tiles, slot, key, &now, c);
    }
    if (ahead) now = next;
    slot = behind;
    behind = after;
  }
}

// ---- a block for a token and a share of its keys ----

// What the waves have, into shared memory: sums [waves][TILE_COLS][head + ROOM], in the order of places, then
// the largest and the total. With the gap lanes write to as many banks as they are.
enum { ROOM = NF_GPU_SPLIT_ROOM };
INLINE void waves_put(SHARED float *room, int head, int waves, columns *c) {
  SHARED float *o = room + lane_wave() * TILE_COLS * (head + ROOM);
  SHARED f32x2 *two = (SHARED f32x2 *)(room + waves * TILE_COLS * (head + ROOM)) + lane_wave() * TILE_COLS;
  UNROLL for (int p = 0; p < head / 16; p++) UNROLL for (int i = 0; i < 4; i++)
      shared_put(&o[tile_sum_col(i) * (head + ROOM) + p * 16 + tile_sum_row(i)], c->o[p][i]);
  UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) {
    const float total = tile_rows_sum(c->total[i]);
    if (tile_sum_row(i) == 0) shared_put(&two[tile_sum_col(i)], ((f32x2){c->most[i], total}));
  }
}
INLINE sum waves_get(SHARED float *room, int head, int most, int waves, int col, int dim) {
  const SHARED float *x = room + col * (head + ROOM) + sum_place(head, dim);
  const SHARED float *y = room + col * (head + ROOM) + sum_place(head, dim + 1);
  const SHARED f32x2 *two = (SHARED f32x2 *)(room + waves * TILE_COLS * (head + ROOM)) + col;
  sum s[MOST_WAVES];
  UNROLL for (int w = 0; w < most; w++) {
    const int at = w * TILE_COLS * (head + ROOM);
    s[w] = (sum){-__builtin_inff(), 0, {0, 0}};
    if (w >= waves) continue;
    const f32x2 t = shared_get(&two[w * TILE_COLS]);
    s[w] = (sum){t[0], t[1], {shared_get(&x[at]), shared_get(&y[at])}};
  }
  return sum_all(s, most);
}

// Which token, and what its keys are. false: none. Where the token is padding, zeros are its result.
INLINE bool task_of_item(const nf_gpu_attention *a, int item, task *t) {
  // That of as many sequences as tokens each has one is likely: all loads are under way then.
  const int likely = item < a->sequences ? item : 0, begin = a->q_start[likely], end = a->q_start[likely + 1];
  int row = a->table_row[likely], token = item, position;
  if (a->by_token) {
    int below = 0, above = a->sequences;
    position = a->position[token];
    if (token >= a->q_start[above]) return false;
    if (item != likely || begin != item || end != item + 1) {
      while (above - below > 1) {
        const int middle = (below + above) / 2;
        if (a->q_start[middle] <= token)
          below = middle;
        else
          above = middle;
      }
      row = a->table_row[below];
    }
  } else {
    if (end - begin != 1) return false;
    token = begin;
    position = a->position[token];
  }
  t->pages = a->page_table + (int64_t)row * a->pages;
  t->token = token;
  t->tokens = 1;
  t->position = position;
  t->to = t->position + 1;
  t->from = a->window > 0 && t->to > a->window ? t->to - a->window : 0;
  return true;
}
// What the parts of n pairs of columns come to: some parts at a time, so that their loads are
// under way together.
INLINE void parts_get(const float *const *part, int n, int head, int active, const int *dim, sum *all) {
  enum { SOME = 8 };
  const int some = n > 2 ? SOME / 2 : SOME;
  UNROLL for (int k = 0; k < n; k++) all[k] = (sum){-__builtin_inff(), 0, {0, 0}};
  for (int first = 0; first < active; first += some) {
    sum s[MOST_PAIRS][SOME + 1];
    UNROLL for (int k = 0; k < n; k++) UNROLL for (int i = 0; i < some; i++) {
      const bool is = first + i < active;
      const float *x = part[k] + (is ? first + i : 0) * (head + 2);
      const f32x2 two = *(const f32x2 *)&x[head];
      s[k][i] = (sum){is ? two[0] : -__builtin_inff(), two[1], *(const f32x2 *)&x[dim[k]]};
    }
    UNROLL for (int k = 0; k < n; k++) {
      s[k][some] = all[k];
      all[k] = sum_all(s[k], some + 1);
    }
  }
}
// By the last of a token's blocks; a lane has n pairs of columns at once.
INLINE void parts_join(const nf_gpu_attention *a, const task *t, int head, int n, int item, int active) {
  const int pairs = t->heads * head / 2, lanes = lane_threads();
  for (int first = lane_thread(); first < pairs; first += n * lanes) {
    const float *part[MOST_PAIRS];
    int dim[MOST_PAIRS];
    sum s[MOST_PAIRS];
    UNROLL for (int k = 0; k < n; k++) {
      const int i = first + k * lanes < pairs ? first + k * lanes : first;
      part[k] = a->part + ((int64_t)item * a->heads + t->head + i / (head / 2)) * (head + 2) * a->splits;
      dim[k] = i % (head / 2) * 2;
    }
    parts_get(part, n, head, active, dim, s);
    UNROLL for (int k = 0; k < n; k++) {
      const int i = first + k * lanes, h = t->head + i / (head / 2);
      if (i < pairs) *result_at(a, head, t->token, h, dim[k]) = sum_result(a, h, s[k]);
    }
  }
}

INLINE void attention_join(const nf_gpu_attention *a, const task *t, int head, int most, int item, int split,
                           int active) {
  const int waves = lane_waves();
  SHARED float *room = block_shared();
  const int64_t part = (int64_t)(head + 2) * a->splits;
  block_sync();
  for (int i = lane_thread(); i < t->heads * head / 2; i += waves * LANES) {
    const int col = i / (head / 2), dim = i % (head / 2) * 2;
    const sum s = waves_get(room, head, most, waves, col, dim);
    if (active == 1) {
      *result_at(a, head, t->token, t->head + col, dim) = sum_result(a, t->head + col, s);
      continue;
    }
    float *to = a->part + ((int64_t)item * a->heads + t->head + col) * part + split * (head + 2);
    *(f32x2 *)&to[dim] = s.o;
    if (dim == 0) *(f32x2 *)&to[head] = (f32x2){s.most, s.total};
  }
  if (active == 1) return;
  uint32_t *counter = a->counters + (int64_t)item * lane_blocks() + lane_block();
  if (block_is_last(counter, active, (SHARED uint32_t *)room + waves * TILE_COLS * (head + ROOM + 2)))
    parts_join(a, t, head, head > 64 ? head / 64 : 1, item, active);
}

// The keys of share `split`, of whole steps of all waves. Two steps are not worth a second share, as what
// shares have must be joined. -> how many have keys.
INLINE int task_share(const nf_gpu_attention *a, int split, int all, task *t) {
  const int first = t->from & -STEP, n = t->to - first;
  int even = (n + a->splits - 1) / a->splits;
  if (even < a->least) even = a->least;
  if (n <= 2 * all) even = n;
  const int share = (even + all - 1) / all * all, begin = first + split * share;
  if (begin > t->from) t->from = begin;
  if (begin + share < t->to) t->to = begin + share;
  return (n + share - 1) / share;
}

// A block of at most `most` waves. The step's tables were copied here ahead of its first kernel: no other
// writes them.
INLINE void attention_split(const nf_gpu_attention *a, int head, int most) {
  const int item = lane_block_z(), split = lane_block_y(), all = STEP * lane_waves();
  task t;
  columns c;
  walk w = {0};
  int active = 0;
  lane_release();
  task_heads(a, lane_block(), &t);
  const bool is = task_of_item(a, item, &t);
  if (is) {
    active = task_share(a, split, all, &t);
    w = walk_of(a, &t, (t.from & -STEP) + STEP * lane_wave(), all);
    if (split < active && w.slot >= 0) step_fetch(a, &t, head, w.slot, w.key);
    if (a->sinks != NULL && lane_thread() == 0) sink_fetch(a, t.head);
  }
  lane_wait();
  if (!is && a->by_token && split == 0) zeros(a, &t, head, item, lane_thread(), lane_threads());
  if (split >= active) return;
  attend(a, &t, head, 1, w, &c);
  waves_put(block_shared(), head, lane_waves(), &c);
  attention_join(a, &t, head, most, item, split, active);
}

// ---- a wave for some tokens ----

INLINE void tile_put(const nf_gpu_attention *a, const task *t, int head, int tile, columns *c) {
  UNROLL for (int i = 0; i < TILE_SUM_COLS; i++) c->total[i] = tile_rows_sum(c->total[i]);
  UNROLL for (int i = 0; i < 4; i++) {
    const int col = tile * TILE_COLS + tile_sum_col(i), token = col / t->heads, h = t->head + col % t->heads;
    if (token >= t->tokens) continue;
    uint16_t *o = (uint16_t *)result_at(a, head, t->token + token, h, 0);
    UNROLL for (int p = 0; p < head / 16; p++) {
      const sum s = {c->most[i % TILE_SUM_COLS], c->total[i % TILE_SUM_COLS], {c->o[p][i], 0}};
      o[sum_dim(head, p, i)] = (uint16_t)sum_result(a, h, s);
    }
  }
}

// Late tiles, which have the most keys, are begun first.
INLINE void attention_tiles(const nf_gpu_attention *a, int head, int tiles) {
  const int tile = (lane_blocks() - 1 - lane_block()) * lane_waves() + lane_wave();
  task t;
  columns c[MOST_TILES];
  bool padding;
  lane_release();
  lane_wait();
  task_heads(a, lane_block_y(), &t);
  if (!task_of_tile(a, tile, &t, &padding)) return;
  if (padding) {
    for (int i = 0; i < t.tokens; i++) zeros(a, &t, head, t.token + i, lane_id(), LANES);
    return;
  }
  if (head >= 256) t.tokens = 1; // its launch's, of which this saves the registers
  attend(a, &t, head, tiles, walk_of(a, &t, t.from & -STEP, STEP), c);
  UNROLL for (int n = 0; n < tiles; n++) tile_put(a, &t, head, n, &c[n]);
}

#if LANES == 32 // of four waves
#define THREADS 128
#else
#define THREADS 256
#endif
#if LANES == 32 // of 120 registers, so that two blocks of NF_GPU_SPLIT lanes run at once all the same
#define SPLIT_64 NF_GPU_SPLIT_64
#define SPLIT_64_BLOCKS 1
#else
#define SPLIT_64 NF_GPU_SPLIT
#define SPLIT_64_BLOCKS 2
#endif
#define ATTENTION(head, split, split_blocks)                                 \
  KERNEL(nf_attention_split_##head, nf_gpu_attention, split, split_blocks) { \
    attention_split(a, head, split / LANES);                                 \
  }                                                                          \
  KERNEL(nf_attention_tiles_##head, nf_gpu_attention, THREADS, 2) {          \
    attention_tiles(a, head, NF_GPU_TILES_##head);                           \
  }
ATTENTION(32, NF_GPU_SPLIT, 2)
ATTENTION(64, SPLIT_64, SPLIT_64_BLOCKS)
ATTENTION(128, NF_GPU_SPLIT, 1)
ATTENTION(256, NF_GPU_SPLIT, 1)

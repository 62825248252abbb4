// SPDX-License-Identifier: Apache-2.0
// attention of many tokens by Hopper's products of groups of waves. A block has 128 rows, tokens times the
// heads of a kv head that they have, and goes over all keys that these see, some at a time: queries are in
// registers (of large heads in shared memory), keys and values in shared memory, one tile ahead of what is
// computed. The next logits and the sums of values are under way while weights are made. Weights are two
// bf16, so that they have 16 bits.
//
// nf_attention_wide_*   a block has all keys of its rows
// nf_attention_share_*  where blocks are few: those of a cluster share keys, and each has some of the rows
// when
//                       these are joined
#include "kernels/gpu/tile/wide.h"
#include "kernels/gpu/attention/task.h"

#if TILE_WIDE
enum { GROUPS = NF_GPU_WIDE_ROWS / WIDE_ROWS, THREADS = GROUPS * WIDE_LANES, WAVES = THREADS / LANES };
enum { MOST_KEYS = 128, MOST_HEAD = 256, FAR = 8 };
enum { FEW_TILES = 2 }; // of keys, that are not worth a share

typedef struct rows {
  int position[2]; // of rows wide_row(0) and wide_row(1) of the group
  float most[2], total[2];
} rows;

// Tiles of keys, of values, and which waves have found no numbers in the latter, two each; queries, where
// they have no registers.
typedef struct places {
  SHARED char *keys, *values, *queries;
  SHARED uint32_t *odd;
} places;
INLINE bool has_registers(int head) { return head < 256; }
INLINE places places_of(int head, int keys) {
  SHARED char *all = block_shared(), *queries = all + 8 * keys * head;
  SHARED char *end = queries + (has_registers(head) ? 0 : NF_GPU_WIDE_ROWS * head * 2);
  return (places){all, all + 4 * keys * head, queries, (SHARED uint32_t *)end};
}
INLINE SHARED u32x4 *pack_at(SHARED char *tile, int head, int keys, int i) {
  const int row = i / (head / 8), pack = i % (head / 8);
  return (SHARED u32x4 *)(tile + pack / 8 * keys * WIDE_LINE) + wide_place(row, pack % 8);
}

// Zeros where no key is, as there may be anything. A lane has the same pack of every so manieth key.
INLINE void tile_copy(const nf_gpu_attention *a, const task *t, int head, int keys, int which, int key,
                      SHARED char *to) {
  const int packs = head / 8, step = THREADS / packs, row = lane_thread() / packs,
            pack = lane_thread() % packs;
  const int page = 1 << a->page_shift;
  const uint16_t *pool = a->pool + (((int64_t)which * a->kv_heads + t->g) << a->page_shift) * head + pack * 8;
  const int64_t slot_size = ((int64_t)2 * a->kv_heads << a->page_shift) * head;
  SHARED char *at = to + pack / 8 * keys * WIDE_LINE;
  WIDE_UNROLL for (int n = 0; n < keys / step; n++) {
    const int r = row + n * step, k = key + r, slot = slot_at(a, t, k);
    const uint16_t *from = pool + (slot >= 0 ? slot : 0) * slot_size + (k & (page - 1)) * head;
    lane_copy_async16((SHARED u32x4 *)at + wide_place(r, pack % 8), from, slot >= 0);
  }
}

// Whether all rows of the block see all keys of the tile.
INLINE bool is_whole(const nf_gpu_attention *a, const task *t, int keys, int key) {
  return key + keys <= t->position + 1 && (a->window <= 0 || key > t->position + t->tokens - 1 - a->window);
}
INLINE bool is_seen(const nf_gpu_attention *a, int position, int key) {
  return key <= position && (a->window <= 0 || key > position - a->window);
}

INLINE bool is_odd(uint32_t half) { return (half & 0x7f80) == 0x7f80; }

// A weight of zero does not keep out what is infinite or no number, so where not all rows see a value it
// becomes zero, and is added to the sums of those that do.
INLINE void values_clear(int head, int keys, SHARED char *tile, SHARED uint32_t *odd) {
  bool any = false;
  for (int i = lane_thread(); i < keys * head / 8; i += THREADS) {
    SHARED u32x4 *at = pack_at(tile, head, keys, i);
    u32x4 v = shared_get(at);
    bool here = false;
    UNROLL for (int w = 0; w < 4; w++) {
      if (is_odd(v[w])) here = true, v[w] &= 0xffff0000u;
      if (is_odd(v[w] >> 16)) here = true, v[w] &= 0xffff;
    }
    if (here) shared_put(at, v);
    any |= here;
  }
  const bool some = lane_ballot(any) != 0;
  if (lane_id() == 0) shared_put(&odd[lane_wave()], some);
}
INLINE void odd_add(float x, int i, bool seen, float *o) {
  if (seen && is_odd(lane_as_u32(x) >> 16)) o[2 * i] += x;
}
INLINE void odd_values(const nf_gpu_attention *a, const task *t, int head, int keys, int key, const rows *r,
                       SHARED uint32_t *odd, float *o) {
  bool any = false;
  for (int w = 0; w < WAVES; w++) any |= shared_get(&odd[w]) != 0;
  if (!any) return;
  for (int k = key; k < key + keys; k++) {
    const int slot = slot_at(a, t, k);
    if (slot < 0) continue;
    const uint16_t *v = rows_at(a, t, head, slot, k, 1);
    WIDE_UNROLL for (int j = 0; j < head / 8; j++) UNROLL for (int c = 0; c < 2; c++) {
      const float x = bf16_to_f32(v[wide_col(j) + c]);
      UNROLL for (int i = 0; i < 2; i++) odd_add(x, i, is_seen(a, r->position[i], k), &o[4 * j + c]);
    }
  }
}

INLINE uint32_t query_word(const char *p) {
  if ((uintptr_t)p % 4 == 0) return *(const uint32_t *)p;
  return ((const uint16_t *)p)[0] | (uint32_t)((const uint16_t *)p)[1] << 16;
}
INLINE const char *query_at(const nf_gpu_attention *a, const task *t, int row) { // NULL: none
  const int token = row / t->heads;
  if (token >= t->tokens) return NULL;
  return row_of(&a->q, (int64_t)(t->token + token) * a->heads + t->head + row % t->heads);
}
INLINE int row_of_block(int i) { return lane_thread() / WIDE_LANES * WIDE_ROWS + wide_row(i); }
INLINE rows rows_begin(const task *t) {
  rows r;
  UNROLL for (int i = 0; i < 2; i++) {
    const int token = row_of_block(i) / t->heads;
    r.position[i] = t->position + (token < t->tokens ? token : t->tokens - 1);
    r.most[i] = -__builtin_inff();
    r.total[i] = 0;
  }
  return r;
}
INLINE void queries_load(const nf_gpu_attention *a, const task *t, int head, SHARED char *tile, wide_a *q) {
  if (has_registers(head)) {
    UNROLL for (int i = 0; i < 2; i++) {
      const char *from = query_at(a, t, row_of_block(i));
      WIDE_UNROLL for (int s = 0; s < head / 16; s++) UNROLL for (int h = 0; h < 2; h++) q[s].r[i + 2 * h] =
          from != NULL ? query_word(from + 32 * s + wide_k(h)) : 0;
    }
    return;
  }
  for (int i = lane_thread(); i < NF_GPU_WIDE_ROWS * head / 8; i += THREADS) {
    const char *from = query_at(a, t, i / (head / 8));
    shared_put(pack_at(tile, head, NF_GPU_WIDE_ROWS, i),
               from != NULL ? row_load(from + i % (head / 8) * 16) : (u32x4){0});
  }
}

INLINE void logits_begin(int head, int keys, SHARED char *tile, SHARED char *queries, const wide_a *q,
                         float *l) {
  SHARED char *mine = queries + lane_thread() / WIDE_LANES * WIDE_ROWS * WIDE_LINE;
  wide_begin();
  WIDE_UNROLL for (int s = 0; s < head / 16; s++) {
    const wide_b k = wide_step(wide_tile(tile + s / 4 * keys * WIDE_LINE), s % 4);
    if (has_registers(head))
      wide_mma_bf16(keys, l, q[s], k, s > 0);
    else
      wide_mma_bf16_tiles(keys, l, wide_step(wide_tile(mine + s / 4 * NF_GPU_WIDE_ROWS * WIDE_LINE), s % 4),
                          k, s > 0);
  }
  wide_commit();
}
INLINE void values_begin(int head, int keys, SHARED char *tile, const wide_a *high, const wide_a *low,
                         float *o) {
  wide_begin();
  WIDE_UNROLL for (int s = 0; s < keys / 16; s++) {
    const wide_b v = wide_turned(tile + s * 16 * WIDE_LINE, keys * WIDE_LINE);
    wide_mma_bf16_turned(head, o, high[s], v, true);
    wide_mma_bf16_turned(head, o, low[s], v, true);
  }
  wide_commit();
}

INLINE float row_max(float v) {
  v = __builtin_fmaxf(v, lane_shuffle_xor_f32(v, 1));
  return __builtin_fmaxf(v, lane_shuffle_xor_f32(v, 2));
}
INLINE float row_sum(float v) {
  v += lane_shuffle_xor_f32(v, 1);
  return v + lane_shuffle_xor_f32(v, 2);
}

INLINE void logits_mask(const nf_gpu_attention *a, int keys, int key, const rows *r, float *l) {
  WIDE_UNROLL for (int j = 0; j < keys / 8; j++) UNROLL for (int i = 0; i < 4; i++) {
    if (!is_seen(a, r->position[i / 2], key + wide_col(j) + i % 2)) l[4 * j + i] = -__builtin_inff();
  }
}

// Logits to weights, relative to one that none is far above: to a new one only when one is, of a row of its
// own accord. f: what earlier sums are multiplied with. -> whether they are.
INLINE bool weights_of(const nf_gpu_attention *a, int keys, int key, bool whole, rows *r, float *l,
                       float f[2]) {
  bool over = false;
  float scale = a->scale;
  if (!(scale > 0)) { // so that the largest logit is that of the largest product
    WIDE_UNROLL for (int i = 0; i < keys / 2; i++) l[i] *= scale;
    scale = 1;
  }
  if (!whole) logits_mask(a, keys, key, r, l);
  UNROLL for (int i = 0; i < 2; i++) {
    float most = -__builtin_inff();
    WIDE_UNROLL for (int j = 0; j < keys / 8; j++) UNROLL for (int c = 0; c < 2; c++) {
      most = __builtin_fmaxf(most, l[4 * j + 2 * i + c]);
    }
    most = row_max(most) * scale;
    const bool far = most > r->most[i] + FAR;
    f[i] = far ? lane_exp2(r->most[i] - most) : 1;
    if (far) r->most[i] = most;
    over |= far;
    const float from = r->most[i] > -__builtin_inff() ? r->most[i] : 0;
    float total = 0;
    WIDE_UNROLL for (int j = 0; j < keys / 8; j++) UNROLL for (int c = 0; c < 2; c++) {
      float *x = &l[4 * j + 2 * i + c];
      *x = lane_exp2(__builtin_fmaf(*x, scale, -from));
      total += *x;
    }
    r->total[i] = r->total[i] * f[i] + total;
  }
  return lane_ballot(over) != 0;
}
// As two bf16 each: what the first lacks is the second.
INLINE void weights_split(int keys, const float *l, wide_a *high, wide_a *low) {
  WIDE_UNROLL for (int s = 0; s < keys / 16; s++) UNROLL for (int k = 0; k < 4; k++) {
    const float x = l[8 * s + 4 * (k / 2) + 2 * (k % 2)], y = l[8 * s + 4 * (k / 2) + 2 * (k % 2) + 1];
    const uint32_t w = f32x2_to_bf16x2(x, y);
    high[s].r[k] = w;
    low[s].r[k] = f32x2_to_bf16x2(x - bf16x2_lo(w), y - bf16x2_hi(w));
  }
}

// What the sums of a row are multiplied with.
INLINE float row_factor(const nf_gpu_attention *a, int h, float most, float total) {
  float by = 1;
  if (a->sinks != NULL) {
    const float z = sink_of(a, h), top = __builtin_fmaxf(most, z);
    by = most > -__builtin_inff() ? lane_exp2(most - top) : 0;
    total = total * by + lane_exp2(z - top);
  }
  return total == 0 ? 0 : by / total;
}
INLINE void rows_put(const nf_gpu_attention *a, const task *t, int head, const rows *r, const float *o) {
  UNROLL for (int i = 0; i < 2; i++) {
    const float total = row_sum(r->total[i]);
    const int row = row_of_block(i), token = row / t->heads;
    if (token >= t->tokens) continue;
    const int h = t->head + row % t->heads;
    const float by = row_factor(a, h, r->most[i], total);
    uint32_t *to = result_at(a, head, t->token + token, h, 0);
    WIDE_UNROLL for (int j = 0; j < head / 8; j++) to[wide_col(j) / 2] =
        f32x2_to_bf16x2(o[4 * j + 2 * i] * by, o[4 * j + 2 * i + 1] * by);
  }
}

// ---- rows of which blocks of a cluster have sums over some keys ----

// What blocks put into shared memory of the one that joins a row: [cluster][rows][packs], of sums and, the
// last, the largest logit and the sum of weights.
INLINE int join_block(const nf_gpu_attention *a, int row) { return row & (a->cluster - 1); }
INLINE SHARED u32x4 *join_place(const nf_gpu_attention *a, int head, int rank, int row, int pack) {
  const int shift = __builtin_ctz((uint32_t)a->cluster);
  const int at = rank * (NF_GPU_WIDE_ROWS >> shift) + (row >> shift);
  return (SHARED u32x4 *)block_shared() + at * (head / 4 + 1) + pack;
}
INLINE u32x4 four_of(float x, float y, float z, float w) {
  return (u32x4){lane_as_u32(x), lane_as_u32(y), lane_as_u32(z), lane_as_u32(w)};
}
// Pack p has the sums of columns wide_col(j) and wide_col(j + 1), and those behind them, of lane p % 4.
INLINE int join_column(int pack) { return pack / 4 * 16 + pack % 4 * 2; }
INLINE void rows_send(const nf_gpu_attention *a, int head, int rank, const rows *r, const float *o) {
  const int mine = lane_id() % 4;
  UNROLL for (int i = 0; i < 2; i++) {
    const int row = row_of_block(i), to = join_block(a, row);
    const float total = row_sum(r->total[i]);
    WIDE_UNROLL for (int j = 0; j < head / 8; j += 2) {
      const float *x = &o[4 * j + 2 * i];
      cluster_put16(join_place(a, head, rank, row, j * 2 + mine), to, four_of(x[0], x[1], x[4], x[5]));
    }
    if (mine == 0)
      cluster_put16(join_place(a, head, rank, row, head / 4), to, four_of(r->most[i], total, 0, 0));
  }
}
INLINE f32x4 join_get(const nf_gpu_attention *a, int head, int rank, int row, int pack) {
  const u32x4 x = shared_get(join_place(a, head, rank, row, pack));
  return (f32x4){lane_as_f32(x[0]), lane_as_f32(x[1]), lane_as_f32(x[2]), lane_as_f32(x[3])};
}
INLINE void row_join(const nf_gpu_attention *a, const task *t, int head, int row, int pack) {
  float most = -__builtin_inff(), total = 0;
  f32x4 o = {0};
  for (int r = 0; r < a->cluster; r++) most = __builtin_fmaxf(most, join_get(a, head, r, row, head / 4)[0]);
  for (int r = 0; r < a->cluster; r++) {
    const f32x4 two = join_get(a, head, r, row, head / 4);
    const float by = two[0] > -__builtin_inff() ? lane_exp2(two[0] - most) : 0;
    total += two[1] * by;
    o += join_get(a, head, r, row, pack) * by;
  }
  const int h = t->head + row % t->heads;
  uint32_t *to = result_at(a, head, t->token + row / t->heads, h, join_column(pack));
  o *= row_factor(a, h, most, total);
  to[0] = f32x2_to_bf16x2(o[0], o[1]);
  to[4] = f32x2_to_bf16x2(o[2], o[3]);
}
INLINE void rows_join(const nf_gpu_attention *a, const task *t, int head, const rows *r, const float *o) {
  const int rank = lane_block_y() & (a->cluster - 1);
  cluster_arrive();
  cluster_wait(); // all are done with their tiles
  rows_send(a, head, rank, r, o);
  cluster_arrive();
  cluster_wait();
  for (int i = lane_thread();; i += THREADS) {
    const int row = i / (head / 4) * a->cluster + rank;
    if (row >= t->tokens * t->heads) return;
    row_join(a, t, head, row, i % (head / 4));
  }
}

// A block's share of a task's keys, of whole tiles. -> how many have some.
INLINE int task_share(const nf_gpu_attention *a, int keys, int rank, task *t) {
  const int tiles = (t->to - t->from + keys - 1) / keys, each = (tiles + a->cluster - 1) / a->cluster * keys;
  if (tiles <= FEW_TILES) return 1;
  t->from += rank * each;
  if (t->from + each < t->to) t->to = t->from + each;
  return a->cluster;
}

// ---- a block ----

// All waves have come: the tile's values and the next one's keys are there, those before are done with.
INLINE void tile_meet(const nf_gpu_attention *a, const task *t, int head, int keys, int key, int n,
                      const places *p) {
  const int bytes = 2 * keys * head;
  lane_copy_wait(0);
  if (!is_whole(a, t, keys, key)) values_clear(head, keys, p->values + n % 2 * bytes, p->odd + n % 2 * WAVES);
  wide_publish();
  block_sync();
}
INLINE void tiles_ahead(const nf_gpu_attention *a, const task *t, int head, int keys, int key, int n,
                        const places *p) {
  const int bytes = 2 * keys * head;
  tile_copy(a, t, head, keys, 0, key + 2 * keys, p->keys + n % 2 * bytes);
  tile_copy(a, t, head, keys, 1, key + keys, p->values + (n + 1) % 2 * bytes);
  lane_copy_commit();
}

INLINE void attend(const nf_gpu_attention *a, const task *t, int head, int keys, bool alone) {
  const places p = places_of(head, keys);
  const int bytes = 2 * keys * head;
  rows r = rows_begin(t);
  wide_a q[MOST_HEAD / 16], high[MOST_KEYS / 16], low[MOST_KEYS / 16];
  float l[MOST_KEYS / 2], o[MOST_HEAD / 2], f[2];
  int key = t->from;
  tile_copy(a, t, head, keys, 0, key, p.keys);
  lane_copy_commit();
  tile_copy(a, t, head, keys, 0, key + keys, p.keys + bytes);
  tile_copy(a, t, head, keys, 1, key, p.values);
  lane_copy_commit();
  queries_load(a, t, head, p.queries, q);
  WIDE_UNROLL for (int i = 0; i < head / 2; i++) o[i] = 0;
  lane_copy_wait(1);
  wide_publish();
  block_sync();
  logits_begin(head, keys, p.keys, p.queries, q, l);
  wide_wait(0, keys, l);
  weights_of(a, keys, key, is_whole(a, t, keys, key), &r, l, f);
  weights_split(keys, l, high, low);
  int n = 0;
  for (; key + keys < t->to; n++, key += keys) {
    const bool whole = is_whole(a, t, keys, key);
    tile_meet(a, t, head, keys, key, n, &p);
    logits_begin(head, keys, p.keys + (n + 1) % 2 * bytes, p.queries, q, l);
    values_begin(head, keys, p.values + n % 2 * bytes, high, low, o);
    tiles_ahead(a, t, head, keys, key, n, &p);
    wide_wait(1, keys, l);
    const bool over = weights_of(a, keys, key + keys, is_whole(a, t, keys, key + keys), &r, l, f);
    wide_wait(0, head, o);
    if (!whole) odd_values(a, t, head, keys, key, &r, p.odd + n % 2 * WAVES, o);
    if (over)
      WIDE_UNROLL for (int j = 0; j < head / 8; j++) UNROLL for (int k = 0; k < 4; k++) o[4 * j + k] *=
          f[k / 2];
    weights_split(keys, l, high, low);
  }
  tile_meet(a, t, head, keys, key, n, &p);
  values_begin(head, keys, p.values + n % 2 * bytes, high, low, o);
  wide_wait(0, head, o);
  if (!is_whole(a, t, keys, key)) odd_values(a, t, head, keys, key, &r, p.odd + n % 2 * WAVES, o);
  if (alone)
    rows_put(a, t, head, &r, o);
  else
    rows_join(a, t, head, &r, o);
}

// Late rows, which have the most keys, are begun first. `shares`: blocks of a cluster share their keys.
INLINE void attention_wide(const nf_gpu_attention *a, int head, int keys, bool shares) {
  task t;
  bool padding;
  lane_release();
  const int rank = shares ? lane_block_y() % a->cluster : 0;
  task_heads(a, shares ? lane_block_y() / a->cluster : lane_block_y(), &t);
  const bool is = task_of_tile(a, lane_blocks() - 1 - lane_block(), &t, &padding);
  lane_wait();
  if (!is) return;
  if (padding) {
    if (rank == 0)
      for (int i = 0; i < t.tokens; i++) zeros(a, &t, head, t.token + i, lane_thread(), THREADS);
    return;
  }
  const int blocks = shares ? task_share(a, keys, rank, &t) : 1;
  if (rank < blocks) attend(a, &t, head, keys, blocks == 1);
}
#endif

#define WIDE(name, head, blocks_each, shares)                                \
  KERNEL(nf_attention_##name##_##head, nf_gpu_attention, 256, blocks_each) { \
    (void)a;                                                                 \
    WIDE_ONLY(attention_wide(a, head, NF_GPU_WIDE_KEYS_##head, shares);)     \
  }
WIDE(wide, 64, 2, false)
WIDE(wide, 128, 1, false)
WIDE(wide, 256, 1, false)
WIDE(share, 64, 1, true)
WIDE(share, 128, 1, true)

// SPDX-License-Identifier: Apache-2.0
// attention over a bf16 paged cache. A block is one kv head and a tile of tokens; each page is widened once
// for all tokens and query heads of the block. Online softmax, page by page in the order of positions, so
// that a token's result does not depend on what shares its block.
#include "kernels/contract/args.h"
#include "kernels/cpu/generic/vec.h"
#include "tensor/scalar.h"
#include <math.h>

enum { TILE = 8, MAX_HEAD = 256, MAX_GROUP = 16, MAX_PAGE = 64 };

typedef struct page_tile {       // one page of one kv head, float32
  float kt[MAX_HEAD * MAX_PAGE]; // [head][page]: keys side by side
  float v[MAX_PAGE * MAX_HEAD];  // [page][head]
} page_tile;

typedef struct head_state { // online softmax of one query head
  float max, sum;
  float o[MAX_HEAD];
} head_state;

typedef struct geometry {
  int64_t group, head, page; // query heads of a kv head, head size, tokens of a page
} geometry;

static geometry geometry_of(const nf_attention_args *a) {
  return (geometry){a->q.dim[1] / a->kv.dim[2], a->q.dim[2], a->kv.dim[3]};
}

int64_t NF_BLOCKS(attention_bf16)(const nf_attention_args *a) {
  return (a->q.dim[0] + TILE - 1) / TILE * a->kv.dim[2];
}

static const uint16_t *page_rows(const nf_attention_args *a, int64_t slot, int which, int64_t g) {
  return (const uint16_t *)a->kv.data + slot * a->kv.stride[0] + which * a->kv.stride[1] +
         g * a->kv.stride[2];
}

static void widen_page(const nf_attention_args *a, const geometry *geo, int64_t slot, int64_t g,
                       page_tile *out) {
  const uint16_t *k = page_rows(a, slot, 0, g), *v = page_rows(a, slot, 1, g);
  for (int64_t i = 0; i < geo->page; i++)
    for (int64_t d = 0; d < geo->head; d += 8) {
      const v8 wide = v8_load_bf16(k + i * a->kv.stride[3] + d);
      for (int j = 0; j < 8; j++) out->kt[(d + j) * MAX_PAGE + i] = wide[j];
      v8_store(out->v + i * geo->head + d, v8_load_bf16(v + i * a->kv.stride[3] + d));
    }
}

// Keys [first, last] of the page join the head's softmax.
static void add_page(const geometry *geo, const page_tile *p, const float *q, int first, int last,
                     head_state *h) {
  float l[MAX_PAGE];
  v8 highest = v8_splat(-INFINITY);
  for (int64_t i = 0; i < geo->page; i += 8) {
    v8 s = v8_splat(0);
    for (int64_t d = 0; d < geo->head; d++) s = v8_fma(v8_splat(q[d]), v8_load(p->kt + d * MAX_PAGE + i), s);
    for (int j = 0; j < 8; j++)
      if (i + j < first || i + j > last) s[j] = -INFINITY;
    v8_store(l + i, s);
    highest = v8_max(highest, s);
  }
  const float page_max = v8_highest(highest), max = page_max > h->max ? page_max : h->max;
  const float fade = h->max == -INFINITY ? 0 : expf(h->max - max);
  v8 sum = v8_splat(0);
  for (int64_t i = 0; i < geo->page; i += 8) {
    const v8 x = v8_load(l + i) - v8_splat(max), e = v8_select(v8_is_nan(x), x, v8_exp(x));
    v8_store(l + i, e);
    sum += e;
  }
  h->max = max;
  h->sum = h->sum * fade + v8_sum(sum);
  for (int64_t d = 0; d < geo->head; d += 8) {
    v8 o = v8_load(h->o + d) * v8_splat(fade);
    for (int i = first; i <= last; i++) o = v8_fma(v8_splat(l[i]), v8_load(p->v + i * geo->head + d), o);
    v8_store(h->o + d, o);
  }
}

static void start_head(const nf_attention_args *a, int64_t h, head_state *out) {
  memset(out->o, 0, sizeof out->o);
  out->max = -INFINITY;
  out->sum = 0;
  if (a->sinks.data == NULL) return;
  out->max = a->sinks.dtype == NF_F32 ? ((const float *)a->sinks.data)[h]
                                      : nf_bf16_decode(((const uint16_t *)a->sinks.data)[h]);
  out->sum = 1;
}

static void finish_head(const nf_attention_args *a, int64_t t, int64_t h, const head_state *s) {
  const int64_t head = a->q.dim[2];
  uint16_t *o = (uint16_t *)a->o.data + t * a->o.stride[0] + h * a->o.stride[1];
  for (int64_t d = 0; d < head; d++) o[d] = nf_bf16_encode(s->o[d] / s->sum);
}

// Query rows of the group's heads for one token, already scaled.
static void widen_query(const nf_attention_args *a, const geometry *geo, int64_t t, int64_t g, float *q) {
  for (int64_t h = 0; h < geo->group; h++) {
    const uint16_t *row =
        (const uint16_t *)a->q.data + t * a->q.stride[0] + (g * geo->group + h) * a->q.stride[1];
    for (int64_t d = 0; d < geo->head; d += 8)
      v8_store(q + h * MAX_HEAD + d, v8_load_bf16(row + d) * v8_splat(a->attr.scale));
  }
}

// Tokens [t0, t1) of sequence s, kv head g.
static void run_tokens(const nf_attention_args *a, const geometry *geo, int64_t s, int64_t g, int64_t t0,
                       int64_t t1) {
  const int32_t *position = a->batch->position, *table = nf_batch_pages(a->batch, a->kv.cache, s);
  const int64_t window = a->attr.window;
  float q[TILE][MAX_GROUP * MAX_HEAD];
  head_state state[TILE][MAX_GROUP];
  page_tile tile;
  for (int64_t t = t0; t < t1; t++) {
    widen_query(a, geo, t, g, q[t - t0]);
    for (int64_t h = 0; h < geo->group; h++) start_head(a, g * geo->group + h, &state[t - t0][h]);
  }
  const int64_t oldest = window > 0 && position[t0] >= window ? position[t0] - window + 1 : 0;
  for (int64_t p = oldest / geo->page; p <= position[t1 - 1] / geo->page; p++) {
    widen_page(a, geo, table[p], g, &tile);
    for (int64_t t = t0; t < t1; t++) {
      const int64_t low = window > 0 && position[t] >= window ? position[t] - window + 1 : 0;
      const int64_t first = low - p * geo->page, last = position[t] - p * geo->page;
      if (last < 0 || first >= geo->page) continue;
      for (int64_t h = 0; h < geo->group; h++)
        add_page(geo, &tile, q[t - t0] + h * MAX_HEAD, (int)(first > 0 ? first : 0),
                 (int)(last < geo->page ? last : geo->page - 1), &state[t - t0][h]);
    }
  }
  for (int64_t t = t0; t < t1; t++)
    for (int64_t h = 0; h < geo->group; h++) finish_head(a, t, g * geo->group + h, &state[t - t0][h]);
}

void NF_KERNEL(attention_bf16)(const nf_attention_args *a, int64_t block) {
  const geometry geo = geometry_of(a);
  const int64_t kv_heads = a->kv.dim[2], g = block % kv_heads, t0 = block / kv_heads * TILE;
  const int64_t t1 = t0 + TILE < a->q.dim[0] ? t0 + TILE : a->q.dim[0];
  const int32_t *start = a->batch->q_start;
  for (int64_t s = 0; s < a->batch->sizes.of[NF_S]; s++) {
    const int64_t low = start[s] > t0 ? start[s] : t0, high = start[s + 1] < t1 ? start[s + 1] : t1;
    if (low < high) run_tokens(a, &geo, s, g, low, high);
  }
}

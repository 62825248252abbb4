// SPDX-License-Identifier: Apache-2.0
// attention over a bf16 paged cache. A block is one kv head and some tokens: their query heads are the rows
// of two products with each page of keys and values, which is read once for all of them. Online softmax, page
// by page at absolute positions, and products in the order of strips.h: a token's bits do not depend on what
// shares its block, nor on which of the kernels of this source runs.
//
// Keys are cut into splits at absolute positions, each with a softmax from nothing, and these are joined in
// their order. Where blocks are few a split is a block, and the second round joins them.
//
// Weights of keys enter the second product as two bf16 numbers, which are 17 bits of them.
#include "kernels/cpu/pairs/rows.h"
#include "kernels/cpu/pairs/token.h"

enum {
  SPREAD = 64,    // blocks, if it can be
  UNITS = 32,     // tokens times kv heads: up to so many, splits are blocks of their own
  FLUSH = 0x8040, // subnormal numbers are zeros
};

// All splits of a token, one after the other.
static void run_token(const nf_heads *r, nf_token_room *m) {
  const nf_span splits = nf_splits_of(r->a, r->t0);
  nf_token_query(r, m);
  nf_token_begin(r, &m->all);
  for (int64_t s = splits.first; s <= splits.last; s++) {
    nf_token_split(r, s, m);
    nf_token_join(r, &m->all, m->split.s, m->split.o[0], NF_MOST_HEAD);
  }
  nf_token_finish(r, &m->all);
}

// ---- blocks ----

typedef union scratch {
  nf_rows_room rows;
  nf_token_room token;
} scratch;

static int64_t used_tokens(const nf_attention_args *a) {
  return nf_min(a->q.dim[0], a->batch->q_start[a->batch->sizes.of[NF_S]]); // behind them is padding
}

static bool by_splits(const nf_attention_args *a) { return a->q.dim[0] * a->kv.dim[2] <= UNITS; }

static int64_t tokens_of_block(const nf_attention_args *a) {
  const int64_t most = ROWS / (a->q.dim[1] / a->kv.dim[2]);
  return nf_max(1, nf_min(most, a->q.dim[0] * a->kv.dim[2] / SPREAD));
}

static int64_t sequence_of(const nf_batch *b, int64_t t) {
  int64_t s = 0;
  while (b->q_start[s + 1] <= t) s++;
  return s;
}

int64_t NF_BLOCKS(attention_pairs)(const nf_attention_args *a) {
  int64_t splits = 0;
  if (!by_splits(a)) return nf_ceil_div(a->q.dim[0], tokens_of_block(a)) * a->kv.dim[2];
  for (int64_t t = 0; t < used_tokens(a); t++) splits += nf_split_count(nf_splits_of(a, t));
  return splits * a->kv.dim[2];
}

size_t NF_SCRATCH(attention_pairs)(const nf_attention_args *) { return sizeof(scratch); }

// Of a split: softmax of each row, and results, row after row.
static int64_t split_floats(const nf_attention_args *a) {
  return (int64_t)(sizeof(nf_softmax) / sizeof(float)) * NF_MOST_GROUP +
         a->q.dim[1] / a->kv.dim[2] * a->q.dim[2];
}

size_t NF_SHARED(attention_pairs)(const nf_attention_args *a) {
  const int64_t units = nf_min(UNITS, a->q.dim[0] * a->kv.dim[2]);
  return (size_t)(units * NF_MOST_SPLITS * split_floats(a)) * sizeof(float);
}

// Of split i that the token sees.
static nf_softmax *split_at(const nf_heads *r, const nf_shared *s, int64_t i, float **o) {
  const int64_t unit = r->t0 * r->a->kv.dim[2] + r->kv_head;
  nf_softmax *at = (nf_softmax *)((float *)s->shared + (unit * NF_MOST_SPLITS + i) * split_floats(r->a));
  *o = (float *)(at + NF_MOST_GROUP);
  return at;
}

static void run_split(const nf_attention_args *a, int64_t block, const nf_shared *s) {
  int64_t t = 0, i = block / a->kv.dim[2], n;
  for (; i >= (n = nf_split_count(nf_splits_of(a, t))); t++) i -= n;
  const nf_heads r = nf_heads_of(a, sequence_of(a->batch, t), block % a->kv.dim[2], t, t + 1);
  nf_token_room *m = s->own;
  if (n == 1) {
    run_token(&r, m);
    return;
  }
  nf_token_query(&r, m);
  nf_token_split(&r, nf_splits_of(a, t).first + i, m);
  float *o;
  memcpy(split_at(&r, s, i, &o), m->split.s, sizeof m->split.s);
  for (int row = 0; row < r.n; row++) memcpy(o + row * r.head, m->split.o[row], (size_t)r.head * sizeof *o);
}

static void run_tokens(const nf_attention_args *a, int64_t block, scratch *own) {
  const int64_t kv_heads = a->kv.dim[2], tokens = tokens_of_block(a), t0 = block / kv_heads * tokens;
  const int32_t *start = a->batch->q_start;
  for (int64_t s = 0; s < a->batch->sizes.of[NF_S]; s++) {
    const int64_t low = nf_max(start[s], t0), high = nf_min(start[s + 1], nf_min(t0 + tokens, a->q.dim[0]));
    nf_heads r = nf_heads_of(a, s, block % kv_heads, low, high);
    if (high - low == 1)
      run_token(&r, &own->token);
    else if (low < high)
      run_rows(&r, high - 1, &own->rows);
  }
}

void NF_KERNEL(attention_pairs)(const nf_attention_args *a, int64_t block, const nf_shared *s) {
  const unsigned was = _mm_getcsr();
  _mm_setcsr(was | FLUSH);
  if (by_splits(a))
    run_split(a, block, s);
  else
    run_tokens(a, block, s->own);
  _mm_setcsr(was);
}

// ---- the second round: splits are joined ----

int64_t NF_THEN_BLOCKS(attention_pairs)(const nf_attention_args *a) {
  bool any = false;
  if (!by_splits(a)) return 0;
  for (int64_t t = 0; t < used_tokens(a); t++) any |= nf_split_count(nf_splits_of(a, t)) > 1;
  return any ? used_tokens(a) * a->kv.dim[2] : 0;
}

void NF_THEN(attention_pairs)(const nf_attention_args *a, int64_t block, const nf_shared *s) {
  const int64_t kv_heads = a->kv.dim[2], t = block / kv_heads, n = nf_split_count(nf_splits_of(a, t));
  const nf_heads r = nf_heads_of(a, sequence_of(a->batch, t), block % kv_heads, t, t + 1);
  nf_token_part *all = &((nf_token_room *)s->own)->all;
  if (n == 1) return;
  const unsigned was = _mm_getcsr();
  _mm_setcsr(was | FLUSH);
  nf_token_begin(&r, all);
  for (int64_t i = 0; i < n; i++) {
    float *o;
    const nf_softmax *split = split_at(&r, s, i, &o);
    nf_token_join(&r, all, split, o, r.head);
  }
  nf_token_finish(&r, all);
  _mm_setcsr(was);
}

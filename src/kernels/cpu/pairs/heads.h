// SPDX-License-Identifier: Apache-2.0
// Rows of attention: the query heads of a kv head's group for some tokens of a sequence, and the keys that
// they see.
#pragma once
#include "base/memory.h"
#include "kernels/cpu/pairs/softmax.h"
#include "tensor/scalar.h"

enum { NF_MOST_GROUP = 16 };

typedef struct nf_heads { // all heads of the group of token t0, then of the next
  const nf_attention_args *a;
  const int32_t *table; // pages of the sequence
  int64_t group, head, page, t0, kv_head;
  int n, padded;
} nf_heads;

NF_INLINE nf_heads nf_heads_of(const nf_attention_args *a, int64_t sequence, int64_t kv_head, int64_t t0,
                               int64_t t1) {
  const int64_t group = a->q.dim[1] / a->kv.dim[2];
  return (nf_heads){.a = a,
                    .table = nf_batch_pages(a->batch, a->kv.cache, sequence),
                    .group = group,
                    .head = a->q.dim[2],
                    .page = a->kv.dim[3],
                    .t0 = t0,
                    .kv_head = kv_head,
                    .n = (int)((t1 - t0) * group)};
}

NF_INLINE int64_t nf_head_of(const nf_heads *r, int row) { return r->kv_head * r->group + row % r->group; }
NF_INLINE int64_t nf_token_of(const nf_heads *r, int row) { return r->t0 + row / r->group; }

// Of the keys and the values of a page: its first row.
NF_INLINE const uint16_t *nf_page_rows(const nf_heads *r, int64_t page, int which) {
  const int64_t *stride = r->a->kv.stride;
  return (const uint16_t *)r->a->kv.data + r->table[page] * stride[0] + which * stride[1] +
         r->kv_head * stride[2];
}

NF_INLINE int64_t nf_oldest_key(const nf_attention_args *a, int64_t t) {
  const int64_t window = a->attr.window, p = a->batch->position[t];
  return window > 0 ? nf_max(0, p - window + 1) : 0;
}

// Keys that the row sees of the page which begins with key `begin`.
NF_INLINE nf_span nf_seen_by(const nf_heads *r, int64_t begin, int row) {
  const int64_t t = nf_token_of(r, row);
  return (nf_span){nf_max(0, nf_oldest_key(r->a, t) - begin),
                   nf_min(r->page - 1, r->a->batch->position[t] - begin)};
}

// Splits that a token sees something of.
NF_INLINE nf_span nf_splits_of(const nf_attention_args *a, int64_t t) {
  const int64_t p = a->batch->position[t], keys = nf_split_keys(p);
  return (nf_span){nf_oldest_key(a, t) / keys, p / keys};
}
NF_INLINE int64_t nf_split_count(nf_span s) { return s.last - s.first + 1; }

// 32 columns of a row of q as two vectors.
NF_INLINE void nf_load_q(const nf_heads *r, int row, int64_t d, __m512 *low, __m512 *high) {
  const int64_t *stride = r->a->q.stride;
  const uint16_t *q =
      (const uint16_t *)r->a->q.data + nf_token_of(r, row) * stride[0] + nf_head_of(r, row) * stride[1] + d;
  const __m512i x = _mm512_loadu_si512(q);
  *low = nf_widen_bf16(_mm512_castsi512_si256(x));
  *high = nf_widen_bf16(_mm512_extracti64x4_epi64(x, 1));
}

NF_INLINE uint16_t *nf_result_row(const nf_heads *r, int row) {
  const nf_tensor *o = &r->a->o;
  return (uint16_t *)o->data + nf_token_of(r, row) * o->stride[0] + nf_head_of(r, row) * o->stride[1];
}

// What a row begins with: its sink, if there is one.
NF_INLINE nf_softmax nf_begin(const nf_heads *r, int row) {
  const nf_tensor *s = &r->a->sinks;
  const int64_t h = nf_head_of(r, row);
  if (s->data == NULL) return (nf_softmax){-INFINITY, 0};
  return (nf_softmax){
      s->dtype == NF_F32 ? ((const float *)s->data)[h] : nf_bf16_decode(((const uint16_t *)s->data)[h]), 1};
}

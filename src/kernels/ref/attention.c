// SPDX-License-Identifier: Apache-2.0
// The paged key and value cache: writing it, and attention over it. Slots are [2 (k, v), kv heads, page,
// head].
#include "kernels/ref/ref.h"

static int64_t row_of(const nf_tensor *kv, int64_t slot, int64_t which, int64_t h, int64_t i) {
  return ((slot * 2 + which) * kv->dim[2] + h) * kv->dim[3] + i;
}

int64_t nf_kv_write_ref_blocks(const nf_kv_write_args *a) { return a->k.dim[0]; }

void nf_kv_write_ref(const nf_kv_write_args *a, int64_t t) {
  const int64_t heads = a->k.dim[1], page = a->kv.dim[3], slot = a->batch->group[a->kv.cache].write_slot[t];
  if (slot < 0) return;
  for (int64_t h = 0; h < heads; h++) {
    nf_ref_copy(&a->kv, row_of(&a->kv, slot / page, 0, h, slot % page), &a->k, t * heads + h);
    nf_ref_copy(&a->kv, row_of(&a->kv, slot / page, 1, h, slot % page), &a->v, t * heads + h);
  }
}

// The sequence of token t, or -1 when t is padding.
static int64_t sequence_of(const nf_batch *b, int64_t t) {
  int64_t s = b->sizes.of[NF_S] - 1;
  if (s < 0 || t >= b->q_start[s + 1]) return -1;
  while (b->q_start[s] > t) s--;
  return s;
}

// A softmax over logits as they come: the largest so far, and sums relative to it.
typedef struct softmax {
  float most, sum;
  float *o; // [head]
} softmax;

static void take(softmax *s, float logit, const float *v, int64_t head) {
  if (logit > s->most) {
    const float shrink = expf(s->most - logit);
    for (int64_t i = 0; i < head; i++) s->o[i] *= shrink;
    s->sum *= shrink;
    s->most = logit;
  }
  const float p = expf(logit - s->most);
  if (v) nf_ref_add_scaled(s->o, p, v, head);
  s->sum += p;
}

// The keys or values of one head in a slot, [page, head].
static nf_tensor page_of(const nf_tensor *kv, int64_t slot, int64_t which, int64_t h) {
  return (nf_tensor){.data = nf_tensor_row(kv, row_of(kv, slot, which, h, 0)),
                     .dtype = kv->dtype,
                     .rank = 2,
                     .dim = {kv->dim[3], kv->dim[4]},
                     .stride = {kv->stride[3], 1}};
}

static void keys(const nf_attention_args *a, int64_t seq, int64_t t, int64_t g, const float *q, softmax *s) {
  const nf_tensor *kv = &a->kv;
  const int32_t *pages = nf_batch_pages(a->batch, kv->cache, seq);
  const int64_t page = kv->dim[3], head = kv->dim[4], p = a->batch->position[t], window = a->attr.window;
  float k_room[nf_ref_room(kv)], v_room[nf_ref_room(kv)];
  for (int64_t j = window > 0 ? nf_max(0, p - window + 1) : 0, end; j <= p; j = end) {
    const int64_t slot = pages[j / page];
    end = nf_min(p + 1, (j / page + 1) * page);
    if (slot < 0) continue;
    const nf_tensor k = page_of(kv, slot, 0, g), v = page_of(kv, slot, 1, g);
    for (int64_t i = j; i < end; i++)
      take(s, a->attr.scale * nf_ref_dot(q, nf_ref_row(&k, i % page, k_room), head),
           nf_ref_row(&v, i % page, v_room), head);
  }
}

int64_t nf_attention_ref_blocks(const nf_attention_args *a) { return a->q.dim[0] * a->q.dim[1]; }

// A block is one head of one token. Padding tokens get zeros.
void nf_attention_ref(const nf_attention_args *a, int64_t block) {
  const int64_t heads = a->q.dim[1], head = a->q.dim[2], t = block / heads, h = block % heads;
  const int64_t seq = sequence_of(a->batch, t);
  float q_room[nf_ref_room(&a->q)], o[nf_max(1, head)];
  for (int64_t i = 0; i < head; i++) o[i] = 0;
  if (seq >= 0) {
    softmax s = {-INFINITY, 0, o};
    if (a->sinks.data) {
      float room[nf_ref_room(&a->sinks)];
      take(&s, nf_ref_row(&a->sinks, 0, room)[h], NULL, head);
    }
    keys(a, seq, t, h / (heads / a->kv.dim[2]), nf_ref_row(&a->q, block, q_room), &s);
    for (int64_t i = 0; i < head && s.sum > 0; i++) o[i] /= s.sum;
  }
  nf_row_encode(&a->o, block, o);
}

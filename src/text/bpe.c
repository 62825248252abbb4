// SPDX-License-Identifier: Apache-2.0
// Two ways with one result: short pieces look for the lowest rank by scanning, long ones keep a heap.
#include "base/memory.h"
#include "text/vocab.h"

enum { SHORT = 32 };
static const uint32_t NONE = UINT32_MAX;

typedef struct nf_bpe_node {
  int32_t id;
  uint32_t prev, next; // neighbours that still live, NONE at the ends
  uint32_t rank;       // of merging with next; NONE: can't, or merged away
  int32_t merged;      // the result
} nf_bpe_node;

void nf_bpe_work_deinit(nf_bpe_work *w) {
  nf_free(w->node);
  nf_free(w->heap);
  *w = (nf_bpe_work){0};
}

static uint32_t rank_pair(const nf_vocab *v, int32_t left, int32_t right, int32_t *merged) {
  const nf_merge *m = nf_merge_slot(v, (uint32_t)left, (uint32_t)right);
  if (m->id == 0) return NONE;
  *merged = (int32_t)(m->id - 1);
  return m->rank;
}

static nf_status merge_short(const nf_vocab *v, nf_view piece, nf_ids *out) {
  int32_t id[SHORT], merged[SHORT];
  uint32_t rank[SHORT];
  size_t n = piece.n;
  for (size_t i = 0; i < n; i++) id[i] = v->byte[(unsigned char)piece.at[i]];
  for (size_t i = 0; i + 1 < n; i++) rank[i] = rank_pair(v, id[i], id[i + 1], &merged[i]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; i++)
      if (rank[i] < rank[best]) best = i;
    if (rank[best] == NONE) break;
    id[best] = merged[best];
    n--;
    for (size_t i = best + 1; i < n; i++) id[i] = id[i + 1], rank[i - 1] = rank[i], merged[i - 1] = merged[i];
    if (best > 0) rank[best - 1] = rank_pair(v, id[best - 1], id[best], &merged[best - 1]);
    if (best + 1 < n) rank[best] = rank_pair(v, id[best], id[best + 1], &merged[best]);
  }
  for (size_t i = 0; i < n; i++) NF_TRY(nf_ids_push(out, id[i]));
  return nf_ok();
}

static void sift_down(uint64_t *heap, size_t n, size_t i) {
  uint64_t x = heap[i];
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= x) break;
    heap[i] = heap[child];
  }
  heap[i] = x;
}

// Ranks node i with its next and puts it on the heap; entries of what it was before stay there and are stale.
static nf_status rank_node(const nf_vocab *v, nf_bpe_work *w, uint32_t i, size_t *heap_n) {
  nf_bpe_node *node = &w->node[i];
  node->rank = node->next == NONE ? NONE : rank_pair(v, node->id, w->node[node->next].id, &node->merged);
  if (node->rank == NONE) return nf_ok();
  if (!nf_grow(&w->heap, &w->heap_cap, *heap_n + 1, sizeof *w->heap))
    return nf_error(NF_NO_MEMORY, "no memory for merging");
  uint64_t x = (uint64_t)node->rank << 32 | i;
  size_t at = (*heap_n)++;
  for (; at > 0 && w->heap[(at - 1) / 2] > x; at = (at - 1) / 2) w->heap[at] = w->heap[(at - 1) / 2];
  w->heap[at] = x;
  return nf_ok();
}

static nf_status merge_node(const nf_vocab *v, nf_bpe_work *w, uint32_t i, size_t *heap_n) {
  nf_bpe_node *node = &w->node[i], *gone = &w->node[node->next];
  node->id = node->merged;
  node->next = gone->next;
  gone->rank = NONE;
  if (node->next != NONE) w->node[node->next].prev = i;
  if (node->prev != NONE) NF_TRY(rank_node(v, w, node->prev, heap_n));
  return rank_node(v, w, i, heap_n);
}

static nf_status merge_long(const nf_vocab *v, nf_bpe_work *w, nf_view piece, nf_ids *out) {
  size_t heap_n = 0;
  if (!nf_grow(&w->node, &w->node_cap, piece.n, sizeof *w->node))
    return nf_error(NF_NO_MEMORY, "no memory for merging");
  for (uint32_t i = 0; i < piece.n; i++)
    w->node[i] = (nf_bpe_node){.id = v->byte[(unsigned char)piece.at[i]],
                               .prev = i ? i - 1 : NONE,
                               .next = i + 1 < piece.n ? i + 1 : NONE};
  for (uint32_t i = 0; i < piece.n; i++) NF_TRY(rank_node(v, w, i, &heap_n));
  while (heap_n) {
    uint64_t top = w->heap[0];
    w->heap[0] = w->heap[--heap_n];
    if (heap_n) sift_down(w->heap, heap_n, 0);
    if (w->node[(uint32_t)top].rank == top >> 32) NF_TRY(merge_node(v, w, (uint32_t)top, &heap_n));
  }
  for (uint32_t i = 0; i != NONE; i = w->node[i].next) NF_TRY(nf_ids_push(out, w->node[i].id));
  return nf_ok();
}

nf_status nf_bpe_piece(const nf_vocab *v, nf_bpe_work *w, nf_view piece, nf_ids *out) {
  if (piece.n == 0) return nf_ok();
  return piece.n <= SHORT ? merge_short(v, piece, out) : merge_long(v, w, piece, out);
}

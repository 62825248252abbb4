// SPDX-License-Identifier: Apache-2.0
// experts_swiglu and experts_silu: what lies between an expert's two products stays in the block, and so in
// the cache. A block takes every n-th tile of an expert's tokens, where n follows from shapes: the tile's
// rows times all strips of the first weights, the activation by its own kernels, the result times all strips
// of the last. So every number is made as the ops alone make it, bit by bit.
//
// The sum over a token's experts stays outside: it would cross blocks.
#include "kernels/cpu/generic/choices.h"
#include "kernels/cpu/generic/gather.h"
#include "kernels/kernels.h"

enum {
  GROUP = 8, // strips at a time, that share scales of 128 rows
  MAX_INNER = 4096,
  STEP = 6,        // pairs that matrix tiles take at a time
  ROOM = 278 << 10 // bytes of a tile's tensor [pairs, inner]: 48 pairs of GPT-OSS in bf16
};

_Static_assert(ROOM / (sizeof(float) * MAX_INNER) >= STEP, "a step of the widest rows has room");

typedef struct tiles { // those of a block, one after the other
  const nf_tensor *ids;
  int64_t e, at, every, turn; // the next pair, and how many tiles to go until it is this block's turn
  int size;                   // pairs of a tile
  nf_pairs pairs;
  int64_t row[NF_MOST_PAIRS], of_x[NF_MOST_PAIRS]; // rows of the tile's own tensors; of x
} tiles;

// Equal tiles, as few as will do, of whole steps of the matrix tiles; ROOM holds their tensors.
static int size_of_tiles(const nf_tensor *ids, int64_t e, int64_t row_bytes) {
  const int64_t most = nf_min(NF_MOST_PAIRS, ROOM / row_bytes / STEP * STEP);
  int64_t n = 0;
  for (int64_t t = 0; t < ids->dim[0]; t++)
    for (int64_t j = 0; j < ids->dim[1]; j++) n += ((const int32_t *)nf_tensor_row(ids, t))[j] == e;
  return (int)nf_round_up(nf_ceil_div(n, nf_max(1, nf_ceil_div(n, most))), STEP);
}

// inner: columns between the products, of the dtype of y.
static tiles tiles_of(const nf_tensor *ids, const nf_tensor *w, const nf_tensor *y, int64_t inner,
                      int64_t block) {
  const int64_t every = nf_blocks_of_expert(ids, w->dim[0], NF_MOST_PAIRS),
                bytes = inner * nf_dtype_of(y->dtype)->bits / 8;
  return (tiles){.ids = ids,
                 .e = block / every,
                 .every = every,
                 .turn = block % every,
                 .size = size_of_tiles(ids, block / every, bytes)};
}

static bool next_tile(tiles *s, const nf_tensor *x) {
  do nf_gather(s->ids, s->e, s->size, &s->at, &s->pairs);
  while (s->pairs.n && s->turn-- > 0);
  s->turn = s->every - 1;
  for (int i = 0; i < s->pairs.n; i++) {
    s->row[i] = i;
    s->of_x[i] = x->rank == 3 ? s->pairs.index[i] : s->pairs.index[i] / s->ids->dim[1];
  }
  return s->pairs.n != 0;
}

static void product(const tiles *s, const nf_tensor *x, const int64_t *from, const nf_tensor *w,
                    const nf_tensor *bias, const nf_tensor *y, const int64_t *to) {
  const int64_t all = nf_ceil_div(w->dim[1], NF_STRIP);
  for (int64_t s0 = 0; s0 < all; s0 += GROUP) {
    const nf_strips strips = nf_strips_of(w, s->e, s0, nf_min(GROUP, all - s0));
    nf_rows_times_strips(GROUP, NF_MOST_PAIRS, x, from, s->pairs.n, &strips, w->dim[2], s0, bias, s->e, y,
                         to);
  }
}

#define RUN(op, ...)                                                                       \
  do {                                                                                     \
    const nf_##op##_args a_ = {__VA_ARGS__};                                               \
    for (int64_t b_ = NF_BLOCKS(op##_rows)(&a_); b_-- > 0;) NF_KERNEL(op##_rows)(&a_, b_); \
  } while (0)

int64_t NF_BLOCKS(experts_swiglu_n16)(const nf_experts_swiglu_args *a) {
  return nf_blocks_of_experts(&a->ids, &a->w_up, NF_MOST_PAIRS);
}

size_t NF_SCRATCH(experts_swiglu_n16)(const nf_experts_swiglu_args *) { return 3 * ROOM; }

void NF_KERNEL(experts_swiglu_n16)(const nf_experts_swiglu_args *a, int64_t block, void *scratch) {
  const int64_t inner = nf_tensor_cols(&a->w_down);
  const nf_swiglu_attrs attr = {a->attr.alpha, a->attr.beta, a->attr.limit, a->attr.interleaved, 0};
  char *h_room = scratch, *act_room = h_room + 2 * ROOM;
  tiles s = tiles_of(&a->ids, &a->w_up, &a->y, inner, block);
  if (block == 0) nf_clear_unchosen(&a->ids, &a->y);
  while (next_tile(&s, &a->x)) {
    const nf_tensor h = nf_local_tensor(a->y.dtype, s.pairs.n, 2 * inner, h_room, NULL),
                    act = nf_local_tensor(a->y.dtype, s.pairs.n, inner, act_room, NULL);
    product(&s, &a->x, s.of_x, &a->w_up, &a->up_bias, &h, s.row);
    RUN(swiglu, .attr = attr, .x = h, .y = act);
    product(&s, &act, s.row, &a->w_down, &a->down_bias, &a->y, s.pairs.index);
  }
}

int64_t NF_BLOCKS(experts_silu_n16)(const nf_experts_silu_args *a) {
  return nf_blocks_of_experts(&a->ids, &a->w_up, NF_MOST_PAIRS);
}

enum { SCALES = NF_MOST_PAIRS * MAX_INNER / NF_BLOCK };

size_t NF_SCRATCH(experts_silu_n16)(const nf_experts_silu_args *) {
  return 3 * ROOM + SCALES * sizeof(float);
}

void NF_KERNEL(experts_silu_n16)(const nf_experts_silu_args *a, int64_t block, void *scratch) {
  const int64_t inner = nf_tensor_cols(&a->w_down);
  const nf_tensor none = {0};
  char(*room)[ROOM] = scratch;
  float *scale = (float *)room[3];
  tiles s = tiles_of(&a->ids, &a->w_up, &a->y, inner, block);
  if (block == 0) nf_clear_unchosen(&a->ids, &a->y);
  while (next_tile(&s, &a->x)) {
    const nf_dtype dtype = a->y.dtype;
    nf_tensor g = nf_local_tensor(dtype, s.pairs.n, inner, room[0], NULL),
              u = nf_local_tensor(dtype, s.pairs.n, inner, room[1], NULL),
              open = nf_local_tensor(dtype, s.pairs.n, inner, room[2], NULL);
    product(&s, &a->x, s.of_x, &a->w_gate, &none, &g, s.row);
    product(&s, &a->x, s.of_x, &a->w_up, &none, &u, s.row);
    RUN(silu, .x = g, .y = open);
    RUN(mul, .a = open, .b = u, .y = g);
    if (a->attr.to != NF_NONE) {
      const nf_tensor codes = nf_local_tensor(a->attr.to, s.pairs.n, inner, room[1], scale);
      RUN(quantise, .attr.to = a->attr.to, .x = g, .y = codes);
      g = codes;
    }
    product(&s, &g, s.row, &a->w_down, &none, &a->y, s.pairs.index);
  }
}

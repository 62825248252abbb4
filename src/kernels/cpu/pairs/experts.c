// SPDX-License-Identifier: Apache-2.0
// experts_swiglu and experts_silu with weights in strips of pairs: what lies between an expert's two products
// stays in the block, and so in the cache. A block takes every n-th tile of an expert's pairs, where n
// follows from shapes: the tile's rows times all strips of the first weights, the activation by its own
// kernels, the result times all strips of the last. So every number is made as the ops alone make it, bit by
// bit.
//
// The sum over a token's experts stays outside: it would cross blocks.
#include "kernels/cpu/pairs/gather.h"
#include "kernels/kernels.h"

enum {
  MOST = 64, // pairs of a tile: no more than NF_ROWS
  MAX_INNER = 4096,
  ROOM = MOST * 2880 * 2, // bytes of a tile's tensor [pairs, inner]: all pairs of GPT-OSS in bf16
  SCALES = MOST * MAX_INNER / NF_BLOCK
};

_Static_assert(ROOM / (sizeof(float) * MAX_INNER) >= 16, "a tile of the widest rows has room");

typedef struct scratch {
  nf_room room;
  _Alignas(64) char tensor[3][ROOM];
  float scale[SCALES];
} scratch;

typedef struct tiles { // those of a block, one after the other
  const nf_tensor *ids, *x;
  int64_t e, every, turn; // how many tiles to go until it is this block's turn
  nf_pairs pairs;
  int64_t row[MOST]; // of the tile's own tensors
} tiles;

static void begin(tiles *s, const nf_tensor *ids, const nf_tensor *x, const nf_tensor *w, const nf_tensor *y,
                  int64_t inner, int64_t block) {
  const int64_t every = nf_blocks_of_expert(ids, w->dim[0], MOST);
  s->ids = ids, s->x = x, s->every = every, s->e = block / every, s->turn = block % every;
  s->pairs.token = s->pairs.skip = 0;
  s->pairs.most = (int)nf_min(MOST, ROOM / (inner * nf_dtype_of(y->dtype)->bits / 8) / 16 * 16);
  for (int i = 0; i < MOST; i++) s->row[i] = i;
}

static bool next_tile(tiles *s) {
  do nf_gather(s->ids, s->e, s->x, &s->pairs);
  while (s->pairs.n && s->turn-- > 0);
  s->turn = s->every - 1;
  return s->pairs.n != 0;
}

static void product(const tiles *s, const nf_tensor *x, const int64_t *from, const nf_tensor *w,
                    const nf_tensor *bias, const nf_tensor *y, const int64_t *to, nf_room *room) {
  const nf_matrix m = nf_matrix_of(w, s->e);
  nf_product p = {
      .x = x, .from = from, .rows = s->pairs.n, .w = &m, .bias = bias, .bias_row = s->e, .y = y, .to = to};
  for (; p.strip < nf_strips(&m); p.strip += NF_GROUP) {
    p.strips = nf_min(NF_GROUP, nf_strips(&m) - p.strip);
    NF_KERNEL(product)(&p, room);
  }
}

// Whatever this is compiled for: rows have no form of their own for AMX.
#define RUN(op, ...)                                                                                \
  do {                                                                                              \
    const nf_##op##_args a_ = {__VA_ARGS__};                                                        \
    for (int64_t b_ = nf_##op##_rows_avx512_blocks(&a_); b_-- > 0;) nf_##op##_rows_avx512(&a_, b_); \
  } while (0)

int64_t NF_BLOCKS(experts_swiglu_pairs)(const nf_experts_swiglu_args *a) {
  return nf_blocks_of_experts(&a->ids, &a->w_up, MOST);
}

size_t NF_SCRATCH(experts_swiglu_pairs)(const nf_experts_swiglu_args *) { return sizeof(scratch); }

void NF_KERNEL(experts_swiglu_pairs)(const nf_experts_swiglu_args *a, int64_t block, void *own) {
  const int64_t inner = nf_tensor_cols(&a->w_down);
  const nf_swiglu_attrs attr = {a->attr.alpha, a->attr.beta, a->attr.limit, a->attr.interleaved, 0};
  scratch *room = own;
  tiles s;
  begin(&s, &a->ids, &a->x, &a->w_up, &a->y, inner, block);
  if (block == 0) nf_clear_unchosen(&a->ids, &a->y);
  while (next_tile(&s)) {
    const nf_tensor h = nf_local_tensor(a->y.dtype, s.pairs.n, 2 * inner, room->tensor[0], NULL),
                    act = nf_local_tensor(a->y.dtype, s.pairs.n, inner, room->tensor[2], NULL);
    product(&s, &a->x, s.pairs.of_x, &a->w_up, &a->up_bias, &h, s.row, &room->room);
    RUN(swiglu, .attr = attr, .x = h, .y = act);
    product(&s, &act, s.row, &a->w_down, &a->down_bias, &a->y, s.pairs.index, &room->room);
  }
}

int64_t NF_BLOCKS(experts_silu_pairs)(const nf_experts_silu_args *a) {
  return nf_blocks_of_experts(&a->ids, &a->w_up, MOST);
}

size_t NF_SCRATCH(experts_silu_pairs)(const nf_experts_silu_args *) { return sizeof(scratch); }

void NF_KERNEL(experts_silu_pairs)(const nf_experts_silu_args *a, int64_t block, void *own) {
  const int64_t inner = nf_tensor_cols(&a->w_down);
  const nf_dtype dtype = a->y.dtype;
  const nf_tensor none = {0};
  scratch *room = own;
  tiles s;
  begin(&s, &a->ids, &a->x, &a->w_up, &a->y, inner, block);
  if (block == 0) nf_clear_unchosen(&a->ids, &a->y);
  while (next_tile(&s)) {
    nf_tensor g = nf_local_tensor(dtype, s.pairs.n, inner, room->tensor[0], NULL),
              u = nf_local_tensor(dtype, s.pairs.n, inner, room->tensor[1], NULL),
              open = nf_local_tensor(dtype, s.pairs.n, inner, room->tensor[2], NULL);
    product(&s, &a->x, s.pairs.of_x, &a->w_gate, &none, &g, s.row, &room->room);
    product(&s, &a->x, s.pairs.of_x, &a->w_up, &none, &u, s.row, &room->room);
    RUN(silu, .x = g, .y = open);
    RUN(mul, .a = open, .b = u, .y = g);
    if (a->attr.to != NF_NONE) {
      const nf_tensor codes = nf_local_tensor(a->attr.to, s.pairs.n, inner, room->tensor[1], room->scale);
      RUN(quantise, .attr.to = a->attr.to, .x = g, .y = codes);
      g = codes;
    }
    product(&s, &g, s.row, &a->w_down, &none, &a->y, s.pairs.index, &room->room);
  }
}

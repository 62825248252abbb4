// SPDX-License-Identifier: Apache-2.0
// Ops that only move rows: embedding, gather_rows, kv_write, reshape, all_gather; and the indices of a rank's
// part, rank_ids. The reference's bits. Nothing is computed, so one form serves every instruction set. A
// block is a few rows, by their length alone, or a token.
#include "kernels/cpu/generic/row.h"
#include "tensor/pack.h"

static int64_t size_of(const nf_tensor *t) { return nf_dtype_of(t->dtype)->bits / 8; }

// Row `from` of x, which may be packed, in another type, or both.
static void copy_row(const nf_tensor *y, int64_t to, const nf_tensor *x, int64_t from) {
  const int64_t cols = nf_tensor_cols(y);
  void *row = nf_tensor_row(y, to);
  if (x->dtype == y->dtype && nf_pack_is_plain(x->pack)) {
    memcpy(row, nf_tensor_row(x, from), (size_t)(cols * size_of(y)));
    nf_clear_padding(y, row, cols);
  } else if (x->dtype == y->dtype) {
    nf_packed_codes(x, from, 0, cols, row);
    nf_clear_padding(y, row, cols);
  } else {
    float room[nf_max(1, cols)];
    nf_row_decode(x, from, room);
    nf_row_encode(y, to, room);
  }
}

int64_t NF_BLOCKS(embedding_copy)(const nf_embedding_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(embedding_copy)(const nf_embedding_args *a, int64_t block) {
  const int32_t *token = a->tokens.data;
  NF_FOR_ROWS(r, block, &a->y) {
    if (token[r] < 0)
      memset(nf_tensor_row(&a->y, r), 0,
             (size_t)(nf_max(nf_tensor_cols(&a->y), a->y.padded) * size_of(&a->y)));
    else
      copy_row(&a->y, r, &a->table, token[r]);
  }
}

int64_t NF_BLOCKS(gather_rows_copy)(const nf_gather_rows_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(gather_rows_copy)(const nf_gather_rows_args *a, int64_t block) {
  NF_FOR_ROWS(r, block, &a->y) copy_row(&a->y, r, &a->x, a->batch->row[r]);
}

int64_t NF_BLOCKS(kv_write_copy)(const nf_kv_write_args *a) { return a->k.dim[0]; }

void NF_KERNEL(kv_write_copy)(const nf_kv_write_args *a, int64_t t) {
  const int64_t heads = a->k.dim[1], page = a->kv.dim[3], slot = a->batch->group[a->kv.cache].write_slot[t];
  if (slot < 0) return;
  for (int64_t h = 0; h < heads; h++) {
    const int64_t key = (slot / page * 2 * heads + h) * page + slot % page;
    copy_row(&a->kv, key, &a->k, t * heads + h);
    copy_row(&a->kv, key + heads * page, &a->v, t * heads + h);
  }
}

int64_t NF_BLOCKS(reshape_copy)(const nf_reshape_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(reshape_copy)(const nf_reshape_args *a, int64_t block) {
  const int64_t size = size_of(&a->y), cols = nf_tensor_cols(&a->y), width = nf_tensor_cols(&a->x);
  NF_FOR_ROWS(r, block, &a->y) {
    char *to = nf_tensor_row(&a->y, r);
    for (int64_t k = r * cols, last = k + cols, n; k < last; k += n, to += n * size) {
      n = nf_min(last - k, width - k % width);
      memcpy(to, (const char *)nf_tensor_row(&a->x, k / width) + k % width * size, (size_t)(n * size));
    }
  }
}

// ---- ranks ----

int64_t NF_BLOCKS(all_gather_copy)(const nf_all_gather_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(all_gather_copy)(const nf_all_gather_args *a, int64_t block) {
  const nf_comm alone = {.world = 1, .base = (char *const[]){a->x.data}},
                *c = a->batch->comm ? a->batch->comm : &alone;
  const int64_t size = size_of(&a->y), n = nf_tensor_cols(&a->x), all = nf_tensor_cols(&a->y);
  NF_FOR_ROWS(r, block, &a->y) {
    const char *own = nf_tensor_row(&a->x, r);
    char *to = nf_tensor_row(&a->y, r);
    for (int64_t rank = 0; rank < c->world && rank * n < all; rank++)
      memcpy(to + rank * n * size, c->base[rank] + (own - c->base[c->rank]),
             (size_t)(nf_min(n, all - rank * n) * size));
  }
}

int64_t NF_BLOCKS(rank_ids_copy)(const nf_rank_ids_args *a) { return nf_row_blocks(&a->y); }

void NF_KERNEL(rank_ids_copy)(const nf_rank_ids_args *a, int64_t block) {
  const int64_t first = a->batch->comm ? a->attr.size * a->batch->comm->rank : 0;
  NF_FOR_ROWS(r, block, &a->y) {
    const int32_t *x = nf_tensor_row(&a->x, r);
    int32_t *y = nf_tensor_row(&a->y, r);
    for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++)
      y[i] = x[i] >= first && x[i] - first < a->attr.size ? (int32_t)(x[i] - first) : -1;
  }
}

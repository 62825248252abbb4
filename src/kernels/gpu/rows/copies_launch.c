// SPDX-License-Identifier: Apache-2.0
// Launches of copies.c: ops that move rows and change nothing.
#include "kernels/gpu/launch.h"

static nf_grid copy(nf_gpu_copy *p, const nf_tensor *x, const nf_tensor *y, const int32_t *from) {
  const int64_t columns = nf_tensor_cols(y), padded = nf_max(columns, y->padded);
  *p = (nf_gpu_copy){nf_gpu_rows_of(x),          nf_gpu_rows_of(y), from,
                     (int32_t)nf_tensor_rows(y), (int32_t)columns,  (int32_t)padded};
  return nf_gpu_grid(nf_ceil_div(p->rows * nf_ceil_div(padded, 8), 256), 256, 0);
}

#define COPY(op, name, x, from)                                                  \
  static nf_grid launch_##op(const nf_launch_site *s, int stage, void *packed) { \
    (void)stage;                                                                 \
    const nf_##op##_args *a = s->args;                                           \
    return copy(packed, x, &a->y, from);                                         \
  }                                                                              \
  const nf_module_kernel nf_gpu_##name = {                                       \
      .stages = 1, .symbol = {"nf_copy_rows"}, .packed = {sizeof(nf_gpu_copy)}, .launch = launch_##op};
COPY(embedding, embedding_bf16, &a->table, a->tokens.data)
COPY(gather_rows, gather_rows_bf16, &a->x, s->batch->row)
COPY(pad, pad_bf16, &a->x, NULL)
COPY(unpad, unpad_bf16, &a->x, NULL)

// What a lane copies, where all columns are multiples of `columns`.
static int32_t each_of(int64_t columns) { return columns % NF_GPU_PACK == 0 ? NF_GPU_PACK : 1; }

static nf_grid launch_reshape(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_reshape_args *a = s->args;
  const int64_t x = nf_tensor_cols(&a->x), y = nf_tensor_cols(&a->y);
  nf_gpu_reshape *p = packed;
  *p = (nf_gpu_reshape){.x = nf_gpu_rows_of(&a->x),
                        .y = nf_gpu_rows_of(&a->y),
                        .n = nf_tensor_rows(&a->y) * y,
                        .x_columns = (int32_t)x,
                        .y_columns = (int32_t)y,
                        .each = each_of(nf_gcd(x, y))};
  return nf_gpu_grid(nf_ceil_div(p->n, 256 * p->each), 256, 0);
}
const nf_module_kernel nf_gpu_reshape_bf16 = {
    .stages = 1, .symbol = {"nf_reshape"}, .packed = {sizeof(nf_gpu_reshape)}, .launch = launch_reshape};

static nf_grid launch_concat(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_concat_args *a = s->args;
  const nf_tensor *x[NF_GPU_CONCATS] = {&a->a, &a->b, &a->c, &a->d};
  nf_gpu_concat *p = packed;
  *p = (nf_gpu_concat){.y = nf_gpu_rows_of(&a->y),
                       .rows = (int32_t)nf_tensor_rows(&a->y),
                       .columns = (int32_t)nf_tensor_cols(&a->y)};
  int64_t end = 0, shared = 0; // what all columns are a multiple of
  for (int i = 0; i < NF_GPU_CONCATS; i++) {
    if (x[i]->data != NULL) {
      p->x[i] = nf_gpu_rows_of(x[i]);
      end += nf_tensor_cols(x[i]);
      shared = nf_gcd(shared, nf_tensor_cols(x[i]));
    }
    p->ends[i] = (int32_t)end;
  }
  p->each = each_of(shared);
  return nf_gpu_grid(nf_ceil_div((int64_t)p->rows * p->columns, 256 * p->each), 256, 0);
}
const nf_module_kernel nf_gpu_concat_bf16 = {
    .stages = 1, .symbol = {"nf_concat"}, .packed = {sizeof(nf_gpu_concat)}, .launch = launch_concat};

static nf_grid launch_rank_ids(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_rank_ids_args *a = s->args;
  const nf_comm *comm = s->batch->comm; // the device's
  nf_gpu_rank_ids *p = packed;
  *p = (nf_gpu_rank_ids){.x = nf_gpu_rows_of(&a->x),
                         .y = nf_gpu_rows_of(&a->y),
                         .rank = comm != NULL ? &comm->rank : NULL,
                         .size = a->attr.size,
                         .rows = (int32_t)nf_tensor_rows(&a->y),
                         .columns = (int32_t)nf_tensor_cols(&a->y)};
  return nf_gpu_grid(nf_ceil_div((int64_t)p->rows * p->columns, 256), 256, 0);
}
const nf_module_kernel nf_gpu_rank_ids_i32 = {
    .stages = 1, .symbol = {"nf_rank_ids"}, .packed = {sizeof(nf_gpu_rank_ids)}, .launch = launch_rank_ids};

// SPDX-License-Identifier: Apache-2.0
// Norms with what stands around them: sums over ranks and with the residual before, padding or quantise
// behind. A block is a few rows, by their length alone; a row is held as float32 from the sum to the codes.
// Sums and roundings are those of the parts' kernels, in their order.
#include "kernels/cpu/generic/fp8.h"
#include <math.h>

typedef struct norm {
  const nf_comm *comm; // of ranks whose x are summed, where the kind says so; NULL: one rank
  const nf_tensor *x,
      *residual;        // h is x, or its sum over ranks, rounded; plus the residual, where there is one
  const nf_tensor *sum; // h, stored
  const nf_tensor *w, *y, *kept; // y: padded or quantised; kept: the norm as it is, or NULL
  float eps;
  bool one_plus;
} norm;

// Constants of each of the loops, so that these have no branches.
typedef struct kind {
  bool over_ranks, add, codes;
  nf_dtype x, w;
} kind;

// Row r as h, with zeros behind it; returns what it is to be multiplied with.
NF_INLINE float gather(const norm *n, kind kd, int64_t r, float *h) {
  const int64_t cols = nf_tensor_cols(n->x);
  const nf_comm alone = {.world = 1, .base = (char *const[]){n->x->data}}, *comm = n->comm ? n->comm : &alone;
  const void *x = nf_tensor_row(n->x, r), *residual = kd.add ? nf_tensor_row(n->residual, r) : NULL;
  void *sum = kd.add || kd.over_ranks ? nf_tensor_row(n->sum, r) : NULL;
  v8 square = v8_splat(0), other = square; // in turns
#define STEP(k, count)                                                             \
  do {                                                                             \
    v8 v = kd.over_ranks ? nf_as_stored(kd.x, nf_reduced(comm, kd.x, x, k, count)) \
                         : nf_load8(kd.x, x, k, count);                            \
    if (kd.add) v += nf_load8(kd.x, residual, k, count);                           \
    if (kd.add || kd.over_ranks) nf_store8(kd.x, sum, k, count, v);                \
    v8_store(h + (k), v);                                                          \
    const v8 more = v8_fma(v, v, square);                                          \
    square = other;                                                                \
    other = more;                                                                  \
  } while (0)
  NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
  return 1 / sqrtf(v8_sum(square + other) / (float)cols + n->eps);
}

NF_INLINE v8 normalised(const norm *n, kind kd, v8 h, v8 scale, int64_t k, int64_t count) {
  const v8 plus = v8_splat(n->one_plus ? 1 : 0);
  return h * scale * (plus + nf_load8(kd.w, n->w->data, k, count));
}

// The norm of columns [from, to) of h, rounded, in its place and where it is kept; returns the largest.
NF_INLINE v8 round_norm(const norm *n, kind kd, int64_t from, int64_t to, v8 scale, void *kept, float *h) {
  v8 most = v8_splat(0);
#define STEP(k, count)                                                                     \
  do {                                                                                     \
    const v8 y = nf_as_stored(kd.x, normalised(n, kd, v8_load(h + (k)), scale, k, count)); \
    if (kept) nf_store8(kd.x, kept, k, count, y);                                          \
    v8_store(h + (k), y);                                                                  \
    most = nf_highest(most, y);                                                            \
  } while (0)
  NF_FOR_COLUMNS(from, to, STEP);
#undef STEP
  return most;
}

NF_INLINE void quantised(const norm *n, kind kd, int64_t r, v8 by, float *h) {
  const int64_t cols = nf_tensor_cols(n->x), group = nf_dtype_of(n->y->dtype)->group_cols;
  void *kept = n->kept ? nf_tensor_row(n->kept, r) : NULL;
  float *scale = nf_tensor_scales(n->y, r);
  uint8_t *code = nf_tensor_row(n->y, r);
  for (int64_t k = 0; k < cols; k += group) {
    const int64_t count = nf_min(group, cols - k);
    *scale = nf_fp8_scale(round_norm(n, kd, k, k + count, by, kept, h));
    nf_codes(h + k, count, *scale++, code + k);
  }
}

NF_INLINE void plain(const norm *n, kind kd, int64_t r, v8 by, const float *h) {
  const int64_t cols = nf_tensor_cols(n->x);
  void *y = nf_tensor_row(n->y, r);
#define STEP(k, count) nf_store8(kd.x, y, k, count, normalised(n, kd, v8_load(h + (k)), by, k, count))
  NF_FOR_COLUMNS(0, cols, STEP);
#undef STEP
  nf_clear_padding(n->y, y, cols);
}

NF_INLINE void rows_of(const norm *n, kind kd, int64_t block) {
  float h[nf_row_room(nf_tensor_cols(n->x))];
  NF_FOR_ROWS(r, block, n->y) {
    const v8 by = v8_splat(gather(n, kd, r, h));
    if (kd.codes)
      quantised(n, kd, r, by, h);
    else
      plain(n, kd, r, by, h);
  }
}

NF_INLINE void rows(const norm *n, bool over_ranks, bool add, bool codes, int64_t block) {
  if (n->x->dtype == NF_F32)
    rows_of(n, (kind){over_ranks, add, codes, NF_F32, n->w->dtype}, block);
  else if (n->w->dtype == NF_F32)
    rows_of(n, (kind){over_ranks, add, codes, NF_BF16, NF_F32}, block);
  else
    rows_of(n, (kind){over_ranks, add, codes, NF_BF16, NF_BF16}, block);
}

NF_INLINE void rows_or_codes(const norm *n, bool over_ranks, bool add, int64_t block) {
  if (nf_is_quantised(n->y->dtype))
    rows(n, over_ranks, add, true, block);
  else
    rows(n, over_ranks, add, false, block);
}

NF_INLINE void of_sums(const norm *n, bool over_ranks, int64_t block) {
  if (n->residual->dtype != NF_NONE)
    rows_or_codes(n, over_ranks, true, block);
  else
    rows_or_codes(n, over_ranks, false, block);
}

int64_t NF_BLOCKS(rms_norm_rows)(const nf_rms_norm_args *a) { return nf_row_blocks(&a->y); }
void NF_KERNEL(rms_norm_rows)(const nf_rms_norm_args *a, int64_t block) {
  const norm n = {.comm = a->attr.reduce ? a->batch->comm : NULL,
                  .x = &a->x,
                  .residual = &a->residual,
                  .sum = &a->sum,
                  .w = &a->w,
                  .y = &a->y,
                  .kept = a->norm.dtype != NF_NONE ? &a->norm : NULL,
                  .eps = a->attr.eps,
                  .one_plus = a->attr.one_plus};
  if (a->attr.reduce)
    of_sums(&n, true, block);
  else
    of_sums(&n, false, block);
}

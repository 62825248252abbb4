// SPDX-License-Identifier: Apache-2.0
// Choice of experts and the sum of their results. A block is one token.
#include "kernels/cpu/generic/row.h"
#include <math.h>

enum { MAX_EXPERTS = 2048, MAX_CHOICES = 64 };

int64_t NF_BLOCKS(router_topk_rows)(const nf_router_topk_args *a) { return nf_tensor_rows(&a->logits); }

typedef struct best { // the best so far, in order
  float z[MAX_CHOICES];
  int32_t *id;
  int64_t n, k;
} best;

// Logit z of expert i, which comes after all that are there: behind those that it equals.
static void join(best *b, float z, int32_t i) {
  int64_t at = b->n < b->k ? b->n++ : b->k - 1;
  for (; at > 0 && b->z[at - 1] < z; at--) b->z[at] = b->z[at - 1], b->id[at] = b->id[at - 1];
  b->z[at] = z;
  b->id[at] = i;
}

// The k best of z[n], which is padded to whole vectors; what is below or equal to the last of k is passed
// over eight at a time. What is no number counts as the least, so that there are always k.
static void choose(const float *z, int64_t n, best *b) {
  for (int64_t i = 0; i < n; i += 8) {
    const v8i more = v8_load(z + i) > v8_splat(b->n < b->k ? -INFINITY : b->z[b->k - 1]);
    int any = b->n < b->k;
    for (int j = 0; j < 8; j++) any |= more[j];
    for (int64_t j = i; any && j < nf_min(n, i + 8); j++) {
      const float logit = z[j] == z[j] ? z[j] : -INFINITY;
      if (b->n < b->k || logit > b->z[b->k - 1]) join(b, logit, (int32_t)j);
    }
  }
}

static float sum_of_all(const float *z, int64_t n, float most) {
  v8 sum = v8_splat(0);
  for (int64_t i = 0; i < n; i += 8) sum += v8_exp(v8_load(z + i) - v8_splat(most));
  return v8_sum(sum);
}

void NF_KERNEL(router_topk_rows)(const nf_router_topk_args *a, int64_t t) {
  const int64_t k = a->attr.k, n = nf_tensor_cols(&a->logits), all = nf_ceil_div(n, 8) * 8;
  float z[MAX_EXPERTS], *weight = nf_tensor_row(&a->weights, t), most = -INFINITY, sum = 0;
  best b = {.id = nf_tensor_row(&a->ids, t), .k = k};
  v8_store(z + all - 8, v8_splat(-INFINITY));
  nf_widen(&a->logits, nf_tensor_row(&a->logits, t), 0, n, z);
  if (a->forced.data != NULL)
    memcpy(b.id, nf_tensor_row(&a->forced, t), (size_t)k * sizeof *b.id);
  else
    choose(z, n, &b);
  for (int64_t j = 0; j < k; j++) most = fmaxf(most, z[b.id[j]]);
  if (a->attr.over_all) {
    for (int64_t i = 0; i < n; i++) most = fmaxf(most, z[i]); // more than the k, where they are forced
    sum = sum_of_all(z, all, most);
  }
  for (int64_t j = 0; j < k; j++) weight[j] = expf(z[b.id[j]] - most);
  for (int64_t j = 0; j < k && !a->attr.over_all; j++) sum += weight[j];
  for (int64_t j = 0; j < k; j++) weight[j] /= sum;
}

NF_INLINE void combined_of(nf_dtype dtype, const nf_tensor *x, const nf_tensor *weights, int64_t t, int64_t k,
                           int64_t count, float *y) {
  const int64_t J = weights->dim[1], pitch = x->stride[1] * (dtype == NF_F32 ? 4 : 2);
  const float *weight = nf_tensor_row(weights, t);
  const char *first = J > 0 ? nf_tensor_row(x, t * J) : NULL;
#define STEP(i, n)                                                                            \
  do {                                                                                        \
    v8 sum = v8_splat(0);                                                                     \
    for (int64_t j = 0; j < J; j++)                                                           \
      sum = v8_fma(v8_splat(weight[j]), nf_load8(dtype, first + j * pitch, k + (i), n), sum); \
    v8_store(y + (i), sum);                                                                   \
  } while (0)
  NF_FOR_COLUMNS(0, count, STEP);
#undef STEP
}

// Columns [k, k + count) of the experts' sum for token t, in whole vectors; returns how many those have.
NF_INLINE int64_t combined(const nf_tensor *x, const nf_tensor *weights, int64_t t, int64_t k, int64_t count,
                           float *y) {
  if (x->dtype == NF_F32)
    combined_of(NF_F32, x, weights, t, k, count, y);
  else
    combined_of(NF_BF16, x, weights, t, k, count, y);
  return nf_ceil_div(count, 8) * 8;
}

int64_t NF_BLOCKS(combine_rows)(const nf_combine_args *a) { return nf_tensor_rows(&a->y); }

void NF_KERNEL(combine_rows)(const nf_combine_args *a, int64_t t) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float y[NF_PIECE];
  for (int64_t k = 0; k < cols; k += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, cols - k);
    combined(&a->x, &a->weights, t, k, count, y);
    nf_round(&a->y, nf_tensor_row(&a->y, t), k, count, y);
  }
}

int64_t NF_BLOCKS(combine_shared_rows)(const nf_combine_shared_args *a) { return nf_tensor_rows(&a->y); }

void NF_KERNEL(combine_shared_rows)(const nf_combine_shared_args *a, int64_t t) {
  const int64_t cols = nf_tensor_cols(&a->y);
  const nf_dtype dtype = a->x.dtype;
  float y[NF_PIECE], shared[NF_PIECE], gate;
  nf_widen(&a->gate, nf_tensor_row(&a->gate, t), 0, 1, &gate);
  const v8 open = nf_as_stored(a->gate.dtype, v8_sigmoid(v8_splat(gate)));
  for (int64_t k = 0; k < cols; k += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, cols - k), n = combined(&a->x, &a->weights, t, k, count, y);
    nf_padded(&a->shared, nf_tensor_row(&a->shared, t), k, count, shared);
    for (int64_t i = 0; i < n; i += 8)
      v8_store(y + i, nf_as_stored(dtype, v8_load(y + i)) + nf_as_stored(dtype, v8_load(shared + i) * open));
    nf_round(&a->y, nf_tensor_row(&a->y, t), k, count, y);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Choice of experts and the sum of their results. A block is one token.
#include "kernels/ref/ref.h"

int64_t nf_router_topk_ref_blocks(const nf_router_topk_args *a) { return nf_tensor_rows(&a->logits); }

// The k best of z[n], ties to the lower index; always indices below n, whatever z holds.
static void best(const float *z, int64_t n, int32_t *ids, int64_t k) {
  bool taken[n];
  for (int64_t i = 0; i < n; i++) taken[i] = false;
  for (int64_t j = 0; j < k; j++) {
    int64_t at = -1;
    for (int64_t i = 0; i < n; i++)
      if (!taken[i] && (at < 0 || z[i] > z[at])) at = i;
    taken[at] = true;
    ids[j] = (int32_t)at;
  }
}

void nf_router_topk_ref(const nf_router_topk_args *a, int64_t t) {
  const int64_t k = a->attr.k;
  float room[nf_ref_room(&a->logits)], *weight = nf_tensor_row(&a->weights, t), most = -INFINITY;
  double sum = 0; // of a vocabulary, too
  const float *z = nf_ref_row(&a->logits, t, room);
  int32_t *ids = nf_tensor_row(&a->ids, t);
  if (a->forced.data)
    for (int64_t j = 0; j < k; j++) ids[j] = nf_ref_int(&a->forced, t, j);
  else
    best(z, nf_tensor_cols(&a->logits), ids, k);
  const int64_t n = a->attr.over_all ? nf_tensor_cols(&a->logits) : k; // logits that share the softmax
  for (int64_t j = 0; j < n; j++) most = fmaxf(most, z[a->attr.over_all ? j : ids[j]]);
  for (int64_t j = 0; j < n; j++) sum += expf(z[a->attr.over_all ? j : ids[j]] - most);
  for (int64_t j = 0; j < k; j++) weight[j] = expf(z[ids[j]] - most);
  for (int64_t j = 0; j < k; j++) weight[j] = (float)(weight[j] / sum);
}

// Row t of the experts' sum.
static void combined(const nf_tensor *x, const nf_tensor *weights, int64_t t, float *y) {
  const int64_t cols = nf_tensor_cols(x), k = weights->dim[1];
  float x_room[nf_ref_room(x)];
  const float *weight = nf_tensor_row(weights, t);
  for (int64_t i = 0; i < cols; i++) y[i] = 0;
  for (int64_t j = 0; j < k; j++) nf_ref_add_scaled(y, weight[j], nf_ref_row(x, t * k + j, x_room), cols);
}

void nf_combine_ref(const nf_combine_args *a, int64_t t) {
  float y[nf_max(1, nf_tensor_cols(&a->y))];
  combined(&a->x, &a->weights, t, y);
  nf_row_encode(&a->y, t, y);
}

void nf_combine_shared_ref(const nf_combine_shared_args *a, int64_t t) {
  const int64_t cols = nf_tensor_cols(&a->y);
  float y[nf_max(1, cols)], shared[nf_max(1, cols)], gate;
  combined(&a->x, &a->weights, t, y);
  nf_ref_round(a->x.dtype, y, cols);
  nf_row_decode(&a->gate, t, &gate);
  gate = nf_ref_sigmoid(gate);
  nf_ref_round(a->gate.dtype, &gate, 1);
  nf_row_decode(&a->shared, t, shared);
  for (int64_t i = 0; i < cols; i++) shared[i] *= gate;
  nf_ref_round(a->shared.dtype, shared, cols);
  for (int64_t i = 0; i < cols; i++) y[i] += shared[i];
  nf_row_encode(&a->y, t, y);
}

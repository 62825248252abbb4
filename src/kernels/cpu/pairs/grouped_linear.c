// SPDX-License-Identifier: Apache-2.0
// grouped_linear with weights in strips of pairs. A block is an expert and a group of strips. Where there are
// fewer pairs than experts it is a pair's expert, unless an earlier pair has the same.
#include "kernels/cpu/pairs/gather.h"

static bool by_pairs(const nf_grouped_linear_args *a) { return nf_count_pairs(&a->ids) < a->w.dim[0]; }
static int64_t experts(const nf_grouped_linear_args *a) {
  return nf_min(nf_count_pairs(&a->ids), a->w.dim[0]);
}
// Strips of a block.
static int64_t group(const nf_grouped_linear_args *a) {
  return nf_count_pairs(&a->ids) <= a->w.dim[0] * NF_FEW ? 4 : NF_GROUP;
}
static int64_t groups(const nf_grouped_linear_args *a) {
  return nf_ceil_div(nf_ceil_div(a->w.dim[1], NF_STRIP), group(a));
}

int64_t NF_BLOCKS(grouped_linear_pairs)(const nf_grouped_linear_args *a) { return experts(a) * groups(a); }

size_t NF_SCRATCH(grouped_linear_pairs)(const nf_grouped_linear_args *) { return sizeof(nf_room); }

// The block's columns of a row without an expert.
static void clear_row(const nf_grouped_linear_args *a, int64_t row, int64_t s0) {
  const int64_t size = nf_dtype_of(a->y.dtype)->bits / 8, from = s0 * NF_STRIP;
  const int64_t n = nf_min(group(a) * NF_STRIP, a->w.dim[1] - from);
  char *y = nf_tensor_row(&a->y, row);
  memset(y + from * size, 0, (size_t)(n * size));
  nf_clear_padding(&a->y, y, from + n);
}

static void multiply(const nf_grouped_linear_args *a, int64_t e, int64_t s0, nf_room *room) {
  const nf_matrix w = nf_matrix_of(&a->w, e);
  nf_pairs pairs = {.most = NF_ROWS};
  while (nf_gather(&a->ids, e, &a->x, &pairs), pairs.n != 0) {
    const nf_product p = {.x = &a->x,
                          .from = pairs.of_x,
                          .rows = pairs.n,
                          .w = &w,
                          .strip = s0,
                          .strips = nf_min(group(a), nf_strips(&w) - s0),
                          .bias = &a->bias,
                          .bias_row = e,
                          .y = &a->y,
                          .to = pairs.index};
    NF_KERNEL(product)(&p, room);
  }
}

void NF_KERNEL(grouped_linear_pairs)(const nf_grouped_linear_args *a, int64_t block, void *scratch) {
  const int64_t first = block / groups(a), s0 = block % groups(a) * group(a);
  if (!by_pairs(a)) {
    for (int64_t i = 0; first == 0 && i < nf_count_pairs(&a->ids); i++)
      if (nf_id_of(&a->ids, i) < 0) clear_row(a, i, s0);
    multiply(a, first, s0, scratch);
    return;
  }
  const int32_t e = nf_id_of(&a->ids, first);
  if (e < 0) {
    clear_row(a, first, s0);
    return;
  }
  for (int64_t i = 0; i < first; i++)
    if (nf_id_of(&a->ids, i) == e) return;
  multiply(a, e, s0, scratch);
}

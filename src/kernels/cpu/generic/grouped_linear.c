// SPDX-License-Identifier: Apache-2.0
// grouped_linear with weights of 16 rows side by side. A block is one expert and a group of strips; it
// gathers the tokens that chose the expert itself, so nothing is sorted, and reads each panel of weights once
// for all of them.
#include "kernels/cpu/generic/gather.h"

enum { GROUP = 4 }; // strips of a block: 64 rows

int64_t NF_BLOCKS(grouped_linear_n16)(const nf_grouped_linear_args *a) {
  if (nf_tensor_rows(&a->ids) == 0) return 0;
  return a->w.dim[0] * nf_ceil_div(a->w.dim[1], GROUP * NF_STRIP);
}

// Rows without an expert: those with a negative id.
static void clear_rows(const nf_grouped_linear_args *a, int64_t s0, int64_t strips) {
  const int64_t size = nf_dtype_of(a->y.dtype)->bits / 8, from = s0 * NF_STRIP;
  const int64_t n = nf_min(strips * NF_STRIP, a->w.dim[1] - from);
  nf_pairs pairs;
  for (int64_t at = 0; nf_gather(&a->ids, -1, NF_TILE_TOKENS, &at, &pairs), pairs.n != 0;)
    for (int i = 0; i < pairs.n; i++) {
      memset((char *)nf_tensor_row(&a->y, pairs.index[i]) + from * size, 0, (size_t)(n * size));
      nf_clear_padding(&a->y, nf_tensor_row(&a->y, pairs.index[i]), from + n);
    }
}

void NF_KERNEL(grouped_linear_n16)(const nf_grouped_linear_args *a, int64_t block) {
  const int64_t all = nf_ceil_div(a->w.dim[1], NF_STRIP), groups = nf_ceil_div(all, GROUP), J = a->ids.dim[1];
  const int64_t e = block / groups, s0 = block % groups * GROUP;
  const nf_strips strips = nf_strips_of(&a->w, e, s0, nf_min(GROUP, all - s0));
  if (e == 0) clear_rows(a, s0, strips.n);
  nf_pairs pairs;
  for (int64_t at = 0; nf_gather(&a->ids, e, NF_TILE_TOKENS, &at, &pairs), pairs.n != 0;) {
    int64_t from[NF_TILE_TOKENS];
    for (int i = 0; i < pairs.n; i++) from[i] = a->x.rank == 3 ? pairs.index[i] : pairs.index[i] / J;
    nf_rows_times_strips(GROUP, NF_TILE_TOKENS, &a->x, from, pairs.n, &strips, a->w.dim[2], s0, &a->bias, e,
                         &a->y, pairs.index);
  }
}

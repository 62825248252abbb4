// SPDX-License-Identifier: Apache-2.0
// grouped_linear with weights of 16 rows side by side. A block is one expert and a group of strips; it
// gathers the tokens that chose the expert itself, so nothing is sorted, and reads each panel of weights once
// for all of them.
#include "kernels/cpu/generic/panel.h"

enum { GROUP = 4 }; // strips of a block: 64 rows

typedef struct rows_of_expert {  // a tile of (token, choice) pairs of one expert
  int64_t index[NF_TILE_TOKENS]; // t * J + j
  int n;
} rows_of_expert;

int64_t NF_BLOCKS(grouped_linear_n16)(const nf_grouped_linear_args *a) {
  if (nf_tensor_rows(&a->ids) == 0) return 0;
  return a->w.dim[0] * nf_ceil_div(a->w.dim[1], GROUP * NF_STRIP);
}

// The next pairs of expert e from pair *at on.
static void gather(const nf_grouped_linear_args *a, int64_t e, int64_t *at, rows_of_expert *out) {
  const int64_t J = a->ids.dim[1], T = a->ids.dim[0];
  int64_t t = *at / J, j = *at % J;
  out->n = 0;
  for (; t < T && out->n < NF_TILE_TOKENS; t++, j = 0) {
    const int32_t *ids = nf_tensor_row(&a->ids, t);
    for (; j < J && out->n < NF_TILE_TOKENS; j++)
      if (ids[j] == e) out->index[out->n++] = t * J + j;
    if (j < J) break;
  }
  *at = t * J + j;
}

static void run_rows(const nf_grouped_linear_args *a, int64_t e, int64_t s0, const nf_strips *strips,
                     const rows_of_expert *rows) {
  const int64_t K = a->w.dim[2], J = a->ids.dim[1];
  float sum[GROUP * NF_TILE_TOKENS * NF_STRIP], x[NF_TILE_TOKENS * NF_PANEL];
  memset(sum, 0, sizeof sum);
  for (int64_t k = 0; k < K; k += NF_PANEL) {
    const int64_t n = nf_min(NF_PANEL, K - k);
    for (int t = 0; t < rows->n; t++)
      nf_panel_of_x(&a->x, a->x.rank == 3 ? rows->index[t] : rows->index[t] / J, strips, k, n,
                    x + t * NF_PANEL);
    nf_multiply(strips, x, rows->n, k, n, sum);
  }
  for (int64_t s = 0; s < strips->n; s++)
    for (int t = 0; t < rows->n; t++)
      nf_store_strip(strips, s0, s, sum + (s * NF_TILE_TOKENS + t) * NF_STRIP, &a->bias, e, &a->y,
                     rows->index[t]);
}

// Rows without an expert: those with a negative id.
static void clear_rows(const nf_grouped_linear_args *a, int64_t s0, int64_t strips) {
  const int64_t size = nf_dtype_of(a->y.dtype)->bits / 8, from = s0 * NF_STRIP;
  const int64_t n = nf_min(strips * NF_STRIP, a->w.dim[1] - from);
  rows_of_expert rows;
  for (int64_t at = 0; gather(a, -1, &at, &rows), rows.n != 0;)
    for (int i = 0; i < rows.n; i++) {
      memset((char *)nf_tensor_row(&a->y, rows.index[i]) + from * size, 0, (size_t)(n * size));
      nf_clear_padding(&a->y, nf_tensor_row(&a->y, rows.index[i]), from + n);
    }
}

void NF_KERNEL(grouped_linear_n16)(const nf_grouped_linear_args *a, int64_t block) {
  const int64_t all = nf_ceil_div(a->w.dim[1], NF_STRIP), groups = nf_ceil_div(all, GROUP);
  const int64_t e = block / groups, s0 = block % groups * GROUP;
  const nf_strips strips = nf_strips_of(&a->w, e, s0, nf_min(GROUP, all - s0));
  rows_of_expert rows;
  if (e == 0) clear_rows(a, s0, strips.n);
  for (int64_t at = 0; gather(a, e, &at, &rows), rows.n != 0;) run_rows(a, e, s0, &strips, &rows);
}

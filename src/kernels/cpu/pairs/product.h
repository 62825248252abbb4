// SPDX-License-Identifier: Apache-2.0
// Rows of activations times strips of a matrix: what linear, grouped_linear and the fused experts are made
// of.
#pragma once
#include "kernels/cpu/pairs/panel.h"

// Rows up to which vectors multiply no longer than tiles, or than memory is waited for (docs/performance.md).
static inline int nf_most_few(nf_dtype w) {
#if NF_WITH_TILES
  return w == NF_BF16 ? 0 : w == NF_MXFP4 ? 2 : 4;
#else
  (void)w;
  return NF_FEW;
#endif
}
enum { NF_GROUP = 16 }; // most strips at a time

typedef struct nf_room { // a block's own
  _Alignas(64) float sum[NF_GROUP][NF_ROWS][NF_STRIP];
  union {
    float x[NF_ROWS][NF_PANEL];
    uint16_t lines_of_x[NF_PANEL / NF_STEP * NF_ROWS * NF_STEP];
  };
  uint16_t lines[2][NF_PANEL * NF_STRIP];
  float part[4][NF_ROWS][NF_STRIP]; // sums over 128 columns
  float none[NF_ROWS][NF_STRIP];
  float scale[NF_PANEL / NF_BLOCK * NF_ROWS]; // of the panel's rows
  const float *block[NF_GROUP];               // scales of strips for 128 columns each; NULL: none
} nf_room;

typedef struct nf_product {
  const nf_tensor *x;
  const int64_t *from; // [rows] rows of x
  int rows;
  const nf_matrix *w;
  int64_t strip, strips; // strips <= NF_GROUP
  const nf_tensor *bias;
  int64_t bias_row;
  const nf_tensor *y;
  const int64_t *to; // [rows] rows of y
} nf_product;

// Rows from[i] of x times the strips, into rows to[i] of y. `rows` is at most NF_ROWS. A room is a block's
// own.
void NF_KERNEL(product)(const nf_product *p, nf_room *room);

// SPDX-License-Identifier: Apache-2.0
// Rows as kernels see them, and the arguments of kernels that treat rows alone. Shared by device and launch
// code.
#pragma once
#include <stdint.h>

// Rows that may have gaps between them: row r begins at data + r / inner * outer + r % inner * stride.
typedef struct nf_gpu_rows {
  void *data;
  int64_t outer;  // bytes
  int32_t inner;  // 1: rows lie `outer` apart
  int32_t stride; // bytes
} nf_gpu_rows;
_Static_assert(sizeof(nf_gpu_rows) == 24, "the same on every side");

typedef struct nf_gpu_add {
  nf_gpu_rows a, b, y;
  int32_t rows, packs; // packs: of 16 bytes in a row
} nf_gpu_add;

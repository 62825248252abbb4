// SPDX-License-Identifier: Apache-2.0
// Rows as kernels see them, and the arguments of kernels that treat rows alone. Shared by device and launch
// code.
#pragma once
#include <stdbool.h>
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

// One element each: y = f(x, b).
typedef struct nf_gpu_elements {
  nf_gpu_rows x, b, y;
  int32_t rows, columns, padded;  // of y: what is behind the columns becomes zeros
  int32_t packs;                  // of 8 columns of a row
  int32_t half;                   // columns of x's gate, where `up` lies behind it; interleaved: 0
  bool x_f32, b_f32, y_f32, once; // else bf16; once: b has one column
  float alpha, beta, limit;       // of swiglu
} nf_gpu_elements;

// Rows that are copied, from where `from` says: [rows] i32 (NULL: as they are), negative for zeros.
typedef struct nf_gpu_copy {
  nf_gpu_rows x, y;
  const int32_t *from;
  int32_t rows, columns, padded; // of y: what is behind the columns becomes zeros
} nf_gpu_copy;

enum { NF_GPU_PACK = 8 }; // numbers of 16 bits in 16 bytes

// The elements of x in their order as rows of y of another length.
typedef struct nf_gpu_reshape {
  nf_gpu_rows x, y;
  int64_t n; // elements
  int32_t x_columns, y_columns;
  int32_t each; // elements that a lane copies: a pack, or 1 where the columns are not whole packs
} nf_gpu_reshape;

enum { NF_GPU_CONCATS = 4 };
typedef struct nf_gpu_concat {
  nf_gpu_rows x[NF_GPU_CONCATS], y;
  int32_t ends[NF_GPU_CONCATS]; // columns of y at which each ends
  int32_t rows, columns;
  int32_t each; // as above
} nf_gpu_concat;

// What becomes of a row of 16-bit numbers as codes: nothing, one scale for all, one for each 128 columns.
typedef enum nf_gpu_codes { NF_GPU_PLAIN, NF_GPU_BY_ROW, NF_GPU_BY_GROUP } nf_gpu_codes;

// Norms: of x, or of h = x + residual; times w and, where z is there, silu(z). Rows are packs of 8 columns.
typedef struct nf_gpu_norm {
  nf_gpu_rows x, second, y, sum, norm; // second: the residual, or z. data NULL: not there
  const void *w;                       // [columns]
  float *scales;                       // of y's codes, [rows][scale_stride]
  int64_t scale_stride;
  int32_t rows, columns, padded; // of y
  int32_t heads; // of which w's columns are, that share a row of scales: 1 but for gated norms
  float eps;
  int32_t codes; // nf_gpu_codes
  bool w_f32, one_plus, gated;
} nf_gpu_norm;

// Gated products and copies as codes: y = codes of x, of silu(x) b rounded, or of x sigmoid(b) rounded.
typedef enum nf_gpu_gate { NF_GPU_AS_IT_IS, NF_GPU_SILU_MUL, NF_GPU_SIGMOID_MUL } nf_gpu_gate;
typedef struct nf_gpu_quantise {
  nf_gpu_rows x, b, y;
  float *scales; // [rows][scale_stride]
  int64_t scale_stride;
  int32_t rows;        // times parts
  int32_t columns;     // of a row, which is cut to `parts` of `part` columns that have a scale each
  int32_t part, parts; // a last part may have fewer
  int32_t gate;        // nf_gpu_gate
  bool by_row, once;   // b has one column
  // Of long rows that several blocks share: what they are before they are codes, [rows][columns], and the
  // largest of each block's, [rows][shares].
  void *made;
  float *largest;
  int32_t shares;
} nf_gpu_quantise;

// What of x is in the part of a rank, of `size`, counted from its first; -1 for the rest.
typedef struct nf_gpu_rank_ids {
  nf_gpu_rows x, y;
  const int32_t *rank; // NULL: 0
  int64_t size;
  int32_t rows, columns;
} nf_gpu_rank_ids;
typedef struct nf_gpu_router {
  nf_gpu_rows logits, weights, ids, forced; // forced: data NULL: not there
  int32_t rows, experts, k;
  bool over_all, f32; // f32: logits, else bf16
} nf_gpu_router;

// Weighted sums of a token's rows; with `shared`, plus that times the sigmoid of `gate`.
typedef struct nf_gpu_combine {
  nf_gpu_rows x, weights, shared, gate, y; // x: [rows * k]
  int32_t rows, k, columns, padded;        // of y
  bool gate_f32;
} nf_gpu_combine;

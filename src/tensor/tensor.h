// SPDX-License-Identifier: Apache-2.0
// A tensor that kernels see: address, concrete extents and strides. A view; it owns nothing.
#pragma once
#include "tensor/type.h"

typedef struct nf_tensor {
  void *data;  // codes. NULL: absent
  void *scale; // scales of a quantised type, else NULL: [rows of scales][scale_stride] (nf_tensor_scales)
  nf_dtype dtype;
  nf_pack pack;
  nf_cache cache; // of a pool: which group of the batch metadata indexes its slots
  int rank;
  int64_t dim[NF_MAX_RANK];    // logical extents; a pool has its slot count in front
  int64_t stride[NF_MAX_RANK]; // elements from one index to the next (PLAIN); the last is 1
  int64_t padded;       // columns of a row with its padding: [cols, padded) are the type's, zeros in a result
  int64_t scale_stride; // scales from one row to the next
} nf_tensor;

// The view of `data` (nf_type_bytes bytes, aligned to NF_CACHE_LINE) at these sizes. `slots` counts for pools
// only.
nf_tensor nf_tensor_of(const nf_type *t, const nf_sizes *at, int64_t slots, void *data);
// Columns [from, from + n) of a plain tensor whose scales, if any, are those of whole rows. `t` may have no
// data.
nf_tensor nf_tensor_columns(const nf_tensor *t, int64_t from, int64_t n);
// The elements of a plain tensor in their order under the shape of `to`, where they lie. false, and *out is
// not set: no strides say that, since rows of t that would become one have a gap between them.
bool nf_tensor_reshape(const nf_tensor *t, const nf_type *to, const nf_sizes *at, nf_tensor *out);

// Rows are the flattened leading dimensions; one row is the last dimension. Any dtype, any packing order.
int64_t nf_tensor_rows(const nf_tensor *t);
int64_t nf_tensor_cols(const nf_tensor *t);
// Byte address of row r of a PLAIN tensor (start of its codes).
void *nf_tensor_row(const nf_tensor *t, int64_t r);
// The scales of row r of a quantised tensor: nf_scale_cols of them. Not of a packed MXFP4 one (pack.h).
void *nf_tensor_scales(const nf_tensor *t, int64_t r);
// A matrix or vector t of constants from row `first` on (of its first dimension), which begins a strip of a
// packed one and a block of scales: data and scale are its own, the number of rows is still t's.
nf_tensor nf_tensor_rows_from(const nf_tensor *t, int64_t first);
// Decodes row r (all cols) into float32; integers convert. Exact for every dtype but I32/I64 beyond 2^24 and
// MXFP4 products beyond float32's range, which give infinity. `out` does not overlap the tensor.
void nf_row_decode(const nf_tensor *t, int64_t r, float *out);
// Encodes float32 into row r of a plain float dtype (F32, BF16, F16), rounding to nearest even; the row's
// padding becomes zeros.
void nf_row_encode(const nf_tensor *t, int64_t r, const float *in);

// SPDX-License-Identifier: Apache-2.0
// Packing orders: how a weight is laid out for the kernels that read it, and how plain rows get there.
#pragma once
#include "tensor/tensor.h"

// The type with another packing order, its rows padded to what that order needs. t is a plain matrix [.., N,
// K].
nf_type nf_type_packed(nf_type t, nf_pack pack);

// Writes rows [row, row + n) (flattened leading dimensions) of a packed tensor from plain rows as files hold
// them: `codes` [n][K] (FP4: K/2 bytes a row, the low half is the even column), of MXFP4 `scales` [n][K/32].
// The scales of FP8 stay where nf_tensor_scales says, in any packing order: the caller writes them there.
// Each matrix's first row also clears the padding rows of its last strip.
void nf_pack_rows(const nf_tensor *to, int64_t row, int64_t n, const void *codes, const void *scales);
// All rows and scales of a plain tensor of the same extents, without gaps.
void nf_pack_tensor(const nf_tensor *to, const nf_tensor *from);

// What nf_row_decode and nf_pack_rows need of a packed tensor: NF_PACK_N16 keeps 16 rows side by side,
//   element (n, k) at index ((n / 16) K + k) 16 + n % 16 of its matrix;
//   FP4: byte ((n / 16) K + k) 8 + n % 8, low half for n % 16 < 8; its scale at ((n / 16) K / 32 + k / 32) 16
//   + n % 16.
enum { NF_STRIP_ROWS = 16 };
void nf_packed_row_decode(const nf_tensor *t, int64_t row, float *out);

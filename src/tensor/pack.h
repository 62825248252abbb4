// SPDX-License-Identifier: Apache-2.0
// Packing orders: how a weight is laid out for the kernels that read it, and how plain rows get there.
//
// A strip is pack.rows rows of a matrix side by side, of which pack.k neighbouring elements stay together.
// With R rows, k elements and K columns, padded to a multiple of k, element (n, c) of a matrix is
//   element ((n / R) (K / k) + c / k) R k + (n % R) k + c % k;
// of FP4 each R k codes are R k / 2 bytes, the first half of the codes in the low halves of the bytes. With k
// = 2 eight columns of a row are a 32-bit word instead, the even ones in its low half: shifted by 4 i it
// gives the pairs i as 16-bit words of strips with k = 2. With k = 4 those words have the bits of each half
// in another order, from which a code's sign and rest come to a bf16's bits 15 and 8:6 in few steps:
//   pair 0   15, 8:6   as it is                 pair 2   11, 4:3, 10   << 4, the last >> 4
//   pair 1   9, 2:0    << 6                     pair 3   5 of the other half, 14:12   rotated right by 6
// Scales of MXFP4 lie as bytes do in strips of R rows with k = 1, those of FP8 are plain (nf_tensor_scales).
#pragma once
#include "tensor/tensor.h"

// The type with another packing order, rows and columns padded to what that order needs. t is a plain matrix
// [.., N, K].
nf_type nf_type_packed(nf_type t, nf_pack pack);

// How plain rows become a strip.
typedef struct nf_strip {
  nf_pack pack;
  int bits;       // of an element: 4, 8, 16 or 32
  int64_t cols;   // of a plain row; of FP4 the low half of a byte is the even column
  int64_t padded; // of a packed one, whole multiples of pack.k: zeros behind cols
  int64_t pitch;  // bytes from one plain row to the next
  bool stream;    // it is not read soon: written past the caches, where the processor can do that
} nf_strip;
int64_t nf_strip_bytes(const nf_strip *s);
// Packs n <= pack.rows rows into nf_strip_bytes at `out`; rows that are not there become zeros.
void nf_pack_strip(const nf_strip *s, const void *rows, int64_t n, void *out);

// All rows and scales of a plain tensor of the same extents, without gaps.
void nf_pack_tensor(const nf_tensor *to, const nf_tensor *from);

// Codes of columns [c, c + n) of a row as a plain tensor has them, c even; and the row's scales of MXFP4, of
// which one follows the other *out_step bytes behind.
void nf_packed_codes(const nf_tensor *t, int64_t row, int64_t c, int64_t n, void *out);
const void *nf_packed_scales(const nf_tensor *t, int64_t row, int64_t *out_step);

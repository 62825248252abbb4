// SPDX-License-Identifier: Apache-2.0
// quantise: the reference's codes and scales, bit by bit. A block is a few rows, by their length alone. Rows
// are read twice where one scale is for all of them.
#include "kernels/cpu/generic/row.h"

int64_t NF_BLOCKS(quantise_rows)(const nf_quantise_args *a) { return nf_row_blocks(&a->y); }

// The largest |x| of columns [k, k + n), and those before; what is no number does not count.
static v8 highest(const nf_quantise_args *a, const void *row, int64_t k, int64_t n, v8 most) {
  float x[NF_PIECE];
  for (int64_t from = 0; from < n; from += NF_PIECE) {
    const int64_t all = nf_padded(&a->x, row, k + from, nf_min(NF_PIECE, n - from), x);
    for (int64_t i = 0; i < all; i += 8) {
      const v8 u = v8_abs(v8_load(x + i));
      most = v8_select(v8i_less((v8i)most, (v8i)u) & ~v8_is_nan(u), u, most); // as bits: none is negative
    }
  }
  return most;
}

// nf_e4m3_encode of each lane.
NF_INLINE v8u encode(v8 x) {
  const v8u bits = (v8u)x, u = bits & 0x7fffffff;
  const v8u tiny = (v8u)((v8)u + v8_splat(0x1p14f)) - (141u << 23); // the bits of 0x1p14f
  const v8u usual = (u + 0x7ffff + (u >> 20 & 1) - (120u << 23)) >> 20;
  const v8u is_tiny = (v8u)v8i_less((v8i)u, (v8i)v8_splat(0x1p-6f)),
            is_large = ~(v8u)v8i_less((v8i)u, (v8i)v8_splat(448)), is_nan = (v8u)v8_is_nan(x);
  v8u m = (tiny & is_tiny) | (usual & ~is_tiny);
  m = (m & ~is_large) | (is_large & 0x7e);
  m = (m & ~is_nan) | (is_nan & 0x7f);
  return m | (bits >> 24 & 0x80);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NF_LOW_BYTES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define NF_LOW_BYTES 1, 3, 5, 7, 9, 11, 13, 15
#endif

// Columns [k, k + n) with one scale.
static void codes(const nf_quantise_args *a, const void *row, int64_t k, int64_t n, float scale,
                  uint8_t *out) {
  float x[NF_PIECE];
  uint8_t code[NF_PIECE];
  for (int64_t from = 0; from < n; from += NF_PIECE) {
    const int64_t count = nf_min(NF_PIECE, n - from), all = nf_padded(&a->x, row, k + from, count, x);
    for (int64_t i = 0; i < all; i += 8) {
      const v8h h = __builtin_convertvector(encode(v8_load(x + i) / v8_splat(scale)), v8h);
      const v16b b = __builtin_shufflevector((v16b)h, (v16b)h, NF_LOW_BYTES, NF_LOW_BYTES);
      memcpy(code + i, &b, 8);
    }
    memcpy(out + from, code, (size_t)count);
  }
}

void NF_KERNEL(quantise_rows)(const nf_quantise_args *a, int64_t block) {
  const int64_t cols = nf_tensor_cols(&a->x), group = nf_dtype_of(a->y.dtype)->group_cols;
  NF_FOR_ROWS(r, block, &a->y) {
    const void *row = nf_tensor_row(&a->x, r);
    float *scale = nf_tensor_scales(&a->y, r);
    for (int64_t k = 0; k < cols; k += group) {
      const int64_t n = nf_min(group, cols - k);
      const float part = v8_highest(highest(a, row, k, n, v8_splat(0))) / 448;
      *scale = part == 0 ? 1 : part;
      codes(a, row, k, n, *scale++, (uint8_t *)nf_tensor_row(&a->y, r) + k);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// What kernels of linear share: their formats, and results.
#pragma once
#include "kernels/gpu/abi/products.h"
#include "kernels/gpu/products/weight.h"
#include "kernels/gpu/rows/rows.h"

typedef enum linear_format { LINEAR_BF16, LINEAR_FP8_ROW, LINEAR_FP8_BLOCK } linear_format;

// 16 bytes of a lane as factors of so many products (weight.h).
#define LINEAR_PARTS(f) ((f) == LINEAR_BF16 ? 2 : 4)
INLINE u32x2 linear_part(linear_format f, u32x4 v, int p) {
  return f == LINEAR_BF16 ? part_bf16(v, p) : part_fp8(v, p);
}
INLINE tile_a linear_rows(linear_format f, const u32x4 rows[TILE_ROWS], int p) {
  tile_a a;
  UNROLL for (int i = 0; i < TILE_ROWS; i++) tile_a_put(&a, i, linear_part(f, rows[i], p));
  return a;
}
INLINE f32x4 linear_mma(linear_format f, tile_a a, tile_b b, f32x4 sum) {
  if (f == LINEAR_BF16) return tile_mma_bf16(a, b, sum);
  return tile_mma_f16(a, b, sum);
}

// Adds the products of 64 bytes of each of the tile's rows with as many of its columns, of which a lane
// has 16.
INLINE f32x4 linear_multiply(linear_format f, const u32x4 rows[TILE_ROWS], u32x4 col, f32x4 sum) {
  UNROLL for (int p = 0; p < 4; p++) if (p < LINEAR_PARTS(f)) sum =
      linear_mma(f, linear_rows(f, rows, p), tile_b_of(linear_part(f, col, p)), sum);
  return sum;
}

// The scale of a group of 128 of k of FP8 in blocks.
INLINE float linear_scale(const nf_gpu_linear *a, int token, int n, int group) {
  const int t = token < a->tokens ? token : a->tokens - 1;
  return a->x_scale[(int64_t)t * a->x_groups + group] * a->w_scale[(int64_t)(n / 128) * a->w_groups + group];
}

// A sum becomes a result.
INLINE float linear_result(const nf_gpu_linear *a, linear_format f, int token, int n, float sum) {
  if (f == LINEAR_FP8_ROW) sum = sum * a->x_scale[token] * a->w_scale[n];
  return a->bias != NULL ? sum + number_at(a->bias, n, a->bias_f32) : sum;
}
INLINE void linear_store(const nf_gpu_linear *a, linear_format f, int token, int n, float sum) {
  if (token >= a->tokens || n >= a->n) return;
  number_put((char *)a->y + token * a->y_stride, n, a->y_f32, linear_result(a, f, token, n, sum));
}

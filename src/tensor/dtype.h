// SPDX-License-Identifier: Apache-2.0
// Element types: one row each. A quantised type includes its scales, so codes and scales travel as one
// tensor.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// id, name, bits of a code, code type, scale type, rows x columns that share a scale (0 columns: no scales).
// A plain type is its own code type. The columns are the last dimension (K of a weight); the rows those of
// one matrix [.., N, K]. What is left at the end of a row or of a matrix is a group of its own.
#define NF_DTYPES(X)                                    \
  X(F32, "f32", 32, F32, NONE, 0, 0)                    \
  X(BF16, "bf16", 16, BF16, NONE, 0, 0)                 \
  X(F16, "f16", 16, F16, NONE, 0, 0)                    \
  X(F8E4M3, "f8e4m3", 8, F8E4M3, NONE, 0, 0)            \
  X(E8M0, "e8m0", 8, E8M0, NONE, 0, 0)                  \
  X(E2M1, "e2m1", 4, E2M1, NONE, 0, 0)                  \
  X(I32, "i32", 32, I32, NONE, 0, 0)                    \
  X(I64, "i64", 64, I64, NONE, 0, 0)                    \
  X(U8, "u8", 8, U8, NONE, 0, 0)                        \
  X(MXFP4, "mxfp4", 4, E2M1, E8M0, 1, 32)               \
  X(FP8_ROW, "fp8row", 8, F8E4M3, F32, 1, NF_WHOLE_ROW) \
  X(FP8_GROUP, "fp8g128", 8, F8E4M3, F32, 1, 128)       \
  X(FP8_BLOCK, "fp8b128", 8, F8E4M3, F32, 128, 128)
enum { NF_WHOLE_ROW = 1 << 30 };

typedef enum nf_dtype {
  NF_NONE = 0, // no tensor: an absent optional operand
#define NF_DTYPE_ID(id, ...) NF_##id,
  NF_DTYPES(NF_DTYPE_ID)
#undef NF_DTYPE_ID
      NF_DTYPE_COUNT
} nf_dtype;
// Sets of dtypes.
#define NF_BIT(dt) (1ull << NF_##dt)
#define NF_FLOATS (NF_BIT(F32) | NF_BIT(BF16) | NF_BIT(F16))

typedef struct nf_dtype_info {
  const char *name;
  int bits;       // of one code
  nf_dtype code;  // itself for plain types
  nf_dtype scale; // NF_NONE for plain types
  int group_rows, group_cols;
} nf_dtype_info;

const nf_dtype_info *nf_dtype_of(nf_dtype t); // t in [0, NF_DTYPE_COUNT)
bool nf_dtype_parse(const char *name, nf_dtype *out);
// Scales of a row of `cols` columns, and rows of them for a matrix of `rows` rows. t is quantised.
static inline int64_t nf_scale_cols(nf_dtype t, int64_t cols) {
  const int64_t group = nf_dtype_of(t)->group_cols;
  return (cols + group - 1) / group;
}
static inline int64_t nf_scale_rows(nf_dtype t, int64_t rows) {
  const int64_t group = nf_dtype_of(t)->group_rows;
  return (rows + group - 1) / group;
}
static inline bool nf_is_quantised(nf_dtype t) { return nf_dtype_of(t)->scale != NF_NONE; }
static inline bool nf_is_fp8(nf_dtype t) { return nf_is_quantised(t) && nf_dtype_of(t)->code == NF_F8E4M3; }
static inline bool nf_is_float(nf_dtype t) { return t == NF_F32 || t == NF_BF16 || t == NF_F16; }

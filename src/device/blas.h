// SPDX-License-Identifier: Apache-2.0
// Inside the room: cuBLASLt, version 12.9 or later (the first with scales for rows), through a table of the
// calls that we use. Types are ours, as in gpu_calls.h; each call but the version returns 0 when all is well.
#pragma once
#include "device/gpu.h"
#include "device/matmul.h"

#define NF_BLAS_CALLS(X)                                                                           \
  X(create, cublasLtCreate, (void **out))                                                          \
  X(destroy, cublasLtDestroy, (void *handle))                                                      \
  X(product_create, cublasLtMatmulDescCreate, (void **out, int compute, int scale))                \
  X(product_destroy, cublasLtMatmulDescDestroy, (void *product))                                   \
  X(product_set, cublasLtMatmulDescSetAttribute,                                                   \
    (void *product, int attribute, const void *value, size_t bytes))                               \
  X(layout_create, cublasLtMatrixLayoutCreate,                                                     \
    (void **out, int type, uint64_t rows, uint64_t columns, int64_t stride))                       \
  X(layout_destroy, cublasLtMatrixLayoutDestroy, (void *layout))                                   \
  X(preference_create, cublasLtMatmulPreferenceCreate, (void **out))                               \
  X(preference_destroy, cublasLtMatmulPreferenceDestroy, (void *preference))                       \
  X(preference_set, cublasLtMatmulPreferenceSetAttribute,                                          \
    (void *preference, int attribute, const void *value, size_t bytes))                            \
  X(choose, cublasLtMatmulAlgoGetHeuristic,                                                        \
    (void *handle, void *product, void *a, void *b, void *c, void *d, void *preference, int most,  \
     struct nf_blas_choice *out, int *n))                                                          \
  X(matmul, cublasLtMatmul,                                                                        \
    (void *handle, void *product, const void *alpha, const void *a, void *a_layout, const void *b, \
     void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout,     \
     const uint64_t *algorithm, void *workspace, size_t workspace_bytes, void *stream))

// cublasLtMatmulHeuristicResult_t
typedef struct nf_blas_choice {
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
} nf_blas_choice;

enum {
  NF_BLAS_VERSION = 120900,
  NF_BLAS_BF16 = 14, // types
  NF_BLAS_F32 = 0,
  NF_BLAS_E4M3 = 28,
  NF_BLAS_COMPUTE_F32 = 68,
  NF_BLAS_TRANSPOSE_A = 3, // attributes of a product
  NF_BLAS_EPILOGUE = 7,
  NF_BLAS_BIAS = 8,
  NF_BLAS_A_SCALE = 17,
  NF_BLAS_B_SCALE = 18,
  NF_BLAS_BIAS_TYPE = 26,
  NF_BLAS_A_SCALE_MODE = 31,
  NF_BLAS_B_SCALE_MODE = 32,
  NF_BLAS_TRANSPOSED = 1, // their values
  NF_BLAS_EPILOGUE_BIAS = 4,
  NF_BLAS_SCALE_OF_ROWS = 3,
  NF_BLAS_WORKSPACE = 1, // attributes of a preference
  NF_BLAS_REDUCTIONS = 3,
  NF_BLAS_ALIGNMENT = 5,      // of A; then B, C, D
  NF_BLAS_REDUCED_IN_F32 = 2, // parts of K in the type that is computed in
};

// Loads the library, which takes a while; NF_UNAVAILABLE where it is not there or too old. Freed by
// nf_blas_close, for which NULL is fine.
nf_status nf_blas_open(nf_blas **out);
void nf_blas_close(nf_blas *b);
// Before the first product; the device is the thread's.
nf_status nf_blas_begin(nf_blas *b);
// Puts the product into the stream, or its capture. The algorithm is what the library recommended the first
// time for a product of this shape.
nf_status nf_blas_run(nf_blas *b, const nf_matmul *m, void *stream);

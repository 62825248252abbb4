// SPDX-License-Identifier: Apache-2.0
// Inside the room: the makers' libraries of products, through a table of the calls that we use: cuBLASLt,
// version 12.9 or later (the first with scales for rows), and hipBLASLt 1 (ROCm 7; those before have other
// scales for rows), which has never run here. Types are ours, as in gpu_calls.h; each call returns 0 when
// all is well.
#pragma once
#include "device/gpu.h"
#include "device/matmul.h"

#define NF_BLAS_CALLS(X)                                                                              \
  X(create, cublasLtCreate, hipblasLtCreate, (void **out))                                            \
  X(destroy, cublasLtDestroy, hipblasLtDestroy, (void *handle))                                       \
  X(product_create, cublasLtMatmulDescCreate, hipblasLtMatmulDescCreate,                              \
    (void **out, int compute, int scale))                                                             \
  X(product_destroy, cublasLtMatmulDescDestroy, hipblasLtMatmulDescDestroy, (void *product))          \
  X(product_set, cublasLtMatmulDescSetAttribute, hipblasLtMatmulDescSetAttribute,                     \
    (void *product, int attribute, const void *value, size_t bytes))                                  \
  X(layout_create, cublasLtMatrixLayoutCreate, hipblasLtMatrixLayoutCreate,                           \
    (void **out, int type, uint64_t rows, uint64_t columns, int64_t stride))                          \
  X(layout_destroy, cublasLtMatrixLayoutDestroy, hipblasLtMatrixLayoutDestroy, (void *layout))        \
  X(preference_create, cublasLtMatmulPreferenceCreate, hipblasLtMatmulPreferenceCreate, (void **out)) \
  X(preference_destroy, cublasLtMatmulPreferenceDestroy, hipblasLtMatmulPreferenceDestroy,            \
    (void *preference))                                                                               \
  X(preference_set, cublasLtMatmulPreferenceSetAttribute, hipblasLtMatmulPreferenceSetAttribute,      \
    (void *preference, int attribute, const void *value, size_t bytes))                               \
  X(choose, cublasLtMatmulAlgoGetHeuristic, hipblasLtMatmulAlgoGetHeuristic,                          \
    (void *handle, void *product, void *a, void *b, void *c, void *d, void *preference, int most,     \
     nf_blas_choice *out, int *n))                                                                    \
  X(matmul, cublasLtMatmul, hipblasLtMatmul,                                                          \
    (void *handle, void *product, const void *alpha, const void *a, void *a_layout, const void *b,    \
     void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout,        \
     const uint64_t *algorithm, void *workspace, size_t workspace_bytes, void *stream))

// Room for what `choose` recommends (cublasLtMatmulHeuristicResult_t, 96 bytes; hipblasLt's, 56), which
// begins with the algorithm.
typedef struct nf_blas_choice {
  uint64_t algorithm[12];
} nf_blas_choice;

// Numbers that both libraries have alike.
enum {
  NF_BLAS_BF16 = 14, // types
  NF_BLAS_F32 = 0,
  NF_BLAS_E4M3 = 28,
  NF_BLAS_A_SCALE_MODE = 31, // attributes of a product
  NF_BLAS_B_SCALE_MODE = 32,
  NF_BLAS_EPILOGUE_BIAS = 4, // their values
  NF_BLAS_SCALE_OF_ROWS = 3,
  NF_BLAS_WORKSPACE = 1,      // attribute of a preference
  NF_BLAS_REDUCED_IN_F32 = 2, // value of `reductions`: parts of K in the type that is computed in
};

// Numbers that are cuBLASLt's, and hipBLASLt's; NF_BLAS_NONE: it has no such thing to be asked for.
#define NF_BLAS_NUMBERS(X)                                                                  \
  X(no_memory, 3, 2) /* answers of calls */                                                 \
  X(unsupported, 15, 7)                                                                     \
  X(compute_f32, 68, 2) /* a type of sums */                                                \
  X(transpose_a, 3, 0)  /* attributes of a product */                                       \
  X(epilogue, 7, 2)                                                                         \
  X(bias, 8, 3)                                                                             \
  X(a_scale, 17, 5)                                                                         \
  X(b_scale, 18, 6)                                                                         \
  X(bias_type, 26, 4)                                                                       \
  X(transposed, 1, 112)          /* value of transpose_a */                                 \
  X(reductions, 3, NF_BLAS_NONE) /* attributes of a preference: how parts of K are added */ \
  X(alignment, 5, NF_BLAS_NONE)  /* of A; then B, C, D */
enum { NF_BLAS_NONE = -1 };

typedef struct nf_blas_numbers {
#define NF_BLAS_NUMBER(field, cublaslt, hipblaslt) int field;
  NF_BLAS_NUMBERS(NF_BLAS_NUMBER)
#undef NF_BLAS_NUMBER
} nf_blas_numbers;
static const nf_blas_numbers nf_blas_numbers_of[NF_BLAS_MAKERS] = {
#define NF_BLAS_NUMBER(field_, cublaslt, hipblaslt) .field_ = cublaslt,
    [NF_CUBLASLT] = {NF_BLAS_NUMBERS(NF_BLAS_NUMBER)},
#undef NF_BLAS_NUMBER
#define NF_BLAS_NUMBER(field_, cublaslt, hipblaslt) .field_ = hipblaslt,
    [NF_HIPBLASLT] = {NF_BLAS_NUMBERS(NF_BLAS_NUMBER)},
#undef NF_BLAS_NUMBER
};
enum { NF_CUBLASLT_VERSION = 120900 };

// Loads the library, which takes a while; NF_UNAVAILABLE where it is not there or too old. Freed by
// nf_blas_close, for which NULL is fine.
nf_status nf_blas_open(nf_blas_maker maker, nf_blas **out);
void nf_blas_close(nf_blas *b);
// What a GPU can by it: a bit of nf_hw.features, of NULL none.
uint64_t nf_blas_feature(const nf_blas *b);
// Before the first product; the device is the thread's.
nf_status nf_blas_begin(nf_blas *b);
// Puts the product into the stream, or its capture. The algorithm is what the library recommended the first
// time for a product of this shape.
nf_status nf_blas_run(nf_blas *b, const nf_matmul *m, void *stream);

// SPDX-License-Identifier: Apache-2.0
// The makers' libraries of products where there are none, compiled twice, as fake.c is: the calls of
// src/device/blas.h, which put a product that the host computes into the fake driver's stream. What the
// library would not take, or we never ask for, is refused.
#include "device/blas.h"
#include "tests/drivers/fake.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifdef FAKE_HIP
enum { MAKER = NF_HIPBLASLT, INVALID = 3, CHOICE_BYTES = 56 };
#define DRIVER "libamdhip64.so.6"
#else
enum { MAKER = NF_CUBLASLT, INVALID = 7, CHOICE_BYTES = 96 };
#define DRIVER "libcuda.so.1"
#endif
enum { MOST_ATTRIBUTES = 40 };
static const nf_blas_numbers *const numbers = &nf_blas_numbers_of[MAKER];

typedef struct layout {
  int type;
  uint64_t rows, columns;
  int64_t stride;
} layout;
typedef struct values { // of attributes
  uint64_t of[MOST_ATTRIBUTES];
} values;

static int set(values *v, int attribute, const void *value, size_t bytes) {
  if (attribute < 0 || attribute >= MOST_ATTRIBUTES || bytes > sizeof v->of[0]) return INVALID;
  v->of[attribute] = 0;
  memcpy(&v->of[attribute], value, bytes);
  return 0;
}

static int fake_create(void **out) { return *out = malloc(1), 0; }
static int fake_destroy(void *handle) { return free(handle), 0; }
static int fake_product_create(void **out, int compute, int scale) {
  return *out = calloc(1, sizeof(values)),
         compute == numbers->compute_f32 && scale == NF_BLAS_F32 ? 0 : INVALID;
}
static int fake_product_destroy(void *product) { return free(product), 0; }
static int fake_product_set(void *product, int attribute, const void *value, size_t bytes) {
  return set(product, attribute, value, bytes);
}
static int fake_layout_create(void **out, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  if (stride < (int64_t)rows) return INVALID;
  layout *l = malloc(sizeof *l);
  *l = (layout){type, rows, columns, stride};
  return *out = l, 0;
}
static int fake_layout_destroy(void *of) { return free(of), 0; }
static int fake_preference_create(void **out) { return *out = calloc(1, sizeof(values)), 0; }
static int fake_preference_destroy(void *preference) { return free(preference), 0; }
static int fake_preference_set(void *preference, int attribute, const void *value, size_t bytes) {
  return set(preference, attribute, value, bytes);
}

// Whether there is such a product: w [k, n] transposed, x [k, tokens], y [n, tokens].
static int check(const values *product, const layout *w, const layout *x, const layout *y) {
  const bool fp8 = w->type == NF_BLAS_E4M3;
  const uint64_t scaled = fp8 ? NF_BLAS_SCALE_OF_ROWS : 0;
  if (product->of[numbers->transpose_a] != (uint64_t)numbers->transposed) return INVALID;
  if (w->rows != x->rows || w->columns != y->rows || x->columns != y->columns) return INVALID;
  if (w->type != x->type || (!fp8 && w->type != NF_BLAS_BF16)) return numbers->unsupported;
  if (product->of[NF_BLAS_A_SCALE_MODE] != scaled || product->of[NF_BLAS_B_SCALE_MODE] != scaled)
    return INVALID;
  if (fp8 && (w->rows % 16 || w->columns % 16)) return numbers->unsupported;
  return 0;
}

// An algorithm is the number of the product's columns.
static int fake_choose(void *, void *product, void *a, void *b, void *c, void *d, void *preference, int most,
                       nf_blas_choice *out, int *n) {
  const values *p = preference;
  if (c != d || most != 1 || p->of[NF_BLAS_WORKSPACE] == 0) return INVALID;
  if (numbers->reductions != NF_BLAS_NONE &&
      (p->of[numbers->reductions] != NF_BLAS_REDUCED_IN_F32 || p->of[numbers->alignment] == 0))
    return INVALID;
  const int code = check(product, a, b, d);
  memset(out, 0xa5, CHOICE_BYTES);
  out->algorithm[0] = ((const layout *)d)->columns;
  return *n = code == 0, code;
}

static int fake_matmul(void *, void *product, const void *alpha, const void *a, void *a_layout, const void *b,
                       void *b_layout, const void *beta, const void *c, void *c_layout, void *d,
                       void *d_layout, const uint64_t *algorithm, void *workspace, size_t bytes,
                       void *stream) {
  const values *p = product;
  const layout *w = a_layout, *x = b_layout, *y = d_layout;
  const int code = check(p, w, x, y);
  if (code != 0) return code;
  if (*(const float *)alpha != 1 || *(const float *)beta != 0 || c != d || c_layout != d_layout)
    return INVALID;
  if (algorithm[0] != y->columns || workspace == NULL || (uintptr_t)workspace % 256 || bytes == 0)
    return INVALID;
  const bool biased = p->of[numbers->epilogue] == NF_BLAS_EPILOGUE_BIAS;
  if (biased && p->of[numbers->bias_type] != NF_BLAS_BF16) return numbers->unsupported;
  const nf_matmul m = {.x = b,
                       .w = a,
                       .bias = biased ? (const void *)p->of[numbers->bias] : NULL,
                       .y = d,
                       .x_scale = (const float *)p->of[numbers->b_scale],
                       .w_scale = (const float *)p->of[numbers->a_scale],
                       .x_stride = x->stride,
                       .w_stride = w->stride,
                       .y_stride = y->stride,
                       .tokens = (int64_t)y->columns,
                       .n = (int64_t)y->rows,
                       .k = (int64_t)w->rows,
                       .fp8 = w->type == NF_BLAS_E4M3,
                       .y_f32 = y->type == NF_BLAS_F32};
  int (*enqueue)(void *, const char *, unsigned, const void *) =
      (int (*)(void *, const char *, unsigned, const void *))dlsym(dlopen(DRIVER, RTLD_NOW),
                                                                   "fake_gpu_enqueue");
  return enqueue == NULL ? INVALID : enqueue(stream, "matmul", (unsigned)m.tokens, &m);
}

#ifdef FAKE_HIP
#define SYMBOL(cublaslt, hipblaslt) hipblaslt
#else
#define SYMBOL(cublaslt, hipblaslt) cublaslt
__attribute__((visibility("default"))) size_t cublasLtGetVersion(void);
size_t cublasLtGetVersion(void) {
  const char *asked = getenv("FAKE_CUBLASLT_VERSION");
  return asked != NULL ? strtoul(asked, NULL, 10) : NF_CUBLASLT_VERSION;
}
#endif
#define CALL(field, cublaslt, hipblaslt, parameters) \
  __attribute__((visibility("default"), alias("fake_" #field))) int SYMBOL(cublaslt, hipblaslt) parameters;
NF_BLAS_CALLS(CALL)

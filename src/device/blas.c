// SPDX-License-Identifier: Apache-2.0
// cuBLASLt and hipBLASLt, which differ by names and numbers. What they call matrices has columns where we
// have rows: w, transposed, is multiplied with x.
#include "device/blas.h"
#include "base/memory.h"
#include <dlfcn.h>
#include <string.h>

typedef struct chosen {
  nf_matmul shape; // without addresses but for their alignment
  nf_blas_choice choice;
} chosen;

struct nf_blas {
  const struct library *of;
  const nf_blas_numbers *numbers;
  void *library, *handle;
#define CALL(field, cublaslt, hipblaslt, parameters) int(*field) parameters;
  NF_BLAS_CALLS(CALL)
#undef CALL
  chosen *chosen;
  size_t n_chosen, cap_chosen;
};

// ---- the library ----

static bool is_recent(void *library) {
  size_t (*version)(void) = (size_t(*)(void))dlsym(library, "cublasLtGetVersion");
  return version != NULL && version() >= NF_CUBLASLT_VERSION;
}

static const struct library {
  const char *name, *files[2];      // newest first
  bool (*is_recent)(void *library); // NULL: its file's name says enough
  const char *wanted;
  uint64_t feature;
} libraries[NF_BLAS_MAKERS] = {
    [NF_CUBLASLT] = {"cuBLASLt",
                     {"libcublasLt.so.13", "libcublasLt.so.12"},
                     is_recent,
                     "libcublasLt.so.13 or .12 can't be loaded, or is older than 12.9",
                     NF_GPU(CUBLASLT)},
    [NF_HIPBLASLT] = {
        "hipBLASLt", {"libhipblaslt.so.1"}, NULL, "libhipblaslt.so.1 can't be loaded", NF_GPU(HIPBLASLT)}};

static void *load(const struct library *l) {
  for (int i = 0; i < 2 && l->files[i] != NULL; i++) {
    void *library = dlopen(l->files[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) continue;
    if (l->is_recent == NULL || l->is_recent(library)) return library;
    dlclose(library);
  }
  return NULL;
}

static nf_status blas_status(const nf_blas *b, const char *call, int code) {
  if (code == 0) return nf_ok();
  const bool unsupported = code == b->numbers->unsupported;
  const nf_code of = code == b->numbers->no_memory ? NF_NO_MEMORY
                     : unsupported                 ? NF_UNAVAILABLE
                                                   : NF_INTERNAL;
  return nf_error(of, "%s of %s answers %d%s", call, b->of->name, code,
                  unsupported ? ": it has no such product" : "");
}
#define DO(b, field, ...) blas_status(b, #field, (b)->field(__VA_ARGS__))

static nf_status find_calls(nf_blas *b, nf_blas_maker maker) {
  b->library = load(b->of);
  if (b->library == NULL) return nf_error(NF_UNAVAILABLE, "%s", b->of->wanted);
  const char *symbol;
#define CALL(field_, cublaslt, hipblaslt, parameters)       \
  symbol = maker == NF_CUBLASLT ? #cublaslt : #hipblaslt;   \
  b->field_ = (int(*) parameters)dlsym(b->library, symbol); \
  if (b->field_ == NULL) return nf_error(NF_UNAVAILABLE, "%s has no %s", b->of->name, symbol);
  NF_BLAS_CALLS(CALL)
#undef CALL
  return nf_ok();
}

nf_status nf_blas_open(nf_blas_maker maker, nf_blas **out) {
  nf_blas *b;
  NF_TRY(nf_make(&b, 1, sizeof *b, "a library of products"));
  b->of = &libraries[maker], b->numbers = &nf_blas_numbers_of[maker];
  const nf_status st = find_calls(b, maker);
  if (nf_is_ok(st))
    *out = b;
  else
    nf_blas_close(b);
  return st;
}

uint64_t nf_blas_feature(const nf_blas *b) { return b != NULL ? b->of->feature : 0; }

nf_status nf_blas_begin(nf_blas *b) { return b->handle != NULL ? nf_ok() : DO(b, create, &b->handle); }

void nf_blas_close(nf_blas *b) {
  if (b == NULL) return;
  if (b->handle != NULL) (void)b->destroy(b->handle);
  if (b->library != NULL) dlclose(b->library);
  nf_free(b->chosen);
  nf_free(b);
}

// ---- a product ----

typedef struct problem {
  void *product, *w, *x, *y, *preference;
} problem;

static nf_status set(nf_blas *b, const problem *p, int attribute, int value) {
  return DO(b, product_set, p->product, attribute, &value, sizeof value);
}
static nf_status set_address(nf_blas *b, const problem *p, int attribute, const void *value) {
  return DO(b, product_set, p->product, attribute, &value, sizeof value);
}

static nf_status set_bias(nf_blas *b, const nf_matmul *m, const problem *p) {
  if (m->bias == NULL) return nf_ok();
  NF_TRY(set(b, p, b->numbers->epilogue, NF_BLAS_EPILOGUE_BIAS));
  NF_TRY(set(b, p, b->numbers->bias_type, NF_BLAS_BF16));
  return set_address(b, p, b->numbers->bias, m->bias);
}

static nf_status set_scales(nf_blas *b, const nf_matmul *m, const problem *p) {
  if (!m->fp8) return nf_ok();
  NF_TRY(set(b, p, NF_BLAS_A_SCALE_MODE, NF_BLAS_SCALE_OF_ROWS));
  NF_TRY(set(b, p, NF_BLAS_B_SCALE_MODE, NF_BLAS_SCALE_OF_ROWS));
  NF_TRY(set_address(b, p, b->numbers->a_scale, m->w_scale));
  return set_address(b, p, b->numbers->b_scale, m->x_scale);
}

static nf_status describe(nf_blas *b, const nf_matmul *m, problem *p) {
  const int type = m->fp8 ? NF_BLAS_E4M3 : NF_BLAS_BF16, result = m->y_f32 ? NF_BLAS_F32 : NF_BLAS_BF16;
  const uint64_t k = (uint64_t)m->k, n = (uint64_t)m->n, tokens = (uint64_t)m->tokens;
  NF_TRY(DO(b, product_create, &p->product, b->numbers->compute_f32, NF_BLAS_F32));
  NF_TRY(DO(b, layout_create, &p->w, type, k, n, m->w_stride));
  NF_TRY(DO(b, layout_create, &p->x, type, k, tokens, m->x_stride));
  NF_TRY(DO(b, layout_create, &p->y, result, n, tokens, m->y_stride));
  NF_TRY(set(b, p, b->numbers->transpose_a, b->numbers->transposed));
  NF_TRY(set_bias(b, m, p));
  return set_scales(b, m, p);
}

static void forget(nf_blas *b, problem *p) {
  void *const layouts[] = {p->w, p->x, p->y};
  for (int i = 0; i < 3; i++)
    if (layouts[i] != NULL) (void)b->layout_destroy(layouts[i]);
  if (p->product != NULL) (void)b->product_destroy(p->product);
  if (p->preference != NULL) (void)b->preference_destroy(p->preference);
}

// ---- its algorithm ----

static uint32_t alignment(const void *at) {
  const uintptr_t a = (uintptr_t)at | 256;
  return (uint32_t)(a & -a);
}

// Of the address only what an algorithm may go by.
static void *address_class(const void *at) { return (void *)(uintptr_t)(at != NULL ? alignment(at) : 0); }

static nf_matmul shape_of(const nf_matmul *m) {
  nf_matmul shape = *m;
  shape.x = address_class(m->x), shape.w = address_class(m->w), shape.y = address_class(m->y);
  shape.bias = address_class(m->bias);
  shape.workspace = NULL, shape.x_scale = shape.w_scale = NULL;
  return shape;
}

static nf_status prefer(nf_blas *b, const nf_matmul *m, problem *p) {
  const uint32_t reductions = NF_BLAS_REDUCED_IN_F32;
  const void *const at[] = {m->w, m->x, m->y, m->y};
  NF_TRY(DO(b, preference_create, &p->preference));
  NF_TRY(DO(b, preference_set, p->preference, NF_BLAS_WORKSPACE, &m->workspace_bytes,
            sizeof m->workspace_bytes));
  if (b->numbers->reductions != NF_BLAS_NONE)
    NF_TRY(DO(b, preference_set, p->preference, b->numbers->reductions, &reductions, sizeof reductions));
  for (int i = 0; i < 4 && b->numbers->alignment != NF_BLAS_NONE; i++) {
    const uint32_t bytes = alignment(at[i]);
    NF_TRY(DO(b, preference_set, p->preference, b->numbers->alignment + i, &bytes, sizeof bytes));
  }
  return nf_ok();
}

static nf_status choose(nf_blas *b, const nf_matmul *m, problem *p, const nf_blas_choice **out) {
  const nf_matmul shape = shape_of(m);
  int n = 0;
  for (size_t i = 0; i < b->n_chosen; i++)
    if (memcmp(&b->chosen[i].shape, &shape, sizeof shape) == 0) return *out = &b->chosen[i].choice, nf_ok();
  if (!nf_grow(&b->chosen, &b->cap_chosen, b->n_chosen + 1, sizeof *b->chosen))
    return nf_error(NF_NO_MEMORY, "no memory for a product's algorithm");
  chosen *c = &b->chosen[b->n_chosen];
  c->shape = shape;
  NF_TRY(prefer(b, m, p));
  NF_TRY(DO(b, choose, b->handle, p->product, p->w, p->x, p->y, p->y, p->preference, 1, &c->choice, &n));
  if (n < 1) return blas_status(b, "choose", b->numbers->unsupported);
  b->n_chosen++;
  return *out = &c->choice, nf_ok();
}

static nf_status put(nf_blas *b, const nf_matmul *m, problem *p, void *stream) {
  static const float one = 1, zero = 0;
  const nf_blas_choice *c = NULL;
  NF_TRY(describe(b, m, p));
  NF_TRY(choose(b, m, p, &c));
  return DO(b, matmul, b->handle, p->product, &one, m->w, p->w, m->x, p->x, &zero, m->y, p->y, m->y, p->y,
            c->algorithm, m->workspace, m->workspace_bytes, stream);
}

nf_status nf_blas_run(nf_blas *b, const nf_matmul *m, void *stream) {
  problem p = {0};
  const nf_status st = put(b, m, &p, stream);
  forget(b, &p);
  if (nf_is_ok(st)) return st;
  const nf_status told = nf_error(nf_status_code(st), "%s (%lld tokens, %lld x %lld)", nf_status_message(st),
                                  (long long)m->tokens, (long long)m->n, (long long)m->k);
  nf_status_free(st);
  return told;
}

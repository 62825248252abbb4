// SPDX-License-Identifier: Apache-2.0
// The registry: kernels.def as a table.
#include "kernels/kernels.h"
#include "select/select.h"
#include <string.h>

// Kernels take their op's arguments; the table's functions take any.
#define NF_VARIANT(op, name, ...)                                               \
  static int64_t name##_blocks(const void *a) { return nf_##name##_blocks(a); } \
  static void name##_run(const void *a, int64_t block, void *scratch) {         \
    (void)scratch;                                                              \
    nf_##name(a, block);                                                        \
  }
#define NF_BY_ROW(op, name, ...)                                                                          \
  static int64_t name##_blocks(const void *a) { return nf_tensor_rows(&((const nf_##op##_args *)a)->y); } \
  static void name##_run(const void *a, int64_t r, void *scratch) {                                       \
    (void)scratch;                                                                                        \
    nf_##name(a, r);                                                                                      \
  }
#define NF_SCRATCHED(op, name, ...)                                                                     \
  static int64_t name##_blocks(const void *a) { return nf_##name##_blocks(a); }                         \
  static void name##_run(const void *a, int64_t block, void *scratch) { nf_##name(a, block, scratch); } \
  static size_t name##_scratch(const void *a) { return nf_##name##_scratch(a); }
#include "kernels/kernels.def"

static const nf_variant variants[] = {
#define NF_VARIANT(op_, name_, ...)                                 \
  {.name = #name_,                                                  \
   .op = NF_OP_##op_,                                               \
   .entry = {NF_ENTRY_HOST, {{name_##_blocks, name_##_run, NULL}}}, \
   __VA_ARGS__},
#define NF_BY_ROW NF_VARIANT
#define NF_SCRATCHED(op_, name_, ...)                                          \
  {.name = #name_,                                                             \
   .op = NF_OP_##op_,                                                          \
   .entry = {NF_ENTRY_HOST, {{name_##_blocks, name_##_run, name_##_scratch}}}, \
   __VA_ARGS__},
#define NF_DECLARED(op_, name_, ...) {.name = #name_, .op = NF_OP_##op_, __VA_ARGS__},
#include "kernels/kernels.def"
};

const nf_variant *nf_variants(size_t *out_n) {
  *out_n = sizeof variants / sizeof *variants;
  return variants;
}

const nf_variant *nf_variant_find(const char *name) {
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    if (strcmp(variants[i].name, name) == 0) return &variants[i];
  return NULL;
}

const nf_variant *nf_reference_of(nf_op op) {
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    if (variants[i].op == op && variants[i].backend == NF_BACKEND_REF) return &variants[i];
  return NULL;
}

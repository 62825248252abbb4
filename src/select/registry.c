// SPDX-License-Identifier: Apache-2.0
// The registry: kernels.def as a table; and validation of kernels forced by name.
#include "base/memory.h"
#include "kernels/kernels.h"
#include "select/select.h"
#include <string.h>

// Kernels take their op's arguments; the table's functions take any.
#define NF_VARIANT(op, name, ...)                                               \
  static int64_t name##_blocks(const void *a) { return nf_##name##_blocks(a); } \
  static void name##_run(const void *a, int64_t block, void *) { nf_##name(a, block); }
#define NF_BY_ROW(op, name, ...)                                                                          \
  static int64_t name##_blocks(const void *a) { return nf_tensor_rows(&((const nf_##op##_args *)a)->y); } \
  static void name##_run(const void *a, int64_t r, void *) { nf_##name(a, r); }
#define NF_SCRATCHED(op, name, ...)                                                                     \
  static int64_t name##_blocks(const void *a) { return nf_##name##_blocks(a); }                         \
  static void name##_run(const void *a, int64_t block, void *scratch) { nf_##name(a, block, scratch); } \
  static size_t name##_scratch(const void *a) { return nf_##name##_scratch(a); }
#define NF_ROUNDS(op, name, ...)                                                                    \
  NF_SCRATCHED(op, name)                                                                            \
  static size_t name##_shared(const void *a) { return nf_##name##_shared(a); }                      \
  static int64_t name##_then_blocks(const void *a) { return nf_##name##_then_blocks(a); }           \
  static void name##_then(const void *a, int64_t block, void *s) { nf_##name##_then(a, block, s); } \
  static const nf_host_function name##_second = {name##_then_blocks, name##_then, name##_scratch,   \
                                                 name##_shared};
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
#define NF_ROUNDS(op_, name_, ...)                                                               \
  {.name = #name_,                                                                               \
   .op = NF_OP_##op_,                                                                            \
   .entry = {NF_ENTRY_HOST,                                                                      \
             {{name_##_blocks, name_##_run, name_##_scratch, name_##_shared, &name_##_second}}}, \
   __VA_ARGS__},
#define NF_MODULE(op_, name_, function_, ...)                   \
  {.name = #name_,                                              \
   .op = NF_OP_##op_,                                           \
   .entry = {NF_ENTRY_MODULE, {.module = &nf_gpu_##function_}}, \
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

// ---- kernels forced by name ----

// Only what can be had is offered: kernels of this kind of device, and not those that are yet to be written.
static bool offered(const nf_hw *hw, const nf_variant *v) {
  return (v->backend == hw->backend || v->backend == NF_BACKEND_REF) &&
         (!nf_variant_is_declared(v) || hw->target != NULL);
}

static nf_status unknown_variant(const nf_hw *hw, const char *force, nf_op op, const char *variant) {
  size_t n = 0, n_all;
  const nf_variant *all = nf_variants(&n_all);
  const char **names = nf_alloc(n_all, sizeof *names);
  if (names == NULL) return nf_error(NF_NO_MEMORY, "no memory to look for a kernel's name");
  for (size_t i = 0; i < n_all; i++)
    if (all[i].op == op && offered(hw, &all[i])) names[n++] = all[i].name;
  const char *near = nf_nearest(variant, names, n);
  const nf_status st = nf_error(NF_USAGE, "force %s: %s has no such kernel%s%s", force, nf_op_of(op)->name,
                                near ? "; nearest is "
                                : n  ? "; one is "
                                     : "",
                                near ? near
                                : n  ? names[n - 1]
                                     : "");
  nf_free(names);
  return st;
}

static nf_status check(const nf_hw *hw, const char *force) {
  const char *equals = strchr(force, '=');
  nf_op op;
  if (!equals) return nf_error(NF_USAGE, "force %s: wants op=variant", force);
  NF_TRY(nf_op_find((nf_view){force, (size_t)(equals - force)}, &op), "force %s", force);
  const nf_variant *v = nf_variant_find(equals + 1);
  if (!v || v->op != op) return unknown_variant(hw, force, op, equals + 1);
  return nf_ok();
}

nf_status nf_select_check_forced(const nf_hw *hw, const nf_select_options *o) {
  for (size_t i = 0; i < o->n_force; i++) NF_TRY(check(hw, o->force[i]));
  return nf_ok();
}

// SPDX-License-Identifier: Apache-2.0
// Where operands and results lie in each op's argument struct, computed by the compiler from ops.def; and
// where views lie. Running a kernel's host entry where there is no device.
#include "base/checked.h"
#include "base/memory.h"
#include "kernels/contract/variant.h"
#include <assert.h>
#include <stdalign.h>
#include <stddef.h>

// One byte per tensor of the op's arguments, so that an offset is the tensor's index.
#define OPERAND(n, ...) char n;
#define RESULT(n, may) char n;
#define SAME(n)
#define NF_OP(name, flags, in, out, attrs, what) \
  typedef struct name##_index {                  \
    in out                                       \
  } name##_index;
#include "op/ops.def"

#define OPERAND(n, ...) offsetof(index, n),
#define RESULT(n, may) offsetof(index, n),
#define SAME(n) offsetof(index, n),
#define TENSORS(end) (((end) + alignof(nf_tensor) - 1) / alignof(nf_tensor) * alignof(nf_tensor))
#define NF_OP(name, flags, in_, out_, attrs_, what)                                       \
  static const nf_args_layout *layout_of_##name(void) {                                   \
    typedef name##_index index;                                                           \
    static const nf_args_layout layout = {                                                \
        .size = sizeof(nf_##name##_args),                                                 \
        .attrs = offsetof(nf_##name##_args, attr),                                        \
        .attrs_size = sizeof(nf_##name##_attrs),                                          \
        .tensors = TENSORS(offsetof(nf_##name##_args, attr) + sizeof(nf_##name##_attrs)), \
        .n_tensors = sizeof(index),                                                       \
        .in = {in_},                                                                      \
        .out = {out_},                                                                    \
    };                                                                                    \
    static_assert(TENSORS(offsetof(nf_##name##_args, attr) + sizeof(nf_##name##_attrs)) + \
                          sizeof(index) * sizeof(nf_tensor) ==                            \
                      sizeof(nf_##name##_args),                                           \
                  "the tensors end the struct");                                          \
    static_assert(offsetof(nf_##name##_args, batch) == 0, "the batch begins it");         \
    return &layout;                                                                       \
  }
#include "op/ops.def"

const nf_args_layout *nf_args_layout_of(nf_op op) {
  static const nf_args_layout *(*const of[])(void) = {
#define NF_OP(name, ...) layout_of_##name,
#include "op/ops.def"
  };
  return of[op]();
}

bool nf_tensor_of_view(nf_op op, const nf_attrs *attr, const nf_tensor *x, const nf_type *type,
                       const nf_sizes *at, nf_tensor *out) {
  if (op == NF_OP_reshape) return nf_tensor_reshape(x, type, at, out);
  assert(op == NF_OP_narrow);
  *out = nf_tensor_columns(x, attr->narrow.start, attr->narrow.size);
  return true;
}

nf_status nf_variant_scratch(const nf_variant *v, const void *args, nf_threads *threads, nf_scratch *out) {
  assert(v->entry.kind == NF_ENTRY_HOST);
  *out = (nf_scratch){.bytes = nf_host_scratch(&v->entry.host, args)};
  const size_t total = nf_scratch_total(out->bytes, threads != NULL ? nf_threads_count(threads) : 1);
  if (total != 0 && (out->at = nf_alloc_aligned(total)) == NULL)
    return nf_error(NF_NO_MEMORY, "no memory for the scratch of %s", v->name);
  return nf_ok();
}

nf_status nf_variant_run(const nf_variant *v, const void *args, nf_threads *threads) {
  nf_scratch scratch;
  NF_TRY(nf_variant_scratch(v, args, threads, &scratch));
  nf_host_run(&v->entry.host, args, threads, &scratch);
  nf_free_aligned(scratch.at);
  return nf_ok();
}

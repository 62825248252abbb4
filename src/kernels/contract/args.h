// SPDX-License-Identifier: Apache-2.0
// What a kernel is given: one struct per op, generated from ops.def: nf_<op>_args with the operands and
// results as tensors under their names (an absent operand has data NULL). The formula each kernel keeps
// stands in ops.def.
#pragma once
#include "op/batch.h"
#include "op/op.h"
#include "tensor/tensor.h"

#define OPERAND(n, ...) nf_tensor n;
#define RESULT(n, may) nf_tensor n;
#define SAME(n)
#define NF_OP(name, flags, in, out, attrs, what)                                \
  typedef struct nf_##name##_args {                                             \
    const nf_batch *batch; /* NULL unless the op is BATCH or reads all ranks */ \
    nf_##name##_attrs attr;                                                     \
    in out                                                                      \
  } nf_##name##_args;
#include "op/ops.def"

// How the plan fills such a struct without knowing the op: `batch` is at 0, the attributes and the tensors
// follow.
typedef struct nf_args_layout {
  size_t size, attrs, attrs_size, tensors; // bytes; `tensors`: offset of the array of nf_tensor
  int n_tensors;
  int in[NF_MAX_IN];   // operand -> index in that array
  int out[NF_MAX_OUT]; // result -> index; of a pool its operand's
} nf_args_layout;
const nf_args_layout *nf_args_layout_of(nf_op op);

// The result of a VIEW op, whose type is `type`, where it lies in the operand x. false: no strides say it, so
// that a kernel copies; that depends on shapes alone, and holds at smaller sizes where it does at larger
// ones.
bool nf_tensor_of_view(nf_op op, const nf_attrs *attr, const nf_tensor *x, const nf_type *type,
                       const nf_sizes *at, nf_tensor *out);

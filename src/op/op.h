// SPDX-License-Identifier: Apache-2.0
// Operations as data, generated from ops.def: enum, attribute structs, tables; and the shape rules.
#pragma once
#include "base/status.h"
#include "tensor/type.h"

typedef enum nf_op {
#define NF_OP(name, ...) NF_OP_##name,
#include "op/ops.def"
  NF_OP_COUNT
} nf_op;

enum { NF_MAX_IN = 8, NF_MAX_OUT = 4, NF_MAX_ATTRS = 12 };

typedef struct nf_shape {
  int rank;
  nf_extent dim[NF_MAX_RANK];
} nf_shape;

// nf_<op>_attrs: one struct per op.
#define ATTR(n, type, kind) type n;
#define NF_OP(name, flags, in, out, attrs, what) \
  typedef struct nf_##name##_attrs {             \
    attrs char none_;                            \
  } nf_##name##_attrs;
#include "op/ops.def"

typedef union nf_attrs {
#define NF_OP(name, ...) nf_##name##_attrs name;
#include "op/ops.def"
} nf_attrs;

typedef enum nf_attr_kind {
  NF_ATTR_REAL,
  NF_ATTR_INT,
  NF_ATTR_FLAG,
  NF_ATTR_DTYPE,
  NF_ATTR_SHAPE
} nf_attr_kind;
// What an operand is to the op.
typedef enum nf_role {
  NF_ROLE_ACTIVATION,
  NF_ROLE_IDS,    // indices, which choose rows of the op's weights and parameters where it has such
  NF_ROLE_WEIGHT, // a matrix of the model; kernels ask for its packing order
  NF_ROLE_PARAM,  // a small parameter of the model
  NF_ROLE_POOL
} nf_role;
enum {
  NF_OP_BATCH = 1,
  NF_OP_VIEW = 2,
  NF_OP_PADDED = 4,
  NF_OP_COMMUTES = 8,
  NF_OP_COMM = 16,
  NF_OP_REDUCES = 32
}; // as ops.def says

typedef struct nf_op_info {
  const char *name, *what;
  unsigned flags; // NF_OP_BATCH | …
  int n_in, n_out, n_attr;
  struct nf_operand_info {
    const char *name;
    nf_role role;
    bool optional;
  } in[NF_MAX_IN];
  struct nf_result_info {
    const char *name;
    int alias; // operand whose storage this result is (pools), or -1
    bool may;  // may be absent: dtype NF_NONE, no value
  } out[NF_MAX_OUT];
  struct nf_attr_info {
    const char *name;
    nf_attr_kind kind;
    size_t offset; // in nf_<op>_attrs
  } attr[NF_MAX_ATTRS];
} nf_op_info;
const nf_op_info *nf_op_of(nf_op op);

// Whether a node reads its first operand from all ranks: COMM, or REDUCES with `reduce`.
bool nf_op_is_comm(nf_op op, const nf_attrs *attrs);

// NF_OPERAND(linear, w): the operand's index, a constant. nf_<op>_operands has a char for each.
#define OPERAND(n, ...) char n;
#define NF_OP(name, flags, in, ...)     \
  typedef struct nf_##name##_operands { \
    in char none_;                      \
  } nf_##name##_operands;
#include "op/ops.def"
#define NF_UNPAREN(...) __VA_ARGS__
#define NF_OPERAND(op, name) ((int)offsetof(nf_##op##_operands, name))

// The columns in memory that a node's attribute `pad` gives its result (0: no padding); NULL: the op has
// none.
int64_t *nf_op_pad(nf_op op, nf_attrs *attrs);

bool nf_op_parse(nf_view name, nf_op *out);
nf_status nf_op_find(nf_view name, nf_op *out); // the same; NF_USAGE with the nearest name

// The orders that kernels sum in. Kernels of one op that share an order give the same bits, which the checker
// compares; a model's plans run an op by kernels of one order, so that a text does not depend on how large
// the steps were that it was computed in. Of orders that cost the same the last is taken.
#define NF_ORDERS(X)                                                               \
  X(ANY, "any")             /* not decided, or a kernel that is not written yet */ \
  X(REFERENCE, "reference") /* gives the reference's bits, whatever it sums */     \
  X(CHUNKS, "chunks")       /* over chunks that begin where the step does */       \
  X(CHUNKS_FMA, "chunks_fma")                                                      \
  X(PLAIN, "plain") /* products are rounded before they are added */               \
  X(FMA, "fma")     /* the same sums with fused multiply-add */                    \
  X(PAIRS, "pairs") /* over pairs of columns, as tiles sum: docs/numerics.md */
typedef enum nf_order {
#define NF_ORDER_ID(id, name) NF_ORDER_##id,
  NF_ORDERS(NF_ORDER_ID)
#undef NF_ORDER_ID
      NF_ORDER_COUNT
} nf_order;
const char *nf_order_name(nf_order o); // "fma"

// An operation with the types of its operands and results: what shape rules fill and selection reads.
typedef struct nf_op_desc {
  nf_op op;
  nf_order order; // that its kernel is to sum in
  nf_attrs attr;
  nf_type in[NF_MAX_IN]; // dtype NF_NONE: absent
  nf_type out[NF_MAX_OUT];
} nf_op_desc;

// The first operand from `from` on of this role that d has, or -1.
int nf_operand_of(const nf_op_desc *d, nf_role role, int from);
// The first weight from `from` on whose packing order kernels ask for, or -1: a matrix of constant extents.
int nf_packed_operand(const nf_op_desc *d, int from);
#define NF_FOR_PACKED(i, d) for (int i = nf_packed_operand((d), 0); i >= 0; i = nf_packed_operand((d), i + 1))

// Checks operands and attributes and fills d->out. NF_BAD_INPUT names op, operand, both shapes. Needs no
// data.
nf_status nf_op_infer(nf_op_desc *d);
bool nf_attr_equal(nf_op op, int i, const nf_attrs *a, const nf_attrs *b); // attribute i
bool nf_attrs_equal(nf_op op, const nf_attrs *a, const nf_attrs *b);       // field by field, floats by bits

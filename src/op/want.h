// SPDX-License-Identifier: Apache-2.0
// Inside the room: checks that shape rules share. Each is ok, or NF_BAD_INPUT that says which operand i of d
// is wrong and what would be right.
#pragma once
#include "op/op.h"

__attribute__((format(printf, 2, 3))) nf_status nf_refuse(const nf_op_desc *d, const char *fmt,
                                                          ...); // "linear: <text>"
// "linear: w is bf16[4096,2880] but <text>"
__attribute__((format(printf, 3, 4))) nf_status nf_refuse_operand(const nf_op_desc *d, int i, const char *fmt,
                                                                  ...);

static inline nf_extent nf_last(const nf_type *t) { return t->dim[t->rank - 1]; } // rank > 0
static inline nf_type nf_plain_type(const nf_type *x) {
  return nf_type_make(x->dtype, x->dim, (size_t)x->rank);
}
// x's shape with another dtype and another last dimension, unpadded.
nf_type nf_with_last(const nf_type *x, nf_dtype dtype, nf_extent e);

#define NF_WEIGHTS (NF_FLOATS | NF_BIT(MXFP4) | NF_BIT(FP8_ROW) | NF_BIT(FP8_BLOCK))
// One of these dtypes (NF_FLOATS, NF_WEIGHTS or a single bit), of lo to hi dimensions.
static inline nf_status nf_gives(nf_op_desc *d, nf_type y) { // as the first result
  d->out[0] = y;
  return nf_ok();
}

nf_status nf_want(const nf_op_desc *d, int i, uint64_t dtypes, int lo, int hi);
nf_status nf_want_weight(const nf_op_desc *d, int i, int rank); // of constant extents
// Activations of a matrix product: floats, or FP8 scaled as the weights, operand w, are.
nf_status nf_want_factor(const nf_op_desc *d, int i, int w, int lo, int hi);
// The rank of operand `as`, and its first n dimensions.
nf_status nf_want_dims(const nf_op_desc *d, int i, int as, int n);
nf_status nf_want_same_type(const nf_op_desc *d, int i, int as);
nf_status nf_want_same_dtype(const nf_op_desc *d, int i, int as);
nf_status nf_want_const(const nf_op_desc *d, int i);
// Dimension k of operand i is e; `what` ends the message: "x has %s columns".
__attribute__((format(printf, 5, 0))) nf_status nf_want_dim(const nf_op_desc *d, int i, int k, nf_extent e,
                                                            const char *what);
// Floats [e], or absent.
__attribute__((format(printf, 4, 0))) nf_status nf_want_vector(const nf_op_desc *d, int i, nf_extent e,
                                                               const char *what);
nf_status nf_want_tokens(const nf_op_desc *d, int i); // the first dimension is T
// Operand i is [.., H] of floats with constant, perhaps padded columns.
nf_status nf_want_columns(const nf_op_desc *d, int i);
nf_status nf_want_out_float(const nf_op_desc *d, nf_dtype out);
nf_status nf_want_positive(const nf_op_desc *d, const char *name, float x); // which is finite
// The first result's columns are padded to `to`.
nf_status nf_want_padding(nf_op_desc *d, const char *name, int64_t to);

// What another op, a part of d's, makes of its operands: its first result. A refusal names both.
nf_status nf_infer_part(const nf_op_desc *d, nf_op_desc of, nf_type *out);
// NF_PART(d, &y, rms_norm, (x, w), .eps = eps)
#define NF_PART(d, y, part, operands, ...) \
  nf_infer_part(                           \
      (d), (nf_op_desc){.op = NF_OP_##part, .in = {NF_UNPAREN operands}, .attr.part = {__VA_ARGS__}}, (y))

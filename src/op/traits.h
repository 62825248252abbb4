// SPDX-License-Identifier: Apache-2.0
// What the other rooms know of an op, one row each, in traits/<family>.c: all of it pure functions and
// constants of the op's description. A row without one of its parts does not compile, an op without a row
// does not link.
#pragma once
#include "op/quantity.h"

// ---- extents ----

// Where a quantity stands: dimension `dim` of an operand, or of NF_RESULT(i), from the end when negative;
// divided by `per`, unless that is NONE. K and N every op has: columns of its first operand and result.
typedef struct nf_op_extent {
  nf_quantity quantity; // NONE ends the list
  int8_t operand, dim;
  nf_quantity per;
} nf_op_extent;
enum { NF_MAX_EXTENTS = 4 };
#define NF_RESULT(i) (-1 - (i))

// ---- work ----

// Operations for each element of the first result: a constant, and multiples of an extent and of keys. What
// is moved follows from roles and types (select/work.c).
typedef struct nf_op_work {
  double element;                      // with exp, cos and their like as some ten operations
  nf_quantity of;                      // what is summed over,
  double times;                        // and operations for each of it
  double key;                          // for each key that a token looks at
  bool matrix;                         // by matrix units, where there are any for the types
  bool experts;                        // and the products inside, which have other extents
  double exchange;                     // of the first operand, what comes from each other rank, times ranks
  bool picks;                          // of the first operand no more rows are read than there are results
  double (*more)(const nf_op_desc *d); // operations for each element beyond these, or NULL
} nf_op_work;

// ---- sharding ----

// What an op makes of operands that ranks have parts of: shard/rules.c has a function for each kind.
typedef enum nf_shard_kind {
  NF_SHARD_LINEAR = 1, // begins and ends splits
  NF_SHARD_GROUPED_LINEAR,
  NF_SHARD_EMBEDDING,
  NF_SHARD_ELEMENTWISE, // f(0) = 0: a split operand, or rows of the rank's experts
  NF_SHARD_SHIFTED,     // f(0) != 0: a split operand
  NF_SHARD_SCALES,      // columns share scales
  NF_SHARD_GATED_HALVES,
  NF_SHARD_ROWS,    // whole last dimensions of the first operand, and all of the others
  NF_SHARD_COLUMNS, // a whole first dimension
  NF_SHARD_RESHAPE,
  NF_SHARD_NARROW, // rows, or whole segments of columns
  NF_SHARD_SUM,
  NF_SHARD_PRODUCT,
  NF_SHARD_GATED_NORM,
  NF_SHARD_COMBINE,
  NF_SHARD_CONCAT,
  NF_SHARD_KV_WRITE,
  NF_SHARD_ATTENTION,
  NF_SHARD_CONVOLUTION,
  NF_SHARD_DELTA_RULE,
  NF_SHARD_REPLICATED, // every rank wants all of the operands
} nf_shard_kind;

// ---- checking ----

// What a description of any op is made from, so that limits can move it.
typedef struct nf_dims {
  int64_t q[NF_Q_COUNT]; // wanted extents; ranks
  int64_t tokens;
  nf_dtype act, weight, out;
  unsigned options; // bits: optional operands and the like
} nf_dims;

// Where every right kernel must give the reference's bytes.
typedef enum nf_exactness {
  NF_EXACT_NEVER = 1,
  NF_EXACT_ON_INTEGERS, // sums of small ones
  NF_EXACT_ALWAYS       // copies, and single roundings
} nf_exactness;

// An element of a float result, as the reference has it.
typedef struct nf_expected {
  double want, sum; // and the sum of the absolute values that it adds up,
  double row;       // the largest absolute value in its row
  double most;      // of operands' values
  double cut;       // what the kernel's sums may be off by beyond float32, relative to `sum`
  int64_t keys;     // no token sees more keys than this, or stands at a later position
} nf_expected;

typedef struct nf_op_traits {
  // Checks operands and attributes, which are there and of the right kind, and fills d->out.
  nf_status (*infer)(nf_op_desc *d);
  nf_shard_kind shard;
  nf_op_work work;
  nf_op_extent extent[NF_MAX_EXTENTS];
  // Fills attributes and operands of an example with these numbers; nf_op_infer may refuse it.
  void (*sample)(nf_op_desc *d, const nf_dims *m);
  nf_exactness exact;
  // How far apart two right kernels may be at that element, before both round to the result's dtype. NULL
  // where all must be equal.
  double (*bound)(const nf_op_desc *d, const nf_sizes *at, const nf_expected *e);
  // How much further off a few rows may be, where a value between two parts of the op may round to its
  // neighbour; NULL: not at all.
  double (*step)(const nf_op_desc *d, const nf_expected *e);
  float values; // operands are of either sign up to so much, so that they reach an activation's limits; 0: 1
} nf_op_traits;
const nf_op_traits *nf_traits_of(nf_op op); // op < NF_OP_COUNT

// NF_TRAITS(op, INFER(f), SHARD(kind), WORK(.field = …), EXTENTS({quantity, operand, dim}, …), CHECK(sample,
// exact, bound, .field = …));
#define NF_TRAITS(op, infer_, shard_, work_, extents_, check_) \
  const nf_op_traits nf_traits_##op = {infer_, shard_, work_, extents_, check_}
#define INFER(f) .infer = (f)
#define SHARD(kind) .shard = NF_SHARD_##kind
#define WORK(...) .work = {__VA_ARGS__}
#define EXTENTS(...) .extent = {__VA_ARGS__}
#define CHECK(sample_, exact_, bound_, ...) \
  .sample = (sample_), .exact = NF_EXACT_##exact_, .bound = (bound_)__VA_OPT__(, ) __VA_ARGS__

#define NF_OP(name, ...) extern const nf_op_traits nf_traits_##name;
#include "op/ops.def"

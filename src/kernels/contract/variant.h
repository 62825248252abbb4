// SPDX-License-Identifier: Apache-2.0
// Kernel variants as rows: what a kernel needs, which shapes it takes, what it promises. Selection, messages,
// the checker's shapes and the docs all read these rows; no caller holds a copy of a limit.
#pragma once
#include "hw/hw.h"
#include "kernels/contract/args.h"

// What limits may speak of: extents of the op's operands. `nf_quantity_of` knows how each follows from an op.
typedef enum nf_quantity {
  NF_Q_NONE = 0,
  NF_Q_K,     // columns of operand x (or the first operand): what is summed or normalised over
  NF_Q_N,     // columns of the first result
  NF_Q_E,     // experts
  NF_Q_TOPK,  // experts per token
  NF_Q_HEAD,  // head size
  NF_Q_GROUP, // query heads per kv head
  NF_Q_PAGE,  // tokens per page
  NF_Q_TAPS,  // of a convolution
  NF_Q_VALUE, // size of a value head
  NF_Q_COUNT
} nf_quantity;
const char *nf_quantity_name(nf_quantity q);                           // "K"
bool nf_quantity_of(const nf_op_desc *d, nf_quantity q, int64_t *out); // false: the op has no such extent

// The operand whose packing order kernels ask for: the weight matrix of an op ("w" or "table"), or -1.
int nf_packed_operand(const nf_op_desc *d);

typedef enum nf_relation { NF_MULTIPLE_OF = 1, NF_AT_MOST, NF_AT_LEAST, NF_DTYPE_IN } nf_relation;
typedef struct nf_limit {
  nf_relation relation; // 0 ends the list
  nf_quantity quantity; // of the first three
  int64_t value;
  int8_t operand;  // of NF_DTYPE_IN: index of an operand, or -1 - index of a result. Absent operands pass.
  uint64_t dtypes; // bit 1 << nf_dtype for each that is taken
} nf_limit;
#define MULTIPLE_OF(q, v) \
  { .relation = NF_MULTIPLE_OF, .quantity = NF_Q_##q, .value = (v) }
#define AT_MOST(q, v) \
  { .relation = NF_AT_MOST, .quantity = NF_Q_##q, .value = (v) }
#define AT_LEAST(q, v) \
  { .relation = NF_AT_LEAST, .quantity = NF_Q_##q, .value = (v) }
#define OPERAND_DTYPE(i, set) \
  { .relation = NF_DTYPE_IN, .operand = (i), .dtypes = (set) }
#define RESULT_DTYPE(i, set) \
  { .relation = NF_DTYPE_IN, .operand = -1 - (i), .dtypes = (set) }
#define NF_BIT(dt) (1ull << NF_##dt)
#define NF_FLOATS (NF_BIT(F32) | NF_BIT(BF16) | NF_BIT(F16))

bool nf_limit_holds(const nf_limit *l, const nf_op_desc *d);
// "K = 2880 is not a multiple of 64"; "w is mxfp4, not one of bf16 f16". For a limit that does not hold.
void nf_limit_explain(const nf_limit *l, const nf_op_desc *d, nf_text *out);
void nf_limit_print(const nf_limit *l, nf_op op, nf_text *out); // the limit itself: "K a multiple of 64"

// Numeric promise. Only variants of the asked promise or a stronger one compete.
typedef enum nf_promise {
  NF_PROMISE_F32,   // float32 sums in any order, the op's rounding points
  NF_PROMISE_EXACT, // bitwise equal to the reference
} nf_promise;

typedef struct nf_variant {
  const char *name; // "<op>_<...>_<isa>"; the backend's references end in _ref
  nf_op op;
  nf_backend backend;
  uint64_t need; // NF_CPU_* bits
  nf_promise promise;
  nf_pack pack; // of the weight that it reads. References read any.
  nf_limit limit[8];
  // The kernel: blocks(args) independent pieces of work, then run(args, block) for each, on any thread, in
  // any order. The number of blocks depends on shapes only. No libc but memory and maths, no allocation, no
  // globals.
  int64_t (*blocks)(const void *args);
  void (*run)(const void *args, int64_t block);
} nf_variant;

// A family's kernels: NF_VARIANT(op, name, .field = …) rows in kernels.def. Prototypes from the list: a
// kernel is two functions, typed by its op's arguments.
#define NF_KERNEL_PROTOTYPES(op, name)                 \
  int64_t nf_##name##_blocks(const nf_##op##_args *a); \
  void nf_##name(const nf_##op##_args *a, int64_t block);

// SPDX-License-Identifier: Apache-2.0
// Kernel variants as rows: what a kernel needs, which shapes it takes, what it promises. Selection, messages,
// the checker's shapes and the docs all read these rows; no caller holds a copy of a limit.
#pragma once
#include "device/launch.h"
#include "device/matmul.h"
#include "hw/hw.h"
#include "kernels/contract/args.h"
#include "op/quantity.h"

#define NF_Q_PACK16(h) NF_Q_PACK16_##h // so that limits say WHOLE(PACK16(H))

// Where an op runs, as far as limits may ask.
typedef struct nf_site {
  nf_sizes at; // sizes of the step; all zero: not known, and BYTES is not either
  int world;   // ranks; 0 and 1: alone
} nf_site;

typedef enum nf_relation {
  NF_MULTIPLE_OF = 1,
  NF_AT_MOST,
  NF_AT_LEAST,
  NF_DTYPE_IN,
  NF_ONE_OF,
  NF_WHOLE,
  NF_FLAG_IS
} nf_relation;
enum { NF_MAX_LIMITS = 12, NF_MAX_ONE_OF = 6, NF_MAX_WANTS = 3 };
typedef struct nf_limit {
  nf_relation relation; // 0 ends the list
  nf_quantity quantity; // of all but NF_DTYPE_IN and NF_FLAG_IS: NF_Q_NONE
  int64_t value;        // of MULTIPLE_OF, AT_MOST, AT_LEAST; >= 1
  int8_t operand; // of NF_DTYPE_IN: index of an operand, or -1 - index of a result. Absent operands pass.
  int16_t attr;   // of NF_FLAG_IS: offset of the attribute: whether it is set, or of a type whether it is not
                  // none, is `value`
  int8_t world;   // the limit is only for so many ranks; 0: for any number
  uint64_t dtypes;               // bit 1 << nf_dtype for each that is taken
  int32_t one_of[NF_MAX_ONE_OF]; // ascending, zeros behind
} nf_limit;
#define MULTIPLE_OF(q, v) \
  { .relation = NF_MULTIPLE_OF, .quantity = NF_Q_##q, .value = (v) }
#define AT_MOST(q, v) \
  { .relation = NF_AT_MOST, .quantity = NF_Q_##q, .value = (v) }
#define AT_LEAST(q, v) \
  { .relation = NF_AT_LEAST, .quantity = NF_Q_##q, .value = (v) }
#define ONE_OF(q, ...)                                                     \
  {                                                                        \
    .relation = NF_ONE_OF, .quantity = NF_Q_##q, .one_of = { __VA_ARGS__ } \
  }
#define WHOLE(q) \
  { .relation = NF_WHOLE, .quantity = NF_Q_##q }
#define SET(op, attribute) \
  { .relation = NF_FLAG_IS, .attr = offsetof(nf_##op##_attrs, attribute), .value = 1 }
#define UNSET(op, attribute) \
  { .relation = NF_FLAG_IS, .attr = offsetof(nf_##op##_attrs, attribute), .value = 0 }
#define WORLD(...) ONE_OF(WORLD, __VA_ARGS__)
// A cap that holds for `w` ranks only: what a one-shot collective may move shrinks as ranks are added.
#define AT_MOST_FOR_WORLD(w, q, v) \
  { .relation = NF_AT_MOST, .quantity = NF_Q_##q, .value = (v), .world = (w) }
#define OPERAND_DTYPE(i, set) \
  { .relation = NF_DTYPE_IN, .operand = (i), .dtypes = (set) }
#define RESULT_DTYPE(i, set) \
  { .relation = NF_DTYPE_IN, .operand = -1 - (i), .dtypes = (set) }

// A limit on something that is not known at the site does not hold. site may be NULL.
bool nf_limit_holds(const nf_limit *l, const nf_op_desc *d, const nf_site *site);
// "K = 2880 is not a multiple of 64"; "w is mxfp4, not one of bf16 f16"; "PACK16(H) = 360.5 is not whole";
// "WORLD = 3 is not one of 2 4 8"; "BYTES = 300000 is not at most 262144 for 4 ranks". For a limit that does
// not hold.
void nf_limit_explain(const nf_limit *l, const nf_op_desc *d, const nf_site *site, nf_text *out);

// What a kernel would have, but does not insist on: the padded extent of a quantity (K: x and the weight's
// columns; N: the result and the weight's rows) is a multiple. Padding is known zeros, so such a kernel works
// on whole tiles. Where all kernels that can run an op want it the compiler pads: nf_select_padding.
typedef struct nf_want {
  nf_quantity quantity; // 0 ends the list
  int32_t multiple;
} nf_want;
#define WANT_PADDED(q, v) \
  { .quantity = NF_Q_##q, .multiple = (v) }

// Numeric promise. Only variants of the asked promise or a stronger one compete.
typedef enum nf_promise {
  NF_PROMISE_CUT = -1, // the same, but where a step begins has a part in it: only by name, unless the row
                       // declares no order of sums
  NF_PROMISE_F32, // float32 sums in any order that what else is in the step has no part in; the op's rounding
                  // points
  NF_PROMISE_EXACT, // bitwise equal to the reference
} nf_promise;

// What the kernel is made of, by who runs it.
typedef enum nf_entry_kind {
  NF_ENTRY_NONE,   // declared: constraints without code yet, for a target that is coming
  NF_ENTRY_HOST,   // a function of this process
  NF_ENTRY_MODULE, // a function of a module that a device loads, or of a library that the device has
                   // (NF_MATMUL)
  NF_ENTRY_KINDS
} nf_entry_kind;
enum { NF_MAX_PARAMETERS = 4, NF_MAX_STAGES = 24 };

// What a launch follows from. Addresses are the device's.
typedef struct nf_launch_site {
  const void *args; // nf_<op>_args, with tensors as they are at the largest of steps like this one
  nf_sizes at;      // of those steps
  const nf_hw *hw;
  const int32_t *parameter; // the row's
  const nf_batch *batch;    // where the tables lie: of ops that are BATCH
  void *scratch;            // as many bytes as the function asks for, of undefined contents
  uint32_t *counters;       // NF_DEVICE_COUNTERS bytes of zeros, which its launches leave zeros
} nf_launch_site;

// What a module does for an op: one kernel, or a few behind one another, that take one struct each; also
// kernels for different shapes, of which a launch function leaves all but one without blocks.
typedef struct nf_module_kernel {
  int stages;
  const char *symbol[NF_MAX_STAGES];
  size_t packed[NF_MAX_STAGES]; // bytes of the struct
  // Pure. Fills the struct and gives the grid; one without blocks runs nothing.
  nf_grid (*launch)(const nf_launch_site *s, int stage, void *packed);
  size_t (*scratch)(const nf_launch_site *s); // bytes for steps up to the site's sizes; NULL: none
} nf_module_kernel;

typedef struct nf_entry {
  nf_entry_kind kind;
  union {
    nf_host_function host;
    const nf_module_kernel *module;
  };
} nf_entry;

typedef struct nf_variant {
  const char *name; // "<op>_<...>_<isa>"; the backend's references end in _ref
  nf_op op;
  nf_backend backend;
  uint64_t need; // NF_CPU_* or NF_GPU() bits
  nf_promise promise;
  nf_order order; // of its sums: what promises EXACT has the reference's
  nf_pack pack;   // of the weight that it reads
  // Of sums by matrix units that keep fewer bits than float32 between additions in float32: how far off they
  // may be, relative to the sum of the absolute values.
  double sum_error;
  bool any_pack; // reads them in whichever order they lie, as references do
  nf_limit limit[NF_MAX_LIMITS];
  nf_want want[NF_MAX_WANTS];
  // Of a CPU kernel whose blocks for one token are no more than this quantity: with fewer than cores, some
  // idle. NONE: always enough.
  nf_quantity pieces;
  // Goes up with every change of the code that may change what it takes or gives: a tuner's entries are keyed
  // by it, as what was measured of another version says nothing.
  int32_t version;
  int32_t parameter[NF_MAX_PARAMETERS]; // what rows of one function differ in: a module's `launch` reads them
  nf_entry entry;
} nf_variant;
static inline bool nf_variant_is_declared(const nf_variant *v) { return v->entry.kind == NF_ENTRY_NONE; }

// Scratch for runs of a host entry on the threads; NULL: on this one. out->at is freed by nf_free_aligned.
// NF_NO_MEMORY.
nf_status nf_variant_scratch(const nf_variant *v, const void *args, nf_threads *threads, nf_scratch *out);
// Runs a host entry with scratch of its own: on the threads, or NULL on this one, in order.
// NF_NO_MEMORY.
nf_status nf_variant_run(const nf_variant *v, const void *args, nf_threads *threads);

// A family's kernels: NF_VARIANT(op, name, .field = …) rows in kernels.def, NF_SCRATCHED for those that take
// scratch, NF_ROUNDS for those with a second round as well, NF_BY_ROW for those of which a block is a row of
// the result y, NF_MODULE for those of a GPU; NF_DECLARED has no functions. Prototypes from the list: a
// kernel is two functions, three, or one, typed by its op's arguments.
#define NF_KERNEL_PROTOTYPES(op, name)                 \
  int64_t nf_##name##_blocks(const nf_##op##_args *a); \
  void nf_##name(const nf_##op##_args *a, int64_t block);
#define NF_ROUNDS_PROTOTYPES(op, name)                                        \
  int64_t nf_##name##_blocks(const nf_##op##_args *a);                        \
  void nf_##name(const nf_##op##_args *a, int64_t block, const nf_shared *s); \
  size_t nf_##name##_scratch(const nf_##op##_args *a);                        \
  size_t nf_##name##_shared(const nf_##op##_args *a);                         \
  int64_t nf_##name##_then_blocks(const nf_##op##_args *a);                   \
  void nf_##name##_then(const nf_##op##_args *a, int64_t block, const nf_shared *s);
#define NF_SCRATCHED_PROTOTYPES(op, name)                                \
  int64_t nf_##name##_blocks(const nf_##op##_args *a);                   \
  void nf_##name(const nf_##op##_args *a, int64_t block, void *scratch); \
  size_t nf_##name##_scratch(const nf_##op##_args *a);

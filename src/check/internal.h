// SPDX-License-Identifier: Apache-2.0
// What the checker's files share: cases, and instances of a case in memory.
#pragma once
#include "base/memory.h"
#include "check/check.h"
#include "op/traits.h"

nf_status nf_case_make(nf_op op, const nf_dims *dims, nf_case *out); // NF_BAD_INPUT: the op can't be so
void nf_case_print(const nf_case *c, char *out, size_t size);
// Case i of a variant, moved to where its limits hold, and what it is made from; false where none was found.
bool nf_case_for(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_dims *m, nf_case *out);
// Case i of those whose sequences have many tokens of the step, for ops that keep a state of each.
bool nf_case_long(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_case *out);
// A case like c, which is made from m, on the wrong side of limit l; false when there is none.
bool nf_case_beyond(const nf_limit *l, const nf_dims *m, const nf_case *c, nf_case *out);
// The case at the limit's value itself.
bool nf_case_at(const nf_limit *l, const nf_dims *m, const nf_case *c, nf_case *out);
bool nf_case_legal(const nf_variant *v, const nf_hw *hw, const nf_case *c);

// Guards are so wide that what lies between them begins where a device's lines of 128 bytes do, as a model's
// weights do: cuBLASLt is a fifth slower from the middle of a line.
enum { NF_SWEEP_WORLD = 3, NF_GUARD = 256, NF_MAX_TENSORS = NF_MAX_IN + NF_MAX_OUT };

// A case in memory: arguments, storage between guards, batch.
typedef struct nf_instance {
  const nf_case *c;
  const nf_args_layout *layout;
  void *args;
  struct nf_storage {
    nf_tensor *tensor;
    unsigned char *base; // NF_GUARD + bytes + NF_GUARD
    size_t bytes;        // without guards
    bool written;        // a result
    // Of large constants that go to a device: bytes of codes and of scales that are filled, and mean all
    // behind them. 0: all are filled.
    size_t period[2];
  } storage[NF_MAX_TENSORS];
  nf_batch batch;
  const int32_t *keys; // [S] of each sequence, this step's included
  nf_comm comm;
  char **peer;           // [comm.world] of a COMM op: where each rank's first operand begins
  int32_t start[2];      // of a sequence that is alone
  const int32_t *before; // [S] tokens that sequences have before the step
  int64_t used;          // tokens in use
  int64_t states;        // slots of recurrent pools
  unsigned char garbage;
  nf_pack pack;     // of the weight
  double sum_error; // the kernel's
  bool of_module;   // only what may be a view has gaps between rows
  nf_arena arena;
} nf_instance;

// Bytes with guards.
static inline size_t nf_storage_bytes(const struct nf_storage *s) { return s->bytes + 2 * NF_GUARD; }
// Bytes in front of the scales.
static inline size_t nf_storage_codes(const struct nf_storage *s) {
  return s->tensor->scale != NULL ? (size_t)((char *)s->tensor->scale - (char *)s->tensor->data) : s->bytes;
}

// For v, which says how the weight is packed, and which tensors have gaps: for a module's kernel only those
// that may be views of others, else all. NULL: a reference. gap: elements between rows; garbage: byte that
// fills results; magnitude: absolute values.
nf_status nf_instance_init(nf_instance *i, const nf_case *c, const nf_variant *v, int gap,
                           unsigned char garbage, bool magnitude);
void nf_instance_deinit(nf_instance *i);
unsigned char *nf_instance_base(const nf_instance *i,
                                int rank); // of the first operand's storage, guards included
// Parts of nf_instance_init: the batch but its groups, and pages of a group for pools of `page` tokens of
// which no token sees more than `window` (0: all), with how many slots there are.
nf_status nf_instance_batch(nf_instance *i);
nf_status nf_instance_pages(nf_instance *i, nf_cache cache, int64_t page, int64_t window, int64_t *slots);
// Keys and values of the sequence that its token t does not see become NaN. false: the op reads none.
bool nf_instance_hide(nf_instance *i, int64_t sequence, int64_t t);
nf_tensor *nf_instance_result(const nf_instance *i, int result);
double nf_case_most(const nf_case *c); // operands' values are of either sign and at most this
// Tokens [from, from + n) of a sequence that can be a step alone: the last, of ops with a recurrent state its
// sequence. false: there are none.
bool nf_alone_range(const nf_instance *i, int64_t *sequence, int64_t *from, int64_t *n);
uint64_t nf_check_hash(uint64_t a, uint64_t b);

// ---- what a kernel left in memory against what it should have left ----

// Whether every kernel must give the reference's bytes here: copies, and sums of small integers.
bool nf_case_bitwise(const nf_case *c);
// Fills error, bound and why of the worst place. sums: the reference over absolute values.
bool nf_results_near(const nf_instance *want, const nf_instance *got, const nf_instance *sums, bool bitwise,
                     nf_check_row *row);
nf_expected nf_expected_of(const nf_case *c); // what all values of the case have in common
// What two kernels may differ by in a value that both round to t,
double nf_bound_of(const nf_case *c, nf_dtype t, const nf_expected *e);
// and how much further off a few rows may be, where a value between two parts of the op may round to its
// neighbour.
double nf_bound_of_step(const nf_case *c, const nf_expected *e);
int64_t nf_rows_to_compare(const nf_instance *i, const nf_tensor *t);  // those behind mean nothing
bool nf_rows_equal(const nf_tensor *x, const nf_tensor *y, int64_t r); // bitwise, scales included
bool nf_results_equal(const nf_instance *a, const nf_instance *b);     // bitwise
bool nf_guards_hold(const nf_instance *i); // all bytes but the results' elements are still garbage
uint64_t nf_operands_hash(const nf_instance *i);

// Whether v gives the bits of `other`, which sums in the same order and takes the case; else r says so.
nf_status nf_gate_order(const nf_variant *v, const nf_variant *other, const nf_case *c, const nf_runner *on,
                        nf_check_row *r);
bool nf_check_asked(const nf_check_options *o,
                    const nf_variant *v); // its op and name are those asked for, if any
bool nf_check_can_run(const nf_variant *v, const nf_hw *hw, const nf_runner *on); // whatever is asked for
// A row with the time of the kernel on the case, which it takes.
nf_status nf_bench_case(const nf_variant *v, const nf_case *c, const nf_hw *hw, const nf_runner *on,
                        nf_check_row *r);
// What a node of a real model is. Steps are of one token and of `many` (0: 64), of one sequence with a past;
// on a device also of some between, and of 512 where `many` is 0.
typedef struct nf_timed_node {
  nf_op op;
  const char *in[NF_MAX_IN];
  nf_attrs attr;
  int64_t past, many;
  bool of_device; // a processor takes too long
} nf_timed_node;
extern const nf_timed_node nf_timed_nodes[];
extern const size_t nf_n_timed_nodes;
nf_status nf_timed_case(const nf_timed_node *s, int64_t tokens, nf_case *out);
// Times the shapes of real models and tells them through o->row.
nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o);

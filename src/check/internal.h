// SPDX-License-Identifier: Apache-2.0
// What the checker's files share: cases, and instances of a case in memory.
#pragma once
#include "base/memory.h"
#include "check/check.h"
#include "op/traits.h"

typedef struct nf_case {
  nf_op_desc d; // padded only in what PADDED ops take
  nf_dims dims;
  nf_sizes at;
  bool exact; // small integers
  uint64_t seed;
} nf_case;

// Moves the number that a limit speaks of: to the legal side, where another one will do; to the limit itself;
// `step` beyond it. false: the limit speaks of none (dtypes), or there is nothing beyond.
void nf_dims_obey(nf_dims *m, const nf_limit *l);
bool nf_dims_at(nf_dims *m, const nf_limit *l);
bool nf_dims_beyond(nf_dims *m, const nf_limit *l, int step);

nf_status nf_case_make_fused(nf_op_desc *d, const nf_dims *dims);     // padding, ranks, fused ops: d->op
nf_status nf_case_make_quantised(nf_op_desc *d, const nf_dims *dims); // norms that quantise
nf_status nf_case_make_gated(nf_op_desc *d, const nf_dims *dims); // gated products, gated norms that quantise
nf_status nf_case_make_block(nf_op_desc *d, const nf_dims *dims); // a model's blocks
// Where a PADDED op may have padding in its first operand, and the options ask for it.
nf_status nf_case_pad(nf_op_desc *d, const nf_dims *dims);
nf_status nf_case_make(nf_op op, const nf_dims *dims, nf_case *out); // NF_BAD_INPUT: the op can't be so
void nf_case_print(const nf_case *c, char *out, size_t size);
// Case i of a variant, moved to where its limits hold; false where none was found.
bool nf_case_for(const nf_variant *v, const nf_hw *hw, int i, uint64_t seed, nf_case *out);
// The case on the wrong side of limit l; false when there is none.
bool nf_case_beyond(const nf_limit *l, const nf_case *c, nf_case *out);
// The case at the limit's value itself.
bool nf_case_at(const nf_limit *l, const nf_case *c, nf_case *out);
bool nf_case_legal(const nf_variant *v, const nf_hw *hw, const nf_case *c);

enum { NF_MAX_WORLD = 3, NF_GUARD = 64, NF_MAX_TENSORS = NF_MAX_IN + NF_MAX_OUT };

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
  } storage[NF_MAX_TENSORS];
  nf_batch batch;
  const int32_t *keys; // [S] of each sequence, this step's included
  nf_comm comm;
  char *peer[NF_MAX_WORLD]; // of a COMM op: where each rank's first operand begins
  int64_t used;             // tokens in use
  unsigned char garbage;
  nf_pack pack; // of the weight
  nf_arena arena;
} nf_instance;

// pack: of the weight; gap: elements between rows; garbage: byte that fills results; magnitude: absolute
// values.
nf_status nf_instance_init(nf_instance *i, const nf_case *c, nf_pack pack, int gap, unsigned char garbage,
                           bool magnitude);
void nf_instance_deinit(nf_instance *i);
unsigned char *nf_instance_base(const nf_instance *i,
                                int rank); // of the first operand's storage, guards included
nf_tensor *nf_instance_result(const nf_instance *i, int result);
uint64_t nf_check_hash(uint64_t a, uint64_t b);

// Times the shapes of real models and tells them through o->row.
nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o);

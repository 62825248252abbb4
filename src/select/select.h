// SPDX-License-Identifier: Apache-2.0
// Selection: which kernel runs an op, and why the others do not. A pure function of (hardware facts, op
// description, options): no globals, no allocation, thread-safe; tests ask it about machines that are not
// here.
#pragma once
#include "hw/hw.h"
#include "kernels/contract/variant.h"

enum { NF_MAX_CANDIDATES = 24 };

typedef enum nf_refusal {
  NF_CHOSEN = 0,
  NF_REFUSED_BACKEND, // for another backend
  NF_REFUSED_NEED,    // the processor lacks a feature
  NF_REFUSED_LIMIT,   // a constraint row does not hold
  NF_REFUSED_PACK,    // reads the weight in another packing order
  NF_REFUSED_PROMISE, // promises less than was asked
  NF_REFUSED_FORCED,  // legal, but another was forced by name
  NF_REFUSED_BETTER,  // legal, but a later row of the list is preferred
} nf_refusal;

typedef struct nf_candidate {
  const nf_variant *variant;
  nf_refusal refusal;
  int limit; // of NF_REFUSED_LIMIT: which row
} nf_candidate;

typedef struct nf_selection {
  const nf_variant *chosen; // NULL: no legal kernel
  int n;
  nf_candidate candidate[NF_MAX_CANDIDATES]; // every variant of the op, in list order
} nf_selection;

typedef struct nf_select_options {
  nf_promise promise;
  const char *const *force; // [n_force] "op=variant"; validated by nf_select_check_forced
  size_t n_force;
} nf_select_options;

// Of the legal variants the last of the list; a forced one that is not legal leaves nothing chosen. On a CPU
// the references are legal too, and come first. o may be NULL.
void nf_select(const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o, nf_selection *out);
// The same over another list of variants, for tests.
void nf_select_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_op_desc *d,
                    const nf_select_options *o, nf_selection *out);
nf_status nf_select_check_forced(const nf_select_options *o); // NF_USAGE with the nearest valid name
// Why candidate c was refused (or "chosen"), one phrase.
void nf_candidate_explain(const nf_candidate *c, const nf_hw *hw, const nf_op_desc *d, nf_text *out);

// The registry: every variant of every op, oldest first within an op.
const nf_variant *nf_variants(size_t *out_n);
const nf_variant *nf_variant_find(const char *name);
const nf_variant *nf_reference_of(nf_op op); // NULL for views

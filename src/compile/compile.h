// SPDX-License-Identifier: Apache-2.0
// The compiler's way from a logical graph to a plan: lay out → normalise → cover → bind.
//
// The fusions are chosen by what they cost at one size of a step, `at`; every kernel is legal for all steps
// from `least` to the plan's largest. nf_compile_ranges finds where another choice would be cheaper.
#pragma once
#include "fuse/fuse.h"
#include "plan/plan.h"

typedef struct nf_compile_options {
  nf_plan_options plan;
  nf_sizes least, at;
  nf_fuse_mode mode;
  const char *const *order; // [n_order] of NF_FUSE_ORDERED
  size_t n_order;
  const char *rules; // "-a,+b"; NULL: all
} nf_compile_options;

typedef struct nf_compiled {
  nf_graph *graph; // what runs
  nf_fuse_report *report;
  nf_plan *plan; // of `graph`
} nf_compiled;

// NF_USAGE for names of rules that there are not, with the nearest; else as nf_plan_create.
nf_status nf_compile(const nf_graph *g, const nf_compile_options *o, nf_compiled *out);
// The plan of another rank than o->plan.rank, for the same graph with the same o; owned by the caller, and
// gone before c.
nf_status nf_compiled_plan(const nf_compiled *c, const nf_compile_options *o, int rank, nf_plan **out);
void nf_compiled_deinit(nf_compiled *c); // zeroed is fine
// "range", "plan" (nf_plan_explain), "fusion" (the report) and "unfused": the nodes that fusions were
// chosen in, normalised, with what each would cost. o: that of nf_compile.
nf_status nf_compiled_explain(const nf_compiled *c, const nf_compile_options *o, json_t **out);

// Token counts in which one choice is the cheapest: [1, hi of the first], and so on, up to the plan's
// largest.
typedef struct nf_token_range {
  int64_t lo, hi;
} nf_token_range;
enum { NF_MAX_RANGES = 24 };
// Looks at both ends, and where their choices differ at powers of two between. The smallest and largest sizes
// but T follow from `o`.
nf_status nf_compile_ranges(const nf_graph *g, const nf_compile_options *o, nf_token_range *out,
                            size_t *out_n);

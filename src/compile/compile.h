// SPDX-License-Identifier: Apache-2.0
// The compiler's way from a logical graph to plans: legalise → normalise → find fusions, once; then, for each
// range of token counts in which one choice is the cheapest, cover → bind.
//
// The plans of a model run one after the other. They share a layout, so weights and pools are there once, and
// an arena as large as the largest wants it. A kernel is chosen for the steps of its plan alone, so that one
// that takes small or large steps only is of use.
#pragma once
#include "fuse/fuse.h"
#include "plan/plan.h"

typedef struct nf_compile_options {
  nf_plan_options plan; // its `max` is the largest step of all plans; layout and select's sizes do not count
  nf_sizes least;       // the smallest step
  nf_sizes at;          // the step that is asked for most: its plan's costs are compared there
  nf_fuse_mode mode;
  const char *const *order; // [n_order] of NF_FUSE_ORDERED
  size_t n_order;
  const char *rules;           // "-a,+b"; NULL: all
  const nf_rules *known_rules; // outlives what is compiled; NULL: made for it
} nf_compile_options;

typedef struct nf_planned { // steps of lo to hi tokens
  int64_t lo, hi;
  nf_plan_options options; // of its plan
  nf_graph *graph;         // what runs
  nf_fuse_report *report;
  nf_plan *plan; // of `graph`
} nf_planned;

typedef struct nf_compiled {
  nf_rules *rules;
  nf_fusions *fusions;
  nf_layout layout;   // of all graphs
  nf_planned *range;  // [n] from few tokens to many, without gaps
  size_t n, main;     // main: the range that has the options' `at`
  size_t arena_bytes; // of the plan that wants most
} nf_compiled;

// NF_USAGE for names of rules that there are not, with the nearest; else as nf_plan_create.
nf_status nf_compile(const nf_graph *g, const nf_compile_options *o, nf_compiled *out);
void nf_compiled_deinit(nf_compiled *c); // zeroed is fine
// Index of the range for a step of so many tokens.
size_t nf_compiled_for(const nf_compiled *c, int64_t tokens);
// The plan of range i for another rank than o->plan.rank; owned by the caller, and gone before c.
nf_status nf_compiled_plan(const nf_compiled *c, size_t i, int rank, nf_plan **out);
// Of the main range "range", "plan" (nf_plan_explain), "fusion" (the report) and "unfused": the nodes that
// fusions were chosen in, normalised, with what each would cost. Of all "ranges" and "plans".
nf_status nf_compiled_explain(const nf_compiled *c, json_t **out);

// SPDX-License-Identifier: Apache-2.0
// Selection: which kernel runs an op, why the others do not, and what it costs. Pure functions of (hardware
// facts, op description, options): no globals, thread-safe; tests ask about machines that are not here.
#pragma once
#include "base/memory.h"
#include "hw/hw.h"
#include "kernels/contract/variant.h"
#include "op/desc.h"

// What kernels were measured to take, which selection prefers to its estimates; a tuner fills the table.
// Looking things up is pure, and any number of threads may while nobody puts anything in; but a table that
// has a source belongs to one thread at a time.
typedef struct nf_timings nf_timings;          // of one processor
nf_status nf_timings_create(nf_timings **out); // NF_NO_MEMORY
void nf_timings_destroy(nf_timings *t);        // NULL is fine

// The steps that are alike for ops described by d, as the largest of them: a size that d depends on (its
// extents' symbols; S also where it has a cache) becomes the power of two that it is not above, others 0.
nf_sizes nf_timings_bucket(const nf_op_desc *d, const nf_sizes *at);

// Puts in (or replaces) what v took for ops described by d at steps like `at`, us > 0 microseconds; infinite:
// it is not to be used. The packing orders of weights do not count: v has its own. hw: what an estimate is
// compared for. On error the table is as it was.
nf_status nf_timings_put(nf_timings *t, const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at,
                         const nf_variant *v, double us);
bool nf_timings_get(nf_timings *t, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v, double *us);
// The median of measured over estimated of all that was put in for the op; 1 when nothing was, and in a table
// with a source, where it would depend on what was asked before. t may be NULL.
double nf_timings_ratio(const nf_timings *t, nf_op op);
// From now on `source` is asked, once, for each op and steps alike (as nf_timings_bucket gives them) that
// something is looked up for, and puts in what it knows. Packing orders of d's weights are undecided.
typedef void (*nf_timings_source)(void *user, const nf_op_desc *d, const nf_sizes *at);
void nf_timings_look_up(nf_timings *t, nf_timings_source source, void *user);

typedef enum nf_refusal {
  NF_CHOSEN = 0,
  NF_REFUSED_BACKEND,  // for another backend
  NF_REFUSED_NEED,     // the processor lacks a feature
  NF_REFUSED_DECLARED, // has no code yet, and this machine is here to run it
  NF_REFUSED_LIMIT,    // a constraint row does not hold
  NF_REFUSED_PACK,     // reads the weight in another packing order
  NF_REFUSED_ORDER,    // costs less, but sums in another order than was decided for steps of all sizes
  NF_REFUSED_PROMISE,  // promises less than was asked
  NF_REFUSED_FORCED,   // legal, but another was forced by name
  NF_REFUSED_BETTER,   // legal, but the chosen one costs less, or as much and is a later row
} nf_refusal;

typedef struct nf_selection {
  const nf_variant *chosen; // NULL: no legal kernel
  double us;                // what it costs at the options' `at`
  bool measured;            // by the timings; else an estimate
  const nf_variant *list;   // [n] what it was chosen from
  size_t n;
} nf_selection;

typedef struct nf_candidate { // one variant of the op
  const nf_variant *variant;
  nf_refusal refusal;
  int16_t limit;     // of NF_REFUSED_LIMIT: which row,
  bool at_most_size; // and at which end of the steps: options' `most`, else `least`
  double us;         // of NF_REFUSED_BETTER and _ORDER: what it costs, measured if the chosen one's is
} nf_candidate;

typedef struct nf_select_options {
  nf_promise promise;
  const char *const *force; // [n_force] "op=variant"; validated by nf_select_check_forced
  size_t n_force;
  // The smallest and the largest step that the kernel must take: limits on sizes hold at both ends. Zeros:
  // not known, and a kernel with such a limit is refused.
  nf_sizes least, most;
  nf_sizes at; // the step that costs are compared for; zeros: `least`
  // What kernels were measured to take; NULL: nothing is known. Read when a plan is made and never again, so
  // that a plan computes the same for as long as it lives, whatever is measured meanwhile.
  nf_timings *timings;
} nf_select_options;

// Of the legal variants the one that costs least at `at`, of equals the last of the list. Costs are those
// measured where there is one for each of them, else estimates; a reference that was not measured does not
// compete with other kernels. A forced variant that is not legal leaves
// nothing chosen. On a CPU the references are legal too, and come first. Declared rows are legal on targets
// that are not here (hw->target), where nothing will run.
void nf_select(const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o, nf_selection *out);
// The same over another list of variants, for tests.
void nf_select_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_op_desc *d,
                    const nf_select_options *o, nf_selection *out);
// The candidates of a selection, in list order; hw, d and o are those of the selection:
//   for (size_t i = 0; nf_selection_next(&s, &i, hw, d, o, &c);)
bool nf_selection_next(const nf_selection *s, size_t *i, const nf_hw *hw, const nf_op_desc *d,
                       const nf_select_options *o, nf_candidate *out);
// NF_USAGE with the nearest name that hw has.
nf_status nf_select_check_forced(const nf_hw *hw, const nf_select_options *o);
// Why candidate c of s was refused (or "chosen"), one phrase. hw, d and o are those of the selection.
void nf_candidate_explain(const nf_candidate *c, const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out);
// Every candidate's phrase: "linear_ref: …; linear_generic: …"; "there is none" without candidates.
void nf_selection_explain(const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out);

// ---- what the compiler asks: an op description -> legal or the reason, microseconds, padding ----

// Estimated time of an op in microseconds, from the op description alone:
//
//   launch + max(bytes / bandwidth, operations / peak of their class, bytes from other ranks / links)
//
// bytes: every operand read once and every result written once, at padded extents; of experts' weights those
// of min(E, T k) experts, of tables the rows, of caches what is attended to. operations: per op, its traits.
// On a CPU a variant runs at the rate of the features that it needs, vectors by float32's peak and a matrix
// unit by its own, a reference at one operation a cycle; v
// NULL is a kernel that uses all the processor has. A view costs nothing. It ignores caches and partly filled
// processors: good for comparing plans. The context of sequences is no part of a description: attention
// assumes NF_COST_CONTEXT tokens before the step.
enum { NF_COST_CONTEXT = 1024 };
double nf_cost_us(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v);

// The largest of the formula's terms: what the op waits for most.
typedef enum nf_bound {
  NF_BOUND_MEMORY,  // the rank's own memory
  NF_BOUND_COMPUTE, // operations
  NF_BOUND_LINKS,   // bytes from other ranks
  NF_BOUND_LAUNCH,  // the kernel's start, and the other ranks' arrival
  NF_BOUND_COUNT
} nf_bound;
const char *nf_bound_name(nf_bound b); // "memory", "compute", "links", "launch"
nf_bound nf_cost_bound(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v);

// What an op has to move and to compute.
typedef struct nf_work {
  double bytes;      // read and written, in this rank's memory
  double operations; // a multiplication with its addition is two
  nf_rate rate;      // class of the operations
  double exchanged;  // bytes that come from each other rank
} nf_work;

nf_work nf_work_of(const nf_op_desc *d, const nf_sizes *at, int world);
// The formula of nf_cost_us over a piece of work.
double nf_work_us(const nf_hw *hw, const nf_work *w, const nf_variant *v);
typedef struct nf_op_cost {
  double us;          // estimated, scaled by the timings' ratio of the op
  double measured_us; // of `measured`
  bool measured;
  const void *by; // what would run it
} nf_op_cost;
// Whether a kernel is there for d at steps of these sizes (or for all from o's `least` to `most`, where those
// are given), and what it costs at these. false: the reason of every candidate is appended to *why (NULL:
// nowhere), *out untouched. The packing order of a weight is taken as not decided yet. One selection.
bool nf_select_cost(const nf_hw *hw, const nf_select_options *o, const nf_op_desc *d, const nf_sizes *at,
                    nf_op_cost *out, nf_text *why);
// d when neither the packing orders of its weights nor the order of its sums are decided yet.
nf_op_desc nf_undecided(const nf_op_desc *d);

// The padded extent of q (NF_Q_K or NF_Q_N) that all legal variants want (WANT_PADDED): the logical extent
// when one of them does without or none is legal; 0 when the op has no such extent. Selects nothing.
int64_t nf_select_padded(const nf_hw *hw, const nf_select_options *o, const nf_op_desc *d, nf_quantity q);

// Selections of one processor and one set of options, remembered: equal layers ask once.
typedef struct nf_memo {
  const nf_hw *hw;
  const nf_select_options *options;
  nf_arena arena;
  nf_desc_map known;
} nf_memo;
nf_status nf_memo_select(nf_memo *m, const nf_op_desc *d, nf_selection *out); // NF_NO_MEMORY
void nf_memo_deinit(nf_memo *m);

// The registry: every variant of every op, oldest first within an op.
const nf_variant *nf_variants(size_t *out_n);
const nf_variant *nf_variant_find(const char *name);
const nf_variant *nf_reference_of(nf_op op); // NULL for views

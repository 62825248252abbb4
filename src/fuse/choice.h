// SPDX-License-Identifier: Apache-2.0
// What the stages of fusing share: the run, its candidates, and the choice among them.
#pragma once
#include "fuse/match.h"
#include "op/desc.h"

static inline nf_status nf_fuse_no_memory(void) {
  return nf_error(NF_NO_MEMORY, "no memory to fuse a graph");
}
static inline double nf_fusion_gain(const nf_fusion *f) { return f->before_us - f->after_us; }

// A set of n things that may exclude each other: which to take so that the gains add up to the most.
typedef struct nf_cover {
  size_t n;
  const double *gain;       // [n] > 0
  const uint64_t *excludes; // [n][words] bit j of row i: i and j exclude each other
  size_t words, limit;
  bool *taken; // [n]
  bool exact;
} nf_cover;
// Branch and bound; things in order, earlier ones win ties. Bitwise the same for the same input.
nf_status nf_cover_solve(nf_cover *c);

// What ops cost, asked once for each description.
typedef struct nf_price {
  nf_op_desc d;
  bool legal;
  nf_op_cost cost;
  const char *why; // of one that is not legal
} nf_price;
typedef struct nf_prices {
  nf_arena arena;
  nf_desc_map known;
} nf_prices;
void nf_prices_deinit(nf_prices *p);

typedef struct nf_candidate_fusion {
  nf_match match;
  nf_replacement to;
  const nf_price **price;                // [nodes of to.graph]; NULL where it does not fit
  nf_fusion fusion;                      // what the report will say
  const char *unfit;                     // why it does not fit the graph; NULL: it does
  nf_node_id node[NF_MAX_PATTERN_NODES]; // sorted
  int turn;                              // in the order
} nf_candidate_fusion;

typedef struct nf_fuse_run {
  const nf_rules *rules;
  const nf_fuse_options *options;
  nf_fuse_options own;        // what `options` points to, but for the searched sizes and costs
  nf_fuse_report *base;       // what all reports have in common; owns what they borrow
  nf_fuse_report first;       // it is this one
  nf_fuse_report *report;     // of the choice, or `base` while there is none
  nf_graph *normal;           // what fusions are found in
  nf_edit edit;               // of normal
  nf_candidate_fusion *found; // [n_found] as fusions stand in the report
  size_t n_found, cap_found;
  const nf_price **node_price; // [n_nodes of normal]
  nf_prices prices;
} nf_fuse_run;

// The rule's place in the order (0 where there is none); n_order: not named; -1: not to be looked for at all.
int nf_rule_turn(const nf_rule *rule, const nf_fuse_options *o);

void nf_canonicalise(nf_edit *e);
// Normalising rules and canonical form to a fixed point. seed: the order in which places are visited; the
// result does not depend on it.
nf_status nf_normalise(nf_fuse_run *run, uint64_t seed);
nf_status nf_find_fusions(nf_fuse_run *run);   // fills found and near misses
nf_status nf_find_sites(nf_fuse_run *run);     // sorts what was found by sites
nf_status nf_list_prices(nf_fuse_run *run);    // what there is to ask for
nf_status nf_price_fusions(nf_fuse_run *run);  // costs, and the verdicts that follow from them alone
nf_status nf_choose_fusions(nf_fuse_run *run); // the other verdicts
nf_status nf_explain_losers(nf_fuse_run *run); // why those that fit were not chosen
nf_status nf_note_choice(nf_fuse_run *run, nf_fuse_choice *out);

// What a node that no kernel runs weighs, in microseconds: a fusion that makes it run wins.
#define NF_NO_KERNEL_US 1e9

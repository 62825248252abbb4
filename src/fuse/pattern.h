// SPDX-License-Identifier: Apache-2.0
// Rules as the matcher sees them, what a match is, and how a replacement is built for one.
#pragma once
#include "fuse/fuse.h"
#include "graph/edit.h"

enum { NF_MAX_PATTERN_VALUES = 40, NF_MAX_PATTERN_NODES = 16 };

// How a node of the pattern is come to from those before it.
typedef struct nf_pattern_step {
  nf_node_id node; // of the pattern
  nf_val by;       // a value that is known by then: the node makes it, or else uses it
  bool makes;
} nf_pattern_step;

typedef struct nf_pattern {
  const nf_rule *rule;
  nf_graph *graph; // of the example
  nf_side side;    // leaves, yields, free attributes
  nf_pattern_step step[NF_MAX_PATTERN_NODES];
  int8_t leaf[NF_MAX_PATTERN_VALUES]; // 1 + which leaf a value is, or 0
  bool yielded[NF_MAX_PATTERN_VALUES];
  uint32_t any[NF_MAX_PATTERN_NODES]; // bits of the attributes that are free
} nf_pattern;

struct nf_rules {
  size_t n;
  nf_pattern pattern[]; // by name
};

typedef struct nf_match {
  const nf_pattern *pattern;
  const nf_edit *edit;
  nf_val value[NF_MAX_PATTERN_VALUES];   // of the pattern -> of the graph; 0: an absent operand
  nf_node_id node[NF_MAX_PATTERN_NODES]; // 1 + node of the graph
} nf_match;

// Builds the rule's pattern on an example and checks its replacement against it. NF_BAD_INPUT as
// nf_rules_from.
nf_status nf_pattern_init(nf_pattern *p, const nf_rule *rule, const nf_example *e);
void nf_pattern_deinit(nf_pattern *p);
extern const nf_example nf_plain_example;

nf_val nf_build_outside(nf_builder *b, const char *name, nf_type t); // an input, or a pool

typedef struct nf_replacement {
  nf_graph *graph;
  nf_val leaf[NF_MAX_LEAVES], outside[NF_MAX_LEAVES], yield[NF_MAX_YIELDS], inside[NF_MAX_YIELDS];
  int n_leaves, n_yields;
} nf_replacement;

// The replacement on the types of the match. NF_BAD_INPUT: it can't be built on them, or yields others.
nf_status nf_replacement_build(const nf_match *m, nf_replacement *out);
void nf_replacement_deinit(nf_replacement *r); // a zeroed one is fine
// The same in the graph: *unfit, in a, says why it can't be, there or for a cycle; NULL: it can.
nf_status nf_replacement_fit(const nf_match *m, nf_edit *e, nf_arena *a, nf_replacement *out,
                             const char **unfit);
nf_splice nf_replacement_splice(const nf_match *m, const nf_replacement *r,
                                nf_node_id node[NF_MAX_PATTERN_NODES]);

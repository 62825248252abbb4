// SPDX-License-Identifier: Apache-2.0
// Finding patterns in a graph, and why they are not found.
#pragma once
#include "fuse/pattern.h"

typedef enum nf_near_kind {
  NF_NEAR_NONE = 0,
  NF_NEAR_OP,      // an operand is made by another op, or by no node
  NF_NEAR_RESULT,  // or is another result of it
  NF_NEAR_USER,    // no user is the op
  NF_NEAR_ATTR,    // an attribute has another value
  NF_NEAR_OTHER,   // an operand is another value
  NF_NEAR_MISSING, // an operand is not there
  NF_NEAR_EXTRA,   // an operand should not be there
  NF_NEAR_TWICE,   // one node would stand for two
  NF_NEAR_OUTSIDE, // a value that would go has another user
  NF_NEAR_OUTPUT,  // or is an output
  NF_NEAR_APPLIES, // the rule says so itself
} nf_near_kind;

// The deepest point that a pattern came to from one anchor, and what was wrong there.
typedef struct nf_near {
  nf_near_kind kind;
  int depth;       // nodes found before
  int part;        // and operands of the next one
  nf_node_id node; // of the graph, where it is wrong
  nf_node_id want; // node of the pattern
  int at;          // operand or attribute
  nf_val value;    // of the graph: what was found; OTHER: of the graph too, in `wanted` what should be there
  nf_val wanted;
  char why[96]; // of APPLIES
} nf_near;

typedef struct nf_matcher {
  const nf_edit *edit;
  const nf_pattern *pattern;
  nf_near near; // deepest failure since the matcher was made
  size_t n_found;
  nf_status (*found)(void *user, const nf_match *m);
  void *user;
} nf_matcher;

// Tells every match whose first node is `anchor`; the same nodes may be told twice.
nf_status nf_match_at(nf_matcher *m, nf_node_id anchor);
// "operand b is made by unpad, not all_reduce"; returns the value that this is said of, which e has.
const char *nf_near_print(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out);

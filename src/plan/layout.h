// SPDX-License-Identifier: Apache-2.0
// What the plans of a model share: where its weights and pools are stored, in which packing order, and in
// which order each op sums, so that a text does not depend on the plans that it is computed with. One plan
// may read the rows of several weights as one joined weight, another one each of them: then the joined one is
// stored, and the others are rows of it.
#pragma once
#include "graph/graph.h"
#include "select/select.h"

typedef struct nf_layout {
  nf_value *stored; // [n] with the packing order in the type
  size_t n;
  nf_arena arena;         // owns names and recipes: a graph may go before it, when two ranges have one plan
  nf_map names;           // of weights that are not joined, and of pools: index into place
  struct nf_place *place; // [n_places]
  size_t n_places;
  nf_desc_map orders; // what ops cost by the order that they sum in
} nf_layout;

typedef struct nf_place { // of a weight or pool
  size_t stored;          // index of what it lies in
  int64_t first;          // and its first row there
} nf_place;

// A graph that will be planned with these options, and how much its time counts.
typedef struct nf_layout_user {
  const nf_graph *graph;
  const nf_select_options *select;
  double weight;
} nf_layout_user;

// For each weight that kernels read packed, the order in which what its users cost, by their best kernels
// that read it so, adds up to the least over all graphs. References read every order and ask for none. Then
// in the same way, for each op as it is described then, the order of its sums. *shared false, and no layout:
// the graphs join weights in ways that no storage serves.
nf_status nf_layout_create(const nf_hw *hw, const nf_layout_user *user, size_t n, nf_layout *out,
                           bool *shared);
void nf_layout_deinit(nf_layout *l);                            // a zeroed one is fine
nf_place nf_layout_find(const nf_layout *l, const nf_value *v); // v: a weight or pool of one of the graphs
// The type in which kernels see it.
nf_type nf_layout_type(const nf_layout *l, const nf_value *v);
// What selection is asked for a node of one of the graphs, in any order of sums,
nf_op_desc nf_layout_describe(const nf_layout *l, const nf_graph *g, const nf_node *n);
// and the order that was decided for such a description. ANY: no order serves the steps of all plans.
nf_order nf_layout_order(const nf_layout *l, const nf_op_desc *d);

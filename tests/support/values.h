// SPDX-License-Identifier: Apache-2.0
// Where tests without a plan run graphs: the values of all ranks in arenas of one layout, and a graph's nodes
// by any kernels. Storage is shared by views and pools alone; what nothing has written is NaN.
#pragma once
#include "graph/graph.h"
#include "kernels/contract/variant.h"
#include "tensor/tensor.h"

typedef struct values {
  const nf_graph *g;
  const nf_type *type; // [n_values] as kernels read them
  int world;
  nf_sizes most, at; // of all steps; of this one
  int64_t slots[NF_CACHE_COUNT];
  // Made by values_init:
  nf_arena arena;
  size_t *offset, bytes;
  char **base;   // [world]
  nf_comm *comm; // [world]
} values;

nf_status values_init(values *s); // the fields above are set; on an error values_deinit is due
void values_deinit(values *s);
nf_tensor values_tensor(const values *s, int rank, nf_val v); // of none an absent one
bool values_is_view(const values *s, const nf_node *n);       // no kernel runs it
nf_op_desc values_describe(const values *s, const nf_node *n);
// One node on one rank. NF_NO_MEMORY is all that can go wrong.
nf_status values_run(const values *s, int rank, const nf_node *n, const nf_variant *kernel,
                     const nf_batch *batch);

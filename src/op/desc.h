// SPDX-License-Identifier: Apache-2.0
// Op descriptions as keys of tables.
#pragma once
#include "op/op.h"

// Of descriptions that are inferred. Equal ones have one hash, the same on every machine.
bool nf_op_desc_equal(const nf_op_desc *a, const nf_op_desc *b);
uint64_t nf_op_desc_hash(const nf_op_desc *d);

// Structs by the description that is their first member. The map borrows them; zeroed is an empty one.
typedef struct nf_desc_map {
  const nf_op_desc **slot; // open addressing
  size_t n, size;          // size: 0 or a power of two
} nf_desc_map;
void *nf_desc_map_find(const nf_desc_map *m, const nf_op_desc *d); // NULL: not there
nf_status nf_desc_map_add(nf_desc_map *m, nf_op_desc *d);          // d is not there yet. NF_NO_MEMORY
void nf_desc_map_deinit(nf_desc_map *m);

// SPDX-License-Identifier: Apache-2.0
// Slices of weights over ranks (recipe.h): who gets what. Pure functions of the slice; one has passed
// nf_slice_check.
#pragma once
#include "base/status.h"
#include "graph/recipe.h"
#include "tensor/type.h"

typedef struct nf_share { // columns [from, from + n) of the uncut segment; n may be 0
  int64_t from, n;
} nf_share;
nf_share nf_slice_share(const nf_slice *c, int segment, int rank);
int64_t nf_slice_longest(const nf_slice *c, int segment); // the largest share: what every rank has room for
nf_type nf_slice_type(const nf_slice *c, nf_type whole);  // of a rank, from the uncut weight's
nf_type nf_slice_whole(const nf_slice *c, nf_type local); // and back
bool nf_slice_equal(const nf_slice *a, const nf_slice *b);
// That a weight of type `local` can be sliced so, and that elements which share a scale stay together.
// NF_BAD_INPUT.
nf_status nf_slice_check(const nf_slice *c, const nf_type *local);

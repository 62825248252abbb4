// SPDX-License-Identifier: Apache-2.0
// Cuts of weights over ranks (recipe.h): who gets what. Pure functions of the cut; a cut has passed
// nf_cut_check.
#pragma once
#include "base/status.h"
#include "graph/recipe.h"
#include "tensor/type.h"

typedef struct nf_share { // columns [from, from + n) of the uncut segment; n may be 0
  int64_t from, n;
} nf_share;
nf_share nf_cut_share(const nf_cut *c, int segment, int rank);
int64_t nf_cut_longest(const nf_cut *c, int segment); // the largest share: what every rank has room for
nf_type nf_cut_type(const nf_cut *c, nf_type whole);  // of a rank, from the uncut weight's
nf_type nf_cut_whole(const nf_cut *c, nf_type local); // and back
bool nf_cut_equal(const nf_cut *a, const nf_cut *b);
// That a weight of type `local` can be so cut, and that elements which share a scale stay together.
// NF_BAD_INPUT.
nf_status nf_cut_check(const nf_cut *c, const nf_type *local);

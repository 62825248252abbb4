// SPDX-License-Identifier: Apache-2.0
// The first step of the pipeline: one graph for all ranks from a logical graph, with equal shapes on all of
// them.
//
// What is split follows from the ops, no model says it: a linear whose readers can all go on with some of its
// columns, until another linear takes them as its K, is split by rows and that other one by columns;
// attention and the delta rule are split by heads, experts by their inner dimension or whole, vocabularies by
// rows. Each sum over ranks ends in one all_reduce, which takes the name of what it completes; the addend is
// called NAME.partial. Values of other names are the rank's part of what they were. docs/architecture.md says
// more.
#pragma once
#include "graph/graph.h"

// *out computes on `world` ranks what g computes on one; with world 1 it is equal to g. g is plain: no sums
// over ranks, no split weights. NF_USAGE for a world out of range, NF_BAD_INPUT with the reason where g can't
// be split over so many.
nf_status nf_shard(const nf_graph *g, int world, nf_graph **out);

// SPDX-License-Identifier: Apache-2.0
// Graphs to fuse: GPT-OSS in small, as it is after sharding and padding, and random ones full of what rules
// look for.
#pragma once
#include "graph/graph.h"

typedef struct nf_layers {
  int layers;
  bool ranks, pads; // sums over ranks; experts' rows padded
  nf_dtype act;
} nf_layers;
nf_status nf_layers_graph(const nf_layers *o, nf_graph **out);
// A few streams through random adds, norms, sums, padding, linears, reshapes, gates and quantises; the same
// seed, the same graph.
nf_status nf_random_layers(uint64_t seed, nf_dtype act, nf_graph **out);

// SPDX-License-Identifier: Apache-2.0
// Random valid graphs, for tests of what must hold for any graph. The same seed gives the same graph.
#pragma once
#include "graph/graph.h"

nf_status nf_random_graph(uint64_t seed, nf_graph **out);

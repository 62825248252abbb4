// SPDX-License-Identifier: Apache-2.0
// Padding, where kernels ask for it: where all legal variants of an op want more columns than there are, its
// operand is padded and its result keeps padding until a reader that takes none.
#pragma once
#include "graph/graph.h"
#include "select/select.h"

// A new graph in which every op's operands are laid out as its kernels on `hw` want them. Names stay;
// "<name>.padded" and "<name>.unpadded" join them. Where nothing is wanted the new graph is the old one.
nf_status nf_legalise(const nf_graph *g, const nf_hw *hw, const nf_select_options *o, nf_graph **out);

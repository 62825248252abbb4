// SPDX-License-Identifier: Apache-2.0
// Inside the room: the steps of compiling.
#pragma once
#include "compile/compile.h"

// Padding, where kernels ask for it: a new graph in which every op's operands are laid out as its kernels on
// `hw` want them. Names stay;
// "<name>.padded" and "<name>.unpadded" join them. Where nothing is wanted the new graph is the old one.
nf_status nf_legalise(const nf_graph *g, const nf_hw *hw, const nf_select_options *o, nf_graph **out);

// Ranges of token counts in which one choice of fusions and kernels is the cheapest, from o's least to its
// largest step; ends are powers of two, and the last. Choices are compared for the first and the last of
// these pieces, and where they differ for those between. Ranges have sizes and options, no graphs yet; *out
// is owned by the caller.
nf_status nf_ranges_find(nf_fusions *f, const nf_compile_options *o, nf_planned **out, size_t *out_n);
// The options of p's plan that follow from its lo and hi.
void nf_range_set_sizes(const nf_compile_options *o, nf_planned *p);
// What ops cost there, by kernels that take all of its steps; p outlives it.
nf_fuse_costs nf_range_costs(const nf_planned *p);

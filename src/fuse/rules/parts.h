// SPDX-License-Identifier: Apache-2.0
// What several rules are made of: example rows, norms, and what reads a norm's result.
#pragma once
#include "fuse/rule.h"

nf_val nf_leaf_rows(nf_side *s, const char *name);  // activations [T,H]
nf_val nf_leaf_heads(nf_side *s, const char *name); // of a few heads, [T,heads,D]

// Patterns. "y": rms_norm of x, any eps and one_plus, with the weight "w".
nf_val nf_pattern_norm(nf_side *s, nf_val x);
nf_val nf_pattern_reduced(nf_side *s);       // "reduced": the leaf "x" summed over ranks
nf_val nf_pattern_sum(nf_side *s, nf_val x); // "sum": x and the leaf "residual"
nf_val nf_pattern_pad(nf_side *s, nf_val x); // "padded": x padded to any width
nf_val nf_pattern_router(nf_side *s,
                         nf_val x); // "logits": x through a linear, "router.w" and perhaps "router.b"
nf_val nf_pattern_flat(nf_side *s, nf_val x);     // "flat": x, heads, in any other shape
nf_val nf_pattern_quantise(nf_side *s, nf_val x); // "codes": x quantised to any type

// What a pattern yields that ends in the norm of h, which others may read: the norm, the norm padded, that
// and what a router makes of the norm, or the norm quantised; then h, and with `keep` the norm.
void nf_yield_norm(nf_side *s, nf_val h);
void nf_yield_norm_pad(nf_side *s, nf_val h);
void nf_yield_norm_router_pad(nf_side *s, nf_val h);
void nf_yield_norm_quantise(nf_side *s, nf_val h, bool keep);
// The same of a replacement: the first n results of the node that makes y; its norm, what a router makes of
// that, and its sum.
void nf_yield_results(nf_side *s, nf_val y, int n);
void nf_yield_results_and_router(nf_side *s, nf_val y);

nf_val nf_replace_flat(nf_side *s, const char *leaf); // a leaf in the shape of "flat"
nf_val nf_replace_router(nf_side *s, nf_val x);       // the same linear of x

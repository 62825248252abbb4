// SPDX-License-Identifier: Apache-2.0
// What several rules are made of: example rows, norms, and what reads a norm's result.
#pragma once
#include "fuse/rule.h"

nf_val nf_leaf_rows(nf_side *s, const char *name);  // activations [T,H]
nf_val nf_leaf_heads(nf_side *s, const char *name); // of a few heads, [T,heads,D]

// Patterns. "y": rms_norm of x, any eps and one_plus, with the weight "w".
nf_val nf_pattern_norm(nf_side *s, nf_val x);
nf_val nf_pattern_pad(nf_side *s, nf_val x); // "padded": x padded to any width
nf_val nf_pattern_router(nf_side *s,
                         nf_val x); // "logits": x through a linear, "router.w" and perhaps "router.b"
nf_val nf_pattern_flat(nf_side *s, nf_val x);     // "flat": x, heads, in any other shape
nf_val nf_pattern_quantise(nf_side *s, nf_val x); // "codes": x quantised to any type

nf_val nf_replace_flat(nf_side *s, const char *leaf); // a leaf in the shape of "flat"
nf_val nf_replace_router(nf_side *s, nf_val x);       // the same linear of x

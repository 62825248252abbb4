// SPDX-License-Identifier: Apache-2.0
// What the rules of several files are made of.
#pragma once
#include "fuse/rule.h"

nf_val nf_leaf_rows(nf_side *s, const char *name);  // activations [T,H]
nf_val nf_leaf_heads(nf_side *s, const char *name); // of a few heads, [T,heads,D]

nf_val nf_pattern_flat(nf_side *s, nf_val x); // "flat": x, heads, in any other shape
nf_val nf_pattern_pad(nf_side *s, const char *name, nf_val x, int64_t to); // to any width
nf_val nf_pattern_quantise(nf_side *s, nf_val x);                          // "codes": x quantised to any type

nf_val nf_replace_flat(nf_side *s, const char *leaf); // a leaf in the shape of "flat"

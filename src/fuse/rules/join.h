// SPDX-License-Identifier: Apache-2.0
// What rules that merge linears share. Leaves and results are named in lists, one for each linear.
#pragma once
#include "fuse/rules/parts.h"

// The leaves, weights or biases, as one weight called `name`, one's rows below another's.
nf_val nf_replace_joined(nf_side *s, const char *name, const char *const *leaf, int n);
// Whether n linears can be one: weights and biases of one type each and nobody else's, blocks that stay
// whole, results of one type.
bool nf_can_merge(const nf_side *s, const char *const *result, const char *const *weight,
                  const char *const *bias, int n, nf_text *why);

// SPDX-License-Identifier: Apache-2.0
// What the builder refuses at once and the verifier checks again: rules about one value.
#pragma once
#include "graph/graph.h"

// Name and type in order, a pool is a pool and nothing else is, a weight has constant extents and a recipe
// with scales if and only if it is quantised. NF_BAD_INPUT without the value's name in front.
nf_status nf_value_check(const nf_value *v);
bool nf_name_valid(const char *name);

// SPDX-License-Identifier: Apache-2.0
// Evaluating weight recipes: the bytes of a weight from its checkpoint tensors, or made up.
#pragma once
#include "graph/graph.h"
#include "model/checkpoint.h"

// Fills `data` (nf_type_bytes of v->type) by reading just the ranges that the recipe names; v->type may be
// packed. NF_BAD_INPUT for a NaN scale.
nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, void *data);
// Made-up values of sensible size, the same for the same name and type: `--load-format dummy`.
nf_status nf_weight_dummy(const nf_value *v, void *data);

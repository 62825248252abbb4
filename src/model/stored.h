// SPDX-License-Identifier: Apache-2.0
// Tensors of a checkpoint against what the config asks for: what stored.c and stored_linear.c share.
#pragma once
#include "checkpoint/weights.h"
#include "model/parts.h"

#define NF_FLOAT_KINDS "BF16, F16 or F32, "
#define NF_SCALE_KINDS "BF16, F16, F32 or F8_E8M0, "

// A plain, unpadded type of constant extents.
nf_type nf_stored_type(nf_dtype dtype, const int64_t *dim, int rank);
bool nf_stored_has_shape(const nf_stored *t, const int64_t *dim, int rank);
// What is wrong with `t` (NULL: it is missing), when the config asks for `dim` of a `right` dtype ("BF16, ").
nf_status nf_stored_mismatch(const nf_checkpoint *files, const nf_stored *t, const char *tensor,
                             const char *right, const int64_t *dim, int rank);
// A float tensor of this shape, and of what dtype.
nf_status nf_stored_float(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank,
                          nf_dtype *out);
// Adds the weight unless `st` is an error, which the builder then takes.
nf_val nf_stored_weight(const nf_parts *p, nf_status st, const char *name, nf_type type, nf_recipe recipe);
// The full name of a tensor or module of the running layer, or of the model when there is none.
const char *nf_stored_path(const nf_parts *p, const char *name);

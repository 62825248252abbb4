// SPDX-License-Identifier: Apache-2.0
// What tests over whole checkpoints share: the reference file's tensors, and the error that our numbers speak
// of.
#pragma once
#include "checkpoint/safetensors.h"

// All fail the running test when the tensor is missing or of another kind. Results are freed by nf_free.
int32_t *nf_reference_ids(const nf_safetensors *s, const char *name,
                          size_t *out_n); // an I64 tensor, flattened
float *nf_reference_vector(const nf_safetensors *s, const char *name,
                           size_t n); // an F32 tensor of n elements
float *nf_reference_floats(const nf_safetensors *s, const char *name, int64_t *out_rows, int64_t *out_cols);

// Largest over the rows of ||got - want|| / ||want||, Euclidean. NaN anywhere gives infinity.
double nf_row_error(const float *got, const float *want, int64_t rows, int64_t cols);

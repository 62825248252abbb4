// SPDX-License-Identifier: Apache-2.0
// Evaluating weight recipes: the bytes of a weight from its checkpoint tensors, or made up.
#pragma once
#include "checkpoint/checkpoint.h"
#include "graph/graph.h"

// Rows of a table with a row for each token that no token has: models pad their vocabularies.
typedef struct nf_weight_padding {
  int64_t first; // such row
  const nf_log *log;
} nf_weight_padding;

// Fills `data` (nf_type_bytes of v->type) with what rank `rank` has of the weight, by reading just that;
// v->type may be packed. Weights that are not cut are the same on all ranks. NF_BAD_INPUT for values, codes
// and scales that are no finite number; rows of `padding` (NULL: there are none) that have such become zeros,
// with one warning. Memory beyond `data`: 8 MiB, or a few rows; where the file has it transposed 64 MiB more.
nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, int rank,
                         const nf_weight_padding *padding, void *data);
// Made-up values of sensible size, the same for the same name and uncut type: `--load-format dummy`. A rank's
// are those of the uncut weight.
nf_status nf_weight_dummy(const nf_value *v, int rank, void *data);

// One checkpoint tensor of a weight.
enum { NF_TENSOR_NAME = 512 };
typedef struct nf_weight_tensor {
  char name[NF_TENSOR_NAME];
  nf_stored stored; // name, dtype, rank and extents: scales of FP8 are float32 here, any float in a file
  bool scales;      // else the values or codes
  int64_t part;     // of a stack
} nf_weight_tensor;
int64_t nf_weight_tensor_count(const nf_value *v);
// Tensor i of a weight: those that it joins one after the other, of each its parts, scales behind codes.
void nf_weight_tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out);
// `pattern` with `part` for its '*', cut to what fits.
void nf_weight_tensor_name(const char *pattern, int64_t part, char out[NF_TENSOR_NAME]);

// SPDX-License-Identifier: Apache-2.0
// Evaluating weight recipes: the bytes of a weight from its checkpoint tensors, or made up, into a sink.
#pragma once
#include "base/threads.h"
#include "checkpoint/checkpoint.h"
#include "graph/graph.h"

// Where finished pieces of a weight's storage go: memory, or what uploads it. Pieces cover codes and scales
// once, in no order; several threads may each have room for one piece at a time.
typedef struct nf_weight_sink {
  void *self;
  void *(*room)(void *self, size_t at, size_t n); // for bytes [at, at + n) of the storage; NULL: no memory
  nf_status (*commit)(void *self, void *room, size_t at, size_t n); // the room is full, and given back
} nf_weight_sink;
nf_weight_sink nf_weight_memory(void *data); // nf_type_bytes of this process's memory

// What loading a model's weights shares, one after the other: zeroed but for the first four, which are
// borrowed.
typedef struct nf_weight_loader {
  const nf_checkpoint *files; // NULL: values are made up, `--load-format dummy`
  nf_threads *threads;        // NULL: the caller's alone
  const nf_log *log;          // warnings, and progress by the calling thread; NULL: neither
  uint64_t total;             // bytes of all weights, for progress
  uint64_t done;
  struct nf_weight_scratch *scratch; // of each thread
} nf_weight_loader;
void nf_weight_loader_deinit(nf_weight_loader *l);

// Gives `sink` what rank `rank` has of the weight (nf_type_bytes of v->type, which may be packed), reading
// just that. Weights that are not cut are the same on all ranks; made-up values are of sensible size, the
// same for the same name and uncut type, and a rank's are those of the uncut weight. Nothing depends on the
// number of threads, errors included: the one that comes first in the weight. NF_BAD_INPUT for values, codes
// and scales that are no finite number; rows from `padding` on (INT64_MAX: there are none), which no token
// has, become zeros where they have such, with one warning. NF_CANCELLED where the log's progress says so.
nf_status nf_weight_load(nf_weight_loader *l, const nf_value *v, int rank, int64_t padding,
                         const nf_weight_sink *sink);

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

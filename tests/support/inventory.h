// SPDX-License-Identifier: Apache-2.0
// Which tensors a checkpoint has, to write a sparse one: true headers, holes for data. Everything that goes
// wrong here fails the calling cmocka test.
#pragma once
#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "model/config.h"

typedef struct inventory {
  nf_arena names;
  nf_stored *tensor;
  size_t n, cap;
  uint64_t bytes;
} inventory; // zeroed: empty
void inventory_add(inventory *v, const char *name, nf_dtype dtype, int rank, const int64_t *dim);
// Adds what the family's graph of this config reads when there are no files; scales of FP8 of dtype `scales`.
void inventory_collect(inventory *v, const nf_config *config, nf_dtype scales);
// Writes tensors [first, first + n).
void inventory_write(const inventory *v, size_t first, size_t n, const char *dir, const char *file);
void inventory_deinit(inventory *v);

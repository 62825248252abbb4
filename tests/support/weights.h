// SPDX-License-Identifier: Apache-2.0
// Loading weights for tests.
#pragma once
#include "base/memory.h"
#include "checkpoint/weights.h"
#include <string.h>

// Room for a weight, every byte of it `fill`; *out_n (may be NULL) of them. nf_free_aligned; NULL: no room.
static inline void *weight_storage(const nf_value *v, int fill, size_t *out_n) {
  const nf_sizes none = {{1, 0, 0, 0}};
  size_t n = 0;
  const nf_status st = nf_type_bytes(&v->type, &none, &n);
  void *data = nf_is_ok(st) ? nf_alloc_aligned(n) : NULL;
  nf_status_free(st);
  if (out_n != NULL) *out_n = n;
  return data != NULL ? memset(data, fill, n) : NULL;
}

// One weight into memory, on one thread; files NULL: made up.
static inline nf_status load_weight(const nf_checkpoint *files, const nf_value *v, int rank, void *data) {
  nf_weight_loader loader = {.files = files};
  const nf_weight_sink sink = nf_weight_memory(data);
  const nf_status st = nf_weight_load(&loader, v, rank, INT64_MAX, &sink);
  nf_weight_loader_deinit(&loader);
  return st;
}

nf_status load_every_weight(const nf_checkpoint *files,
                            const nf_graph *g); // keeps none; the first error ends it

// Everything from the folder's name to the last weight of the first `layers`; 0: of all.
nf_status load_folder(const char *dir, int64_t layers);

// SPDX-License-Identifier: Apache-2.0
// The storage of a weight as planes of codes and scales. Private to the room.
#pragma once
#include "graph/graph.h"

typedef struct nf_weight_planes {
  unsigned char *codes, *scales; // scales NULL: none
  size_t code_bytes, scale_bytes;
  int64_t n; // elements
} nf_weight_planes;

// `data`: the weight's storage. NF_INTERNAL for types that no recipe fills (packed, padded, symbolic).
nf_status nf_weight_planes_of(const nf_value *v, void *data, nf_weight_planes *out);

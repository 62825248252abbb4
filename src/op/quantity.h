// SPDX-License-Identifier: Apache-2.0
// Extents of an op by name, which limits of kernels, costs and the checker speak of.
#pragma once
#include "op/op.h"

typedef enum nf_quantity {
  NF_Q_NONE = 0,
  NF_Q_K,        // columns of the first operand: what is summed or normalised over
  NF_Q_N,        // columns of the first result
  NF_Q_E,        // experts
  NF_Q_TOPK,     // experts per token
  NF_Q_HEAD,     // head size
  NF_Q_KV_HEADS, // key and value heads
  NF_Q_GROUP,    // query heads per kv head
  NF_Q_PAGE,     // tokens per page
  NF_Q_TAPS,     // of a convolution
  NF_Q_VALUE,    // size of a value head
  NF_Q_INNER,    // columns between an expert's two products
  // Derived ones: they follow from the extents, the dtype and where the op runs.
  NF_Q_PACK16_H, // PACK16(H): 16-byte packs in a row of the first operand; need not be whole
  NF_Q_BYTES,    // bytes of the first operand at the step's sizes
  NF_Q_WORLD,    // ranks that run the op together
  NF_Q_COUNT
} nf_quantity;
const char *nf_quantity_name(nf_quantity q); // "K", "PACK16(H)"
const char *nf_quantity_what(nf_quantity q); // "columns of the first operand"
// An extent of the op, as its traits say; false: it has none, a step decides it, or q is derived.
bool nf_quantity_of(const nf_op_desc *d, nf_quantity q, int64_t *out);

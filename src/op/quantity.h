// SPDX-License-Identifier: Apache-2.0
// Extents of an op by name, which limits of kernels, costs and the checker speak of.
#pragma once
#include "op/op.h"

// QUANTITY(id, name, what). From PACK16_H on they are derived: they follow from the extents, the dtype and
// where the op runs.
#define NF_QUANTITIES(QUANTITY)                                                                            \
  QUANTITY(NONE, "", "")                                                                                   \
  QUANTITY(K, "K", "columns of the first operand") /* what is summed or normalised over */                 \
  QUANTITY(N, "N", "columns of the first result")                                                          \
  QUANTITY(E, "E", "experts")                                                                              \
  QUANTITY(TOPK, "TOPK", "experts per token")                                                              \
  QUANTITY(HEAD, "HEAD", "head size")                                                                      \
  QUANTITY(KV_HEADS, "KV_HEADS", "key and value heads")                                                    \
  QUANTITY(GROUP, "GROUP", "query heads per kv head")                                                      \
  QUANTITY(PAGE, "PAGE", "tokens per page")                                                                \
  QUANTITY(TAPS, "TAPS", "taps of the convolution")                                                        \
  QUANTITY(VALUE, "VALUE", "size of a value head")                                                         \
  QUANTITY(INNER, "INNER", "columns between an expert's two products")                                     \
  QUANTITY(PACK16_H, "PACK16(H)", "16-byte packs in a row of the first operand") /* need not be whole */   \
  QUANTITY(BYTES, "BYTES", "bytes of the first operand")                         /* at the step's sizes */ \
  QUANTITY(WORLD, "WORLD", "ranks") /* that run the op together */

typedef enum nf_quantity {
#define NF_Q_ID(id, name, what) NF_Q_##id,
  NF_QUANTITIES(NF_Q_ID) NF_Q_COUNT
} nf_quantity;
const char *nf_quantity_name(nf_quantity q); // "K", "PACK16(H)"
const char *nf_quantity_what(nf_quantity q); // "columns of the first operand"
// An extent of the op, as its traits say; false: it has none, a step decides it, or q is derived.
bool nf_quantity_of(const nf_op_desc *d, nf_quantity q, int64_t *out);

// SPDX-License-Identifier: Apache-2.0
// The dtypes of the safetensors format: one table for reading and writing. Private to the room.
#pragma once
#include "tensor/dtype.h"
#include <stddef.h>

// Name in the file, bits of an element, and as what infuse computes with it (NONE: it does not).
#define NF_STORED_KINDS(X) \
  X(F64, 64, NONE)         \
  X(I64, 64, I64)          \
  X(U64, 64, NONE)         \
  X(C64, 64, NONE)         \
  X(F32, 32, F32)          \
  X(I32, 32, I32)          \
  X(U32, 32, NONE)         \
  X(BF16, 16, BF16)        \
  X(F16, 16, F16)          \
  X(I16, 16, NONE)         \
  X(U16, 16, NONE)         \
  X(U8, 8, U8)             \
  X(I8, 8, NONE)           \
  X(BOOL, 8, NONE)         \
  X(F8_E4M3, 8, F8E4M3)    \
  X(F8_E5M2, 8, NONE)      \
  X(F8_E8M0, 8, E8M0)      \
  X(F8_E4M3FNUZ, 8, NONE)  \
  X(F8_E5M2FNUZ, 8, NONE)  \
  X(F6_E2M3, 6, NONE)      \
  X(F6_E3M2, 6, NONE)      \
  X(F4, 4, E2M1)

typedef struct nf_stored_kind {
  const char *name;
  int bits;
  nf_dtype dtype;
} nf_stored_kind;
extern const nf_stored_kind nf_stored_kinds[]; // widest first
extern const size_t nf_stored_kind_count;

// SPDX-License-Identifier: Apache-2.0
// Kernels of add that tests plant among the candidates: a right one and one that takes long.
#pragma once
#include "base/clock.h"
#include "select/select.h"

static int64_t blocks(const void *args) { return nf_reference_of(NF_OP_add)->entry.host.blocks(args); }
static void good(const void *args, int64_t block, void *scratch) {
  nf_reference_of(NF_OP_add)->entry.host.run(args, block, scratch);
}
static void slow(const void *args, int64_t block, void *scratch) {
  const double end = nf_now() + 20e-6;
  while (nf_now() < end) {
  }
  good(args, block, scratch);
}

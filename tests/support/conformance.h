// SPDX-License-Identifier: Apache-2.0
// One suite that every device passes. Of one that computes nothing it checks what can be.
#pragma once
#include "device/device.h"

// What the module has, in any form of the device: y[i] = 2 * x[i] for i < n, a block each ("double_it").
typedef struct nf_doubled {
  const int32_t *x;
  int32_t *y;
  int64_t n;
} nf_doubled;

typedef struct nf_conformer {
  const char *name;
  nf_status (*make)(nf_device **out);
  const void *image; // of a module with double_it
  size_t image_bytes;
  bool alone; // no peer is to be had
} nf_conformer;

int nf_conformance(const nf_conformer *c); // tests that failed

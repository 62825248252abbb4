// SPDX-License-Identifier: Apache-2.0
// The memory planner: values whose lifetimes do not meet share storage. Pure; knows neither graph nor device.
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct nf_lifetime {
  size_t bytes;
  int32_t first, last; // steps, both inclusive
  size_t offset;       // out: multiple of NF_CACHE_LINE
} nf_lifetime;

// Places n values so that two that are alive in the same step never overlap. Largest first, each into the
// smallest gap that fits. The result does not depend on the order of equal values beyond their index.
nf_status nf_memory_plan(nf_lifetime *value, size_t n, size_t *out_total);

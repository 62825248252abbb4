// SPDX-License-Identifier: Apache-2.0
// Pairs: which expert one is of.
#pragma once
#include "kernels/gpu/lane/lane.h"

// `a` has ids, choices and ids_stride; negative: none.
#define expert_id(a, pair) \
  ((int)(a)->ids[(int64_t)((pair) / (a)->choices) * (a)->ids_stride + (pair) % (a)->choices])

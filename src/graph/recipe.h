// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a weight come from, as data: evaluated at load, or never (explain, dummy weights).
#pragma once

#include <stdint.h>

typedef struct nf_recipe {
  const char *tensor; // checkpoint tensor with the values or codes
  const char *scales; // checkpoint tensor with the scales of a quantised weight, else NULL
  // 0, or the weight's first extent: part i of it, counted from 0, is a tensor of its own, whose names are
  // these with i for their '*'.
  int64_t stack;
} nf_recipe;

// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a weight come from, as data: evaluated at load, or never (explain, dummy weights).
#pragma once

typedef struct nf_recipe {
  const char *tensor; // checkpoint tensor with the values or codes
  const char *scales; // checkpoint tensor with the scales of a quantised weight, else NULL
} nf_recipe;

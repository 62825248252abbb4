// SPDX-License-Identifier: Apache-2.0
// Where a plan's estimated time goes: by what bounds its kernels, and by op.
#pragma once
#include <jansson.h>
#include <stddef.h>

enum { CLI_BOUNDS = 4 };
extern const char *const cli_bounds[CLI_BOUNDS]; // as documents name them

typedef struct cli_share {
  const char *name; // borrowed from the document
  size_t launches;
  double us, by_bound[CLI_BOUNDS]; // the latter add up to the former
} cli_share;

// Nodes of plan.nodes by what they have under `key` ("bound", "op"), those that take longest first; views are
// left out. To be freed by nf_free; NULL when memory is out.
cli_share *cli_shares(const json_t *nodes, const char *key, size_t *out_n);
// "memory", or of an op whose nodes differ "memory 80 %, launch 20 %". To be freed; NULL when memory is out.
char *cli_share_bounds(const cli_share *s);

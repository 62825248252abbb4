// SPDX-License-Identifier: Apache-2.0
// Drawing a graph in layers: boxes in ranks by the longest path that leads to them, ranks ordered by
// barycentres so that few wires cross, wires led around boxes. The work is bounded; what is too large is
// refused.
#pragma once
#include "base/memory.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

enum { CLI_RANK_GAP = 38, CLI_BOX_GAP = 18, CLI_MARGIN = 16, CLI_MOST_BOXES = 400 };

typedef struct cli_point {
  double x, y;
} cli_point;

typedef struct cli_place { // of a box
  double w, h;             // set by the caller
  bool early;              // a source that stands close above what uses it
  double x, y;             // its centre, found
  size_t rank;
} cli_place;

typedef struct cli_wire {
  size_t from, to; // boxes, from < to
  cli_point
      *point; // [n_points] found: bottom of `from`, then top and bottom of every rank between, top of `to`
  size_t n_points;
} cli_wire;

// Wires stand in the order of `to`. *fits false: there is too much of it, and nothing was placed.
nf_status cli_layout(cli_place *box, size_t n, cli_wire *wire, size_t n_wires, nf_arena *arena,
                     cli_point *out_size, bool *fits);

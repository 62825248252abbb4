// SPDX-License-Identifier: Apache-2.0
// The graph of one layer as boxes and wires, before or after fusing: its nodes but the views, what comes from
// other layers, what goes there, and which boxes the chosen fusions take in or made.
#pragma once
#include "cli/explain/outline.h"

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

typedef enum cli_box_kind { CLI_NODE, CLI_COMES, CLI_GOES } cli_box_kind;

typedef struct cli_box {
  cli_box_kind kind;
  const char *op, *name;    // borrowed from the document; a box that comes or goes has only a name
  double least_us, most_us; // over the layers that are equal
  size_t frame;             // of a fusion, or SIZE_MAX
} cli_box;

typedef struct cli_drawing {
  nf_arena arena;
  cli_box *box;
  cli_place *place; // [n_boxes] each
  cli_wire *wire;
  const char **frame; // [n_frames] of the layer's chosen fusions, in order: "rule, joins layer 0 and layer 1"
  size_t n_boxes, n_wires, n_frames, cap_boxes, cap_wires;
  cli_point size;
  bool fits; // false: too large to be drawn
} cli_drawing;

// part: CLI_BEFORE or CLI_AFTER. Deinit is wanted on error as well.
nf_status cli_draw(const cli_outline *o, const cli_class *c, cli_part part, cli_drawing *out);
void cli_drawing_deinit(cli_drawing *d);
double cli_box_text_width(size_t chars); // in the drawing's type

// Boxes in ranks by the longest path that leads to them, ranks ordered by barycentres so that few wires
// cross, wires led around boxes. The work is bounded. Wires stand in the order of `to`. *fits false: there is
// too much of it, and nothing was placed.
nf_status cli_layout(cli_place *box, size_t n, cli_wire *wire, size_t n_wires, nf_arena *arena,
                     cli_point *out_size, bool *fits);

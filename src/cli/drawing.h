// SPDX-License-Identifier: Apache-2.0
// The graph of one layer as boxes and wires, before or after fusing: its nodes but the views, what comes from
// other layers, what goes there, and which boxes the chosen fusions take in or made.
#pragma once
#include "cli/layout.h"
#include "cli/outline.h"

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
  const json_t **frame; // the chosen fusions of the layer's sites, in their order
  size_t n_boxes, n_wires, n_frames, cap_boxes, cap_wires;
  double us; // of all nodes, in the first of the layers
  cli_point size;
  bool fits; // false: too large to be drawn
} cli_drawing;

// part: CLI_BEFORE or CLI_AFTER. Deinit is wanted on error as well.
nf_status cli_draw(const cli_outline *o, const cli_class *c, cli_part part, cli_drawing *out);
void cli_drawing_deinit(cli_drawing *d);
double cli_box_text_width(size_t chars); // in the drawing's type

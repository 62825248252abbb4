// SPDX-License-Identifier: Apache-2.0
// The graph of one layer as boxes and wires, before or after fusing: its nodes but the views, what comes from
// other layers, what goes there, and which boxes the chosen fusions take in or made.
#pragma once
#include "cli/explain/layout.h"
#include "cli/explain/outline.h"

typedef enum cli_box_kind { CLI_NODE, CLI_COMES, CLI_GOES } cli_box_kind;

typedef struct cli_box {
  cli_box_kind kind;
  const char *op, *name;    // borrowed from the document; a box that comes or goes has only a name
  double least_us, most_us; // over the layers that are equal
  size_t frame;             // of a fusion, or SIZE_MAX
} cli_box;

typedef struct cli_frame { // of a chosen fusion
  const json_t *fusion;
  const char *joins; // "layer 0 and layer 1"; NULL: within one
} cli_frame;

typedef struct cli_drawing {
  nf_arena arena;
  cli_box *box;
  cli_place *place; // [n_boxes] each
  cli_wire *wire;
  cli_frame *frame; // of the layer's sites, in their order
  size_t n_boxes, n_wires, n_frames, cap_boxes, cap_wires;
  cli_point size;
  bool fits; // false: too large to be drawn
} cli_drawing;

// part: CLI_BEFORE or CLI_AFTER. Deinit is wanted on error as well.
nf_status cli_draw(const cli_outline *o, const cli_class *c, cli_part part, cli_drawing *out);
void cli_drawing_deinit(cli_drawing *d);
// "all_reduce_add_rms_norm, joins layer 0 and layer 1", as snprintf.
size_t cli_frame_label(const cli_frame *f, char *out, size_t room);
double cli_box_text_width(size_t chars); // in the drawing's type

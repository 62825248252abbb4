// SPDX-License-Identifier: Apache-2.0
// The graph of one layer as boxes and wires, before or after fusing: its nodes but the views, what comes from
// other layers, what goes there, and which boxes the chosen fusions take in or made.
#pragma once
#include "report/outline.h"

enum { REPORT_RANK_GAP = 38, REPORT_BOX_GAP = 18, REPORT_MARGIN = 16, REPORT_MOST_BOXES = 400 };

typedef struct report_point {
  double x, y;
} report_point;

typedef struct report_place { // of a box
  double w, h;                // set by the caller
  bool early;                 // a source that stands close above what uses it
  double x, y;                // its centre, found
  size_t rank;
} report_place;

typedef struct report_wire {
  size_t from, to; // boxes, from < to
  report_point
      *point; // [n_points] found: bottom of `from`, then top and bottom of every rank between, top of `to`
  size_t n_points;
} report_wire;

typedef enum report_box_kind { REPORT_NODE, REPORT_COMES, REPORT_GOES } report_box_kind;

typedef struct report_box {
  report_box_kind kind;
  const char *op, *name;    // borrowed from the document; a box that comes or goes has only a name
  double least_us, most_us; // over the layers that are equal
  size_t frame;             // of a fusion, or SIZE_MAX
} report_box;

typedef struct report_drawing {
  nf_arena arena;
  report_box *box;
  report_place *place; // [n_boxes] each
  report_wire *wire;
  const char **frame; // [n_frames] of the layer's chosen fusions, in order: "rule, joins layer 0 and layer 1"
  size_t n_boxes, n_wires, n_frames, cap_boxes, cap_wires;
  report_point size;
  bool fits; // false: too large to be drawn
} report_drawing;

// part: REPORT_BEFORE or REPORT_AFTER. Deinit is wanted on error as well.
nf_status report_draw(const report_outline *o, const report_class *c, report_part part, report_drawing *out);
void report_drawing_deinit(report_drawing *d);
double report_box_text_width(size_t chars); // in the drawing's type

// Boxes in ranks by the longest path that leads to them, ranks ordered by barycentres so that few wires
// cross, wires led around boxes. The work is bounded. Wires stand in the order of `to`. *fits false: there is
// too much of it, and nothing was placed.
nf_status report_layout(report_place *box, size_t n, report_wire *wire, size_t n_wires, nf_arena *arena,
                        report_point *out_size, bool *fits);

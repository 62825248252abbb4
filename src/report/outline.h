// SPDX-License-Identifier: Apache-2.0
// What an explain document tells, layer by layer: which layer each node, site and near miss belongs to, and
// which layers are equal, so that they are told once.
//
// A node belongs to the layer that its name tells; the nodes of a chosen fusion stay together, in the last of
// their layers, also when that takes them out of their own. What has no layer stands before or after them.
#pragma once
#include "base/map.h"
#include "base/memory.h"
#include "report/doc.h"
#include <jansson.h>
#include <stdbool.h>

typedef enum report_part { REPORT_BEFORE, REPORT_AFTER, REPORT_SITES, REPORT_NEAR, REPORT_PARTS } report_part;

typedef struct report_class { // layers in which the same was decided
  size_t layer, n;            // the first of them, as report_outline numbers them; how many
  const size_t *member;       // [n] all of them
  const char *title;          // "layers 1 to 35", "before the layers"
} report_class;

typedef struct report_outline {
  nf_arena arena;
  const json_t *doc, *list[REPORT_PARTS]; // unfused, plan.nodes, fusion.sites, fusion.near_misses
  size_t *layer[REPORT_PARTS]; // of each item: 0 before the layers, then layer + 1, n_layers - 1 after
  size_t *own;    // of each node of REPORT_BEFORE: its layer by its name, whatever fusion takes it
  nf_map made[2]; // results of REPORT_BEFORE's and REPORT_AFTER's nodes, to the nodes
  size_t n_layers;
  report_class *class; // [n_classes] by their first layers; layers in which there is nothing have none
  size_t n_classes;
} report_outline;

// `doc` must outlive it. `all`: no two layers count as equal. Deinit is wanted on error as well.
nf_status report_outline_init(const json_t *doc, bool all, report_outline *out);
void report_outline_deinit(report_outline *o);

// REPORT_EACH_OF(site, o, REPORT_SITES, layer) {...}: for each item of `part` in the layer, as REPORT_EACH.
#define REPORT_EACH_OF(item, o, part, in) \
  REPORT_EACH(item, (o)->list[part]) if ((o)->layer[part][item##_at] == (in))
size_t report_outline_count(const report_outline *o, report_part part, size_t layer);

// Of a candidate whose nodes belong to several layers which these are: "layer 0 and layer 1", "layer 35 and
// what follows". To be freed; NULL: it stays within one, or memory is out.
char *report_outline_joins(const report_outline *o, const json_t *candidate);

// The names of an array, as report_name_at gives them, to `value`.
nf_status report_map_names(nf_map *map, const json_t *names, uint32_t value);
size_t report_mapped(const nf_map *map, const char *name); // SIZE_MAX: it is not there

typedef struct report_cost {
  size_t launches; // nodes but views
  double us;       // of all of them
} report_cost;
report_cost report_outline_cost(const report_outline *o, report_part part, size_t layer); // of one layer
report_cost report_class_cost(const report_outline *o, report_part part,
                              const report_class *c); // of all its layers

// SPDX-License-Identifier: Apache-2.0
// What an explain document tells, layer by layer: which layer each node, site and near miss belongs to, and
// which layers are equal, so that they are told once.
//
// A node belongs to the layer that its name tells; the nodes of a chosen fusion stay together, in the last of
// their layers, also when that takes them out of their own. What has no layer stands before or after them.
#pragma once
#include "base/map.h"
#include "base/memory.h"
#include "cli/explain/doc.h"
#include <jansson.h>
#include <stdbool.h>

typedef enum cli_part { CLI_BEFORE, CLI_AFTER, CLI_SITES, CLI_NEAR, CLI_PARTS } cli_part;

typedef struct cli_class { // layers in which the same was decided
  size_t layer, n;         // the first of them, as cli_outline numbers them; how many
  const size_t *member;    // [n] all of them
  const char *title;       // "layers 1 to 35", "before the layers"
} cli_class;

typedef struct cli_outline {
  nf_arena arena;
  const json_t *doc, *list[CLI_PARTS]; // unfused, plan.nodes, fusion.sites, fusion.near_misses
  size_t *layer[CLI_PARTS]; // of each item: 0 before the layers, then layer + 1, n_layers - 1 after
  size_t *own;              // of each node of CLI_BEFORE: its layer by its name, whatever fusion takes it
  nf_map made[2];           // results of CLI_BEFORE's and CLI_AFTER's nodes, to the nodes
  size_t n_layers;
  cli_class *class; // [n_classes] by their first layers; layers in which there is nothing have none
  size_t n_classes;
} cli_outline;

// `doc` must outlive it. `all`: no two layers count as equal. Deinit is wanted on error as well.
nf_status cli_outline_init(const json_t *doc, bool all, cli_outline *out);
void cli_outline_deinit(cli_outline *o);

// CLI_EACH_OF(site, o, CLI_SITES, layer) {...}: for each item of `part` in the layer, as CLI_EACH.
#define CLI_EACH_OF(item, o, part, in) \
  CLI_EACH(item, (o)->list[part]) if ((o)->layer[part][item##_at] == (in))
size_t cli_outline_count(const cli_outline *o, cli_part part, size_t layer);

// Of a candidate whose nodes belong to several layers which these are: "layer 0 and layer 1", "layer 35 and
// what follows". To be freed; NULL: it stays within one, or memory is out.
char *cli_outline_joins(const cli_outline *o, const json_t *candidate);

// The names of an array, as cli_name_at gives them, to `value`.
nf_status cli_map_names(nf_map *map, const json_t *names, uint32_t value);
size_t cli_mapped(const nf_map *map, const char *name); // SIZE_MAX: it is not there

typedef struct cli_cost {
  size_t launches; // nodes but views
  double us;       // of all of them
} cli_cost;
cli_cost cli_outline_cost(const cli_outline *o, cli_part part, size_t layer);     // of one layer
cli_cost cli_class_cost(const cli_outline *o, cli_part part, const cli_class *c); // of all its layers

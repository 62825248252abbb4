// SPDX-License-Identifier: Apache-2.0
#include "report/outline.h"
#include "base/text.h"
#include "report/doc.h"
#include <stdint.h>
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to outline the document"); }

static const char *name_of(report_part part, const json_t *item) {
  return report_text(item, part == REPORT_BEFORE || part == REPORT_AFTER ? "name" : "at");
}

// ---- which layer ----

// By the name alone; SIZE_MAX where it tells none.
static size_t told(const report_outline *o, const char *name) {
  const long n = report_layer_of(name);
  if (n < 0) return SIZE_MAX;
  const size_t layer = (size_t)n + 1;
  return layer < o->n_layers - 1 ? layer : o->n_layers - 1;
}

// Nodes stand in order, so one without a layer is before them all or after.
static void place_nodes(report_outline *o, report_part part) {
  bool within = false;
  REPORT_EACH(node, o->list[part]) {
    const size_t layer = told(o, name_of(part, node));
    o->layer[part][node_at] = layer != SIZE_MAX ? layer : within ? o->n_layers - 1 : 0;
    within = within || layer != SIZE_MAX;
  }
}

nf_status report_map_names(nf_map *map, const json_t *names, uint32_t value) {
  for (size_t i = 0; i < json_array_size(names); i++) {
    const char *name = report_name_at(names, i);
    NF_TRY(nf_map_add(map, name, strlen(name), value, NULL));
  }
  return nf_ok();
}

size_t report_mapped(const nf_map *map, const char *name) {
  uint32_t value;
  return nf_map_find(map, name, strlen(name), &value) ? value : SIZE_MAX;
}

// The layer of the node that makes the value, in one of the arrays of REPORT_BEFORE's nodes.
static size_t where(const report_outline *o, const size_t *of_node, const char *name) {
  const size_t node = report_mapped(&o->made[REPORT_BEFORE], name), by_name = told(o, name);
  return node != SIZE_MAX ? of_node[node] : by_name != SIZE_MAX ? by_name : o->n_layers - 1;
}

// The first and the last layer of a fusion's nodes by `of_node`. false: it has none.
static bool reach(const report_outline *o, const size_t *of_node, const json_t *fusion, size_t *first,
                  size_t *last) {
  const json_t *nodes = json_object_get(fusion, "nodes");
  *first = SIZE_MAX;
  *last = 0;
  for (size_t i = 0; i < json_array_size(nodes); i++) {
    const size_t layer = where(o, of_node, report_name_at(nodes, i));
    *first = layer < *first ? layer : *first;
    *last = layer > *last ? layer : *last;
  }
  return *first != SIZE_MAX;
}

// Brings the nodes that a fusion takes into the last of their layers.
static void gather(report_outline *o, const json_t *fusion) {
  const json_t *nodes = json_object_get(fusion, "nodes");
  size_t first, last;
  if (!reach(o, o->layer[REPORT_BEFORE], fusion, &first, &last)) return;
  for (size_t i = 0; i < json_array_size(nodes); i++) {
    const size_t node = report_mapped(&o->made[REPORT_BEFORE], report_name_at(nodes, i));
    if (node != SIZE_MAX) o->layer[REPORT_BEFORE][node] = last;
  }
}

// What names a value of the graph before goes where the node went that makes it.
static void follow(report_outline *o, report_part part) {
  REPORT_EACH(item, o->list[part]) {
    const char *name = name_of(part, item);
    if (part != REPORT_AFTER || report_mapped(&o->made[REPORT_BEFORE], name) != SIZE_MAX)
      o->layer[part][item_at] = where(o, o->layer[REPORT_BEFORE], name);
  }
}

static nf_status place(report_outline *o) {
  for (report_part part = REPORT_BEFORE; part <= REPORT_AFTER; part++) {
    place_nodes(o, part);
    REPORT_EACH(node, o->list[part])
    NF_TRY(report_map_names(&o->made[part], report_at(node, "results"), (uint32_t)node_at));
  }
  memcpy(o->own, o->layer[REPORT_BEFORE], json_array_size(o->list[REPORT_BEFORE]) * sizeof *o->own);
  REPORT_EACH_CANDIDATE(c, o->doc) {
    if (report_chosen(c)) gather(o, c);
  }
  for (report_part part = REPORT_AFTER; part < REPORT_PARTS; part++) follow(o, part);
  return nf_ok();
}

// ---- which are equal ----

// All that must be equal of two items. Costs of single nodes need not be: those of attention differ with its
// window, and a range of them is shown.
static void write_item(report_part part, const json_t *item, nf_text *t) {
  nf_text_printf(t, "\n%d", (int)part);
  REPORT_EACH(c, report_at(item, "candidates")) {
    report_fill(t, c, "\n{rule} {at} {verdict} {why} {before_us:2} {after_us:2}");
    report_names_of(t, report_at(c, "nodes"), " ", " ");
  }
  if (part == REPORT_SITES) return;
  report_fill(t, item, part == REPORT_NEAR ? "{rule} {at} {node} {why}" : "{name} {op} {kernel}");
  report_names_of(t, report_at(item, "operands"), " ", " ");
  report_names_of(t, report_at(item, "results"), " ", " ");
}

static nf_status signatures(const report_outline *o, nf_text *of_layer) {
  for (report_part part = 0; part < REPORT_PARTS; part++)
    REPORT_EACH(item, o->list[part]) write_item(part, item, &of_layer[o->layer[part][item_at]]);
  for (size_t l = 0; l < o->n_layers; l++) {
    NF_TRY(nf_text_status(&of_layer[l]));
    if (of_layer[l].n != 0) report_without_layer(of_layer[l].at, of_layer[l].at); // never longer than it was
  }
  return nf_ok();
}

static bool equal(const report_outline *o, const nf_text *of_layer, size_t a, size_t b) {
  return a != 0 && b != o->n_layers - 1 && strcmp(of_layer[a].at, of_layer[b].at) == 0;
}

// "1 to 35", "1, 3 .. 35", "0, 4 to 7, 9". Runs of equal steps, so that every second layer is one run; of
// many runs the first and the end. at: layers as the outline numbers them, one more than their names tell.
static void write_layers(nf_text *t, const size_t *at, size_t n) {
  for (size_t i = 0, k, runs = 0; i < n; i = k, runs++) {
    if (runs == 4) return nf_text_printf(t, " .. %zu", at[n - 1] - 1);
    const size_t step = i + 1 < n ? at[i + 1] - at[i] : 1;
    for (k = i + 1; k < n && at[k] - at[k - 1] == step;) k++;
    if (k - i == 2 && k < n) k--; // two that a longer run may follow
    nf_text_printf(t, "%s%zu", runs != 0 ? ", " : "", at[i] - 1);
    if (k - i == 2 || (k - i > 2 && step != 1)) nf_text_printf(t, ", %zu", at[i + 1] - 1);
    if (k - i > 2) nf_text_printf(t, "%s%zu", step == 1 ? " to " : " .. ", at[k - 1] - 1);
  }
}

static const char *title(report_outline *o, const report_class *c) {
  nf_text t = {0};
  if (c->layer == 0) return "before the layers";
  if (c->layer == o->n_layers - 1) return "after the layers";
  write_layers(&t, c->member, c->n);
  const char *list = t.failed ? NULL : nf_arena_printf(&o->arena, "layer%s %s", c->n > 1 ? "s" : "", t.at);
  nf_text_deinit(&t);
  return list;
}

static nf_status keep(report_outline *o, report_class *c, const size_t *member) {
  size_t *copy = nf_arena_alloc(&o->arena, c->n, sizeof *copy);
  if (copy == NULL) return no_memory();
  c->member = memcpy(copy, member, c->n * sizeof *member);
  c->title = title(o, c);
  return c->title != NULL ? nf_ok() : no_memory();
}

static nf_status classify(report_outline *o, const nf_text *of_layer, bool all) {
  bool *told_of = nf_arena_alloc(&o->arena, o->n_layers, sizeof *told_of);
  size_t *member = nf_arena_alloc(&o->arena, o->n_layers, sizeof *member);
  o->class = nf_arena_alloc(&o->arena, o->n_layers, sizeof *o->class);
  if (told_of == NULL || member == NULL || o->class == NULL) return no_memory();
  for (size_t a = 0; a < o->n_layers; a++) {
    if (told_of[a] || of_layer[a].n == 0) continue;
    report_class *c = &o->class[o->n_classes++];
    *c = (report_class){.layer = a};
    for (size_t b = a; b < o->n_layers; b++) {
      if (told_of[b] || of_layer[b].n == 0 || (b != a && (all || !equal(o, of_layer, a, b)))) continue;
      told_of[b] = true;
      member[c->n++] = b;
    }
    NF_TRY(keep(o, c, member));
  }
  return nf_ok();
}

static nf_status compare(report_outline *o, bool all) {
  nf_text *of_layer = nf_arena_alloc(&o->arena, o->n_layers, sizeof *of_layer);
  if (of_layer == NULL) return no_memory();
  nf_status st = signatures(o, of_layer);
  if (nf_is_ok(st)) st = classify(o, of_layer, all);
  for (size_t l = 0; l < o->n_layers; l++) nf_text_deinit(&of_layer[l]);
  return st;
}

nf_status report_outline_init(const json_t *doc, bool all, report_outline *out) {
  const double layers = report_number(doc, "model.layers");
  *out = (report_outline){.doc = doc,
                          .list = {report_at(doc, "unfused"), report_at(doc, "plan.nodes"),
                                   report_at(doc, "fusion.sites"), report_at(doc, "fusion.near_misses")},
                          .n_layers = (layers > 0 && layers < 1 << 20 ? (size_t)layers : 0) + 2};
  for (report_part part = 0; part < REPORT_PARTS; part++) {
    out->layer[part] = nf_arena_alloc(&out->arena, json_array_size(out->list[part]) + 1, sizeof(size_t));
    if (out->layer[part] == NULL) return no_memory();
  }
  out->own = nf_arena_alloc(&out->arena, json_array_size(out->list[REPORT_BEFORE]) + 1, sizeof *out->own);
  if (out->own == NULL) return no_memory();
  NF_TRY(place(out));
  return compare(out, all);
}

void report_outline_deinit(report_outline *o) {
  for (report_part part = REPORT_BEFORE; part <= REPORT_AFTER; part++) nf_map_deinit(&o->made[part]);
  nf_arena_deinit(&o->arena);
  *o = (report_outline){0};
}

size_t report_outline_count(const report_outline *o, report_part part, size_t layer) {
  size_t n = 0;
  for (size_t i = 0; i < json_array_size(o->list[part]); i++) n += o->layer[part][i] == layer;
  return n;
}

// ---- what of it is asked ----

static void write_layer(const report_outline *o, size_t layer, nf_text *t) {
  if (layer == 0)
    nf_text_printf(t, "what comes before");
  else if (layer == o->n_layers - 1)
    nf_text_printf(t, "what follows");
  else
    nf_text_printf(t, "layer %zu", layer - 1);
}

char *report_outline_joins(const report_outline *o, const json_t *candidate) {
  size_t first, last;
  nf_text t = {0};
  if (!reach(o, o->own, candidate, &first, &last) || first == last) return NULL;
  write_layer(o, first, &t);
  nf_text_printf(&t, " and ");
  write_layer(o, last, &t);
  return report_taken(&t);
}

report_cost report_outline_cost(const report_outline *o, report_part part, size_t layer) {
  report_cost sum = {0};
  REPORT_EACH_OF(node, o, part, layer) {
    sum.launches += !report_is_view(node);
    sum.us += report_number(node, "us");
  }
  return sum;
}

report_cost report_class_cost(const report_outline *o, report_part part, const report_class *c) {
  report_cost sum = {0};
  for (size_t m = 0; m < c->n; m++) {
    const report_cost one = report_outline_cost(o, part, c->member[m]);
    sum.launches += one.launches;
    sum.us += one.us;
  }
  return sum;
}

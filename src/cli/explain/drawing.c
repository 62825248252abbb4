// SPDX-License-Identifier: Apache-2.0
#include "cli/explain/drawing.h"
#include "base/map.h"
#include "cli/explain/doc.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NODE_HEIGHT = 40, PILL_HEIGHT = 24, MOST_CHARS = 36 };

typedef struct pen {
  const cli_outline *o;
  const cli_class *c;
  cli_part part;
  cli_drawing *d;
  nf_map box_of;   // values of the layer, and those that come, to boxes
  nf_map made;     // every value of the graph that a node makes
  nf_map frame_of; // values that a fusion takes or makes
} pen;

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to draw a graph"); }

double cli_box_text_width(size_t chars) { return 6.65 * (double)chars; }

static bool find(const nf_map *map, const char *name, size_t *out) {
  uint32_t i;
  if (!nf_map_find(map, name, strlen(name), &i)) return false;
  *out = i;
  return true;
}

// ---- boxes and wires ----

static double width_of(const cli_box *b) {
  char us[64] = "";
  if (b->kind == CLI_NODE) snprintf(us, sizeof us, " %.2f", b->most_us);
  const size_t name = strlen(b->name), op = b->op != NULL ? strlen(b->op) : 0;
  const size_t spread = b->most_us - b->least_us >= 0.005 ? strlen(us) : 0; // "3.00-3.26"
  size_t most = b->kind == CLI_NODE ? op + strlen(us) + spread + 1 : 3;
  most = name > most ? name : most;
  return cli_box_text_width(most < MOST_CHARS ? most : MOST_CHARS) + 18;
}

static nf_status add_box(pen *p, cli_box b, size_t *out) {
  cli_drawing *d = p->d;
  if (d->n_boxes == d->cap_boxes) return no_memory();
  d->place[d->n_boxes] = (cli_place){
      .w = width_of(&b), .h = b.kind == CLI_NODE ? NODE_HEIGHT : PILL_HEIGHT, .early = b.kind == CLI_COMES};
  d->box[d->n_boxes] = b;
  *out = d->n_boxes++;
  return nf_ok();
}

static void add_wire(pen *p, size_t from, size_t to) {
  cli_drawing *d = p->d;
  for (size_t i = d->n_wires; i > 0 && d->wire[i - 1].to == to; i--)
    if (d->wire[i - 1].from == from) return; // an operand twice
  if (d->n_wires < d->cap_wires) d->wire[d->n_wires++] = (cli_wire){.from = from, .to = to};
}

// The box that a value comes from; SIZE_MAX for weights, caches and the caller's values.
static nf_status source(pen *p, const char *name, size_t *out) {
  size_t elsewhere;
  *out = SIZE_MAX;
  if (find(&p->box_of, name, out) || !find(&p->made, name, &elsewhere)) return nf_ok();
  NF_TRY(add_box(p, (cli_box){.kind = CLI_COMES, .name = name, .frame = SIZE_MAX}, out));
  return nf_map_add(&p->box_of, name, strlen(name), (uint32_t)*out, NULL);
}

// A view is not drawn: its value is its operand's.
static nf_status pass_view(pen *p, const json_t *node) {
  const json_t *operands = json_object_get(node, "operands");
  size_t from = SIZE_MAX;
  if (json_array_size(operands) != 0) NF_TRY(source(p, cli_name_at(operands, 0), &from));
  return from != SIZE_MAX ? cli_map_names(&p->box_of, json_object_get(node, "results"), (uint32_t)from)
                          : nf_ok();
}

static size_t frame_of(const pen *p, const json_t *node) {
  const json_t *results = json_object_get(node, "results");
  size_t frame;
  if (find(&p->frame_of, cli_text(node, "name"), &frame)) return frame;
  for (size_t i = 0; i < json_array_size(results); i++)
    if (find(&p->frame_of, cli_name_at(results, i), &frame)) return frame;
  return SIZE_MAX;
}

static nf_status draw_node(pen *p, const json_t *node) {
  const json_t *operands = json_object_get(node, "operands");
  const double us = cli_number(node, "us");
  size_t to, from;
  if (cli_is_view(node)) return pass_view(p, node);
  for (size_t i = 0; i < json_array_size(operands); i++) NF_TRY(source(p, cli_name_at(operands, i), &from));
  const cli_box b = {CLI_NODE, cli_text(node, "op"), cli_text(node, "name"), us, us, frame_of(p, node)};
  NF_TRY(add_box(p, b, &to));
  for (size_t i = 0; i < json_array_size(operands); i++) {
    NF_TRY(source(p, cli_name_at(operands, i), &from));
    if (from != SIZE_MAX) add_wire(p, from, to);
  }
  return cli_map_names(&p->box_of, json_object_get(node, "results"), (uint32_t)to);
}

// One box below each node of the layer that others use, named by the first that does.
static nf_status draw_users(pen *p) {
  const json_t *list = p->o->list[p->part];
  bool *gone = nf_arena_alloc(&p->d->arena, p->d->cap_boxes, sizeof *gone);
  if (gone == NULL) return no_memory();
  CLI_EACH(node, list) {
    const json_t *operands = json_object_get(node, "operands");
    if (p->o->layer[p->part][node_at] == p->c->layer) continue;
    for (size_t k = 0; k < json_array_size(operands); k++) {
      size_t from = SIZE_MAX, to = SIZE_MAX;
      if (!find(&p->box_of, cli_name_at(operands, k), &from) || gone[from]) continue;
      if (p->d->box[from].kind != CLI_NODE) continue;
      gone[from] = true;
      NF_TRY(add_box(p, (cli_box){.kind = CLI_GOES, .name = cli_text(node, "name"), .frame = SIZE_MAX}, &to));
      add_wire(p, from, to);
    }
  }
  return nf_ok();
}

// What a fusion made besides the node that has its result's name is named after it: "hidden.36.rows".
static void frame_helpers(pen *p) {
  for (size_t i = p->d->n_wires; i-- > 0;) {
    cli_box *from = &p->d->box[p->d->wire[i].from], *to = &p->d->box[p->d->wire[i].to];
    if (from->kind != CLI_NODE || from->frame != SIZE_MAX || to->frame == SIZE_MAX) continue;
    const size_t n = strlen(to->name);
    if (strncmp(from->name, to->name, n) == 0 && from->name[n] == '.') from->frame = to->frame;
  }
}

// ---- the whole ----

// Names what the chosen fusions take, by every result of the nodes they take.
static nf_status name_frame(pen *p, const json_t *fusion) {
  const json_t *taken = json_object_get(fusion, "nodes");
  const uint32_t frame = (uint32_t)p->d->n_frames;
  char *joins = cli_outline_joins(p->o, fusion);
  cli_frame *f = &p->d->frame[p->d->n_frames++];
  *f = (cli_frame){.fusion = fusion};
  if (joins != NULL) f->joins = nf_arena_copy(&p->d->arena, joins, strlen(joins));
  nf_free(joins);
  NF_TRY(cli_map_names(&p->frame_of, taken, frame));
  CLI_EACH_OF(node, p->o, CLI_BEFORE, p->c->layer) {
    size_t of;
    if (find(&p->frame_of, cli_text(node, "name"), &of) && of == frame)
      NF_TRY(cli_map_names(&p->frame_of, json_object_get(node, "results"), frame));
  }
  return nf_ok();
}

static nf_status find_frames(pen *p) {
  size_t n = 0;
  CLI_EACH_OF(site, p->o, CLI_SITES, p->c->layer) n += json_array_size(json_object_get(site, "candidates"));
  p->d->frame = nf_arena_alloc(&p->d->arena, n + 1, sizeof *p->d->frame);
  if (p->d->frame == NULL) return no_memory();
  CLI_EACH_OF(site, p->o, CLI_SITES, p->c->layer) {
    CLI_EACH(c, json_object_get(site, "candidates")) {
      if (cli_chosen(c)) NF_TRY(name_frame(p, c));
    }
  }
  return nf_ok();
}

// Costs of the other layers of the class, whose nodes are the same in the same order.
static void widen_costs(pen *p) {
  for (size_t m = 1; m < p->c->n; m++) {
    size_t b = 0;
    CLI_EACH_OF(node, p->o, p->part, p->c->member[m]) {
      if (cli_is_view(node)) continue;
      while (b < p->d->n_boxes && p->d->box[b].kind != CLI_NODE) b++;
      if (b == p->d->n_boxes) continue;
      cli_box *box = &p->d->box[b];
      box->least_us = fmin(box->least_us, cli_number(node, "us"));
      box->most_us = fmax(box->most_us, cli_number(node, "us"));
      p->d->place[b++].w = width_of(box);
    }
  }
}

static nf_status make_room(pen *p) {
  cli_drawing *d = p->d;
  const size_t nodes = cli_outline_count(p->o, p->part, p->c->layer);
  size_t operands = 0;
  CLI_EACH_OF(node, p->o, p->part, p->c->layer) {
    operands += json_array_size(json_object_get(node, "operands"));
  }
  d->cap_boxes = 2 * nodes + operands; // each node, what it uses, what it goes to
  d->cap_wires = nodes + operands;
  d->box = nf_arena_alloc(&d->arena, d->cap_boxes + 1, sizeof *d->box);
  d->place = nf_arena_alloc(&d->arena, d->cap_boxes + 1, sizeof *d->place);
  d->wire = nf_arena_alloc(&d->arena, d->cap_wires + 1, sizeof *d->wire);
  if (d->box == NULL || d->place == NULL || d->wire == NULL) return no_memory();
  CLI_EACH(node, p->o->list[p->part]) {
    NF_TRY(cli_map_names(&p->made, json_object_get(node, "results"), (uint32_t)node_at));
  }
  return nf_ok();
}

size_t cli_frame_label(const cli_frame *f, char *out, size_t room) {
  const int n = snprintf(out, room, "%s%s%s", cli_text(f->fusion, "rule"), f->joins != NULL ? ", joins " : "",
                         f->joins != NULL ? f->joins : "");
  return n > 0 ? (size_t)n : 0;
}

static void make_room_for_labels(cli_drawing *d) {
  for (size_t f = 0; d->fits && f < d->n_frames; f++)
    d->size.x = fmax(d->size.x, cli_box_text_width(cli_frame_label(&d->frame[f], NULL, 0)) + 8);
}

static nf_status draw(pen *p) {
  NF_TRY(make_room(p));
  NF_TRY(find_frames(p));
  CLI_EACH_OF(node, p->o, p->part, p->c->layer) NF_TRY(draw_node(p, node));
  if (p->part == CLI_AFTER) frame_helpers(p);
  widen_costs(p);
  NF_TRY(draw_users(p));
  NF_TRY(cli_layout(p->d->place, p->d->n_boxes, p->d->wire, p->d->n_wires, &p->d->arena, &p->d->size,
                    &p->d->fits));
  make_room_for_labels(p->d);
  return nf_ok();
}

nf_status cli_draw(const cli_outline *o, const cli_class *c, cli_part part, cli_drawing *out) {
  *out = (cli_drawing){0};
  pen p = {.o = o, .c = c, .part = part, .d = out};
  const nf_status st = draw(&p);
  nf_map_deinit(&p.box_of);
  nf_map_deinit(&p.made);
  nf_map_deinit(&p.frame_of);
  return st;
}

void cli_drawing_deinit(cli_drawing *d) {
  nf_arena_deinit(&d->arena);
  *d = (cli_drawing){0};
}

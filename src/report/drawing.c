// SPDX-License-Identifier: Apache-2.0
#include "report/drawing.h"
#include "base/map.h"
#include "report/doc.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NODE_HEIGHT = 40, PILL_HEIGHT = 24, MOST_CHARS = 36 };

typedef struct pen {
  const report_outline *o;
  const report_class *c;
  report_part part;
  report_drawing *d;
  nf_map box_of;   // values of the layer, and those that come, to boxes
  nf_map frame_of; // values that a fusion takes or makes
} pen;

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to draw a graph"); }

double report_box_text_width(size_t chars) { return 6.65 * (double)chars; }

// ---- boxes and wires ----

static double width_of(const report_box *b) {
  char us[64] = "";
  if (b->kind == REPORT_NODE) snprintf(us, sizeof us, " %.2f", b->most_us);
  const size_t name = strlen(b->name), op = b->op != NULL ? strlen(b->op) : 0;
  const size_t spread = b->most_us - b->least_us >= 0.005 ? strlen(us) : 0; // "3.00-3.26"
  size_t most = b->kind == REPORT_NODE ? op + strlen(us) + spread + 1 : 3;
  most = name > most ? name : most;
  return report_box_text_width(most < MOST_CHARS ? most : MOST_CHARS) + 18;
}

static nf_status add_box(pen *p, report_box b, size_t *out) {
  report_drawing *d = p->d;
  if (d->n_boxes == d->cap_boxes) return no_memory();
  d->place[d->n_boxes] = (report_place){.w = width_of(&b),
                                        .h = b.kind == REPORT_NODE ? NODE_HEIGHT : PILL_HEIGHT,
                                        .early = b.kind == REPORT_COMES};
  d->box[d->n_boxes] = b;
  *out = d->n_boxes++;
  return nf_ok();
}

static void add_wire(pen *p, size_t from, size_t to) {
  report_drawing *d = p->d;
  for (size_t i = d->n_wires; i > 0 && d->wire[i - 1].to == to; i--)
    if (d->wire[i - 1].from == from) return; // an operand twice
  if (d->n_wires < d->cap_wires) d->wire[d->n_wires++] = (report_wire){.from = from, .to = to};
}

// The box that a value comes from; SIZE_MAX for weights, caches and the caller's values.
static nf_status source(pen *p, const char *name, size_t *out) {
  *out = report_mapped(&p->box_of, name);
  if (*out != SIZE_MAX || report_mapped(&p->o->made[p->part], name) == SIZE_MAX) return nf_ok();
  NF_TRY(add_box(p, (report_box){.kind = REPORT_COMES, .name = name, .frame = SIZE_MAX}, out));
  return nf_map_add(&p->box_of, name, strlen(name), (uint32_t)*out, NULL);
}

static size_t frame_of(const pen *p, const json_t *node) {
  const json_t *results = report_at(node, "results");
  size_t frame = report_mapped(&p->frame_of, report_text(node, "name"));
  for (size_t i = 0; frame == SIZE_MAX && i < json_array_size(results); i++)
    frame = report_mapped(&p->frame_of, report_name_at(results, i));
  return frame;
}

// A view is not drawn: its value is its operand's.
static nf_status draw_node(pen *p, const json_t *node) {
  const json_t *operands = report_at(node, "operands"), *results = report_at(node, "results");
  const double us = report_number(node, "us");
  const bool view = report_is_view(node);
  size_t box = SIZE_MAX, from;
  for (size_t i = 0; i < json_array_size(operands) && (i == 0 || !view); i++)
    NF_TRY(source(p, report_name_at(operands, i), view ? &box : &from));
  if (view) return box != SIZE_MAX ? report_map_names(&p->box_of, results, (uint32_t)box) : nf_ok();
  NF_TRY(add_box(p,
                 (report_box){REPORT_NODE, report_text(node, "op"), report_text(node, "name"), us, us,
                              frame_of(p, node)},
                 &box));
  for (size_t i = 0; i < json_array_size(operands); i++) {
    from = report_mapped(&p->box_of, report_name_at(operands, i));
    if (from != SIZE_MAX) add_wire(p, from, box);
  }
  return report_map_names(&p->box_of, results, (uint32_t)box);
}

// One box below each node of the layer that others use, named by the first that does.
static nf_status draw_users(pen *p) {
  const json_t *list = p->o->list[p->part];
  bool *gone = nf_arena_alloc(&p->d->arena, p->d->cap_boxes, sizeof *gone);
  if (gone == NULL) return no_memory();
  REPORT_EACH(node, list) {
    const json_t *operands = report_at(node, "operands");
    if (p->o->layer[p->part][node_at] == p->c->layer) continue;
    for (size_t k = 0; k < json_array_size(operands); k++) {
      const size_t from = report_mapped(&p->box_of, report_name_at(operands, k));
      size_t to = SIZE_MAX;
      if (from == SIZE_MAX || gone[from] || p->d->box[from].kind != REPORT_NODE) continue;
      gone[from] = true;
      NF_TRY(add_box(
          p, (report_box){.kind = REPORT_GOES, .name = report_text(node, "name"), .frame = SIZE_MAX}, &to));
      add_wire(p, from, to);
    }
  }
  return nf_ok();
}

// What a fusion made besides the node that has its result's name is named after it: "hidden.36.rows".
static void frame_helpers(pen *p) {
  for (size_t i = p->d->n_wires; i-- > 0;) {
    report_box *from = &p->d->box[p->d->wire[i].from], *to = &p->d->box[p->d->wire[i].to];
    if (from->kind != REPORT_NODE || from->frame != SIZE_MAX || to->frame == SIZE_MAX) continue;
    const size_t n = strlen(to->name);
    if (strncmp(from->name, to->name, n) == 0 && from->name[n] == '.') from->frame = to->frame;
  }
}

// ---- the whole ----

// Names what a chosen fusion takes, by every result of the nodes it takes.
static nf_status name_frame(pen *p, const json_t *fusion) {
  report_drawing *d = p->d;
  const uint32_t frame = (uint32_t)d->n_frames++;
  char *joins = report_outline_joins(p->o, fusion);
  d->frame[frame] = nf_arena_printf(&d->arena, "%s%s%s", report_text(fusion, "rule"),
                                    joins != NULL ? ", joins " : "", joins != NULL ? joins : "");
  nf_free(joins);
  if (d->frame[frame] == NULL) return no_memory();
  NF_TRY(report_map_names(&p->frame_of, report_at(fusion, "nodes"), frame));
  REPORT_EACH_OF(node, p->o, REPORT_BEFORE, p->c->layer) {
    if (report_mapped(&p->frame_of, report_text(node, "name")) == frame)
      NF_TRY(report_map_names(&p->frame_of, report_at(node, "results"), frame));
  }
  return nf_ok();
}

static nf_status find_frames(pen *p) {
  size_t n = 0;
  REPORT_EACH_OF(site, p->o, REPORT_SITES, p->c->layer) n += json_array_size(report_at(site, "candidates"));
  p->d->frame = nf_arena_alloc(&p->d->arena, n + 1, sizeof *p->d->frame);
  if (p->d->frame == NULL) return no_memory();
  REPORT_EACH_OF(site, p->o, REPORT_SITES, p->c->layer) {
    REPORT_EACH(c, report_at(site, "candidates")) {
      if (report_chosen(c)) NF_TRY(name_frame(p, c));
    }
  }
  return nf_ok();
}

// Costs of the other layers of the class, whose nodes are the same in the same order.
static void widen_costs(pen *p) {
  for (size_t m = 1; m < p->c->n; m++) {
    size_t b = 0;
    REPORT_EACH_OF(node, p->o, p->part, p->c->member[m]) {
      if (report_is_view(node)) continue;
      while (b < p->d->n_boxes && p->d->box[b].kind != REPORT_NODE) b++;
      if (b == p->d->n_boxes) continue;
      report_box *box = &p->d->box[b];
      box->least_us = fmin(box->least_us, report_number(node, "us"));
      box->most_us = fmax(box->most_us, report_number(node, "us"));
      p->d->place[b++].w = width_of(box);
    }
  }
}

static nf_status make_room(pen *p) {
  report_drawing *d = p->d;
  const size_t nodes = report_outline_count(p->o, p->part, p->c->layer);
  size_t operands = 0;
  REPORT_EACH_OF(node, p->o, p->part, p->c->layer) operands += json_array_size(report_at(node, "operands"));
  d->cap_boxes = 2 * nodes + operands; // each node, what it uses, what it goes to
  d->cap_wires = nodes + operands;
  d->box = nf_arena_alloc(&d->arena, d->cap_boxes + 1, sizeof *d->box);
  d->place = nf_arena_alloc(&d->arena, d->cap_boxes + 1, sizeof *d->place);
  d->wire = nf_arena_alloc(&d->arena, d->cap_wires + 1, sizeof *d->wire);
  return d->box != NULL && d->place != NULL && d->wire != NULL ? nf_ok() : no_memory();
}

static void make_room_for_labels(report_drawing *d) {
  for (size_t f = 0; d->fits && f < d->n_frames; f++)
    d->size.x = fmax(d->size.x, report_box_text_width(strlen(d->frame[f])) + 8);
}

static nf_status draw(pen *p) {
  NF_TRY(make_room(p));
  NF_TRY(find_frames(p));
  REPORT_EACH_OF(node, p->o, p->part, p->c->layer) NF_TRY(draw_node(p, node));
  if (p->part == REPORT_AFTER) frame_helpers(p);
  widen_costs(p);
  NF_TRY(draw_users(p));
  NF_TRY(report_layout(p->d->place, p->d->n_boxes, p->d->wire, p->d->n_wires, &p->d->arena, &p->d->size,
                       &p->d->fits));
  make_room_for_labels(p->d);
  return nf_ok();
}

nf_status report_draw(const report_outline *o, const report_class *c, report_part part, report_drawing *out) {
  *out = (report_drawing){0};
  pen p = {.o = o, .c = c, .part = part, .d = out};
  const nf_status st = draw(&p);
  nf_map_deinit(&p.box_of);
  nf_map_deinit(&p.frame_of);
  return st;
}

void report_drawing_deinit(report_drawing *d) {
  nf_arena_deinit(&d->arena);
  *d = (report_drawing){0};
}
